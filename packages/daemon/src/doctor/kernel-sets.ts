import { parseSetHeaders } from '@portcullis/firewall';

/** What `ipset list -terse` says about a set. */
export interface IpSet {
  readonly name: string;
  readonly type: string;
  readonly entries: number;
  /** Entries it can hold; 0 where there is no such limit. */
  readonly capacity: number;
}

export function parseSets(text: string): Map<string, IpSet> {
  const sets = new Map<string, IpSet>();
  for (const [name, { type, entries, header }] of parseSetHeaders(text))
    sets.set(name, { name, type, entries, capacity: Number(/\bmaxelem (\d+)/.exec(header)?.[1] ?? 0) });
  return sets;
}
