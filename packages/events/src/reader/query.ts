import { BlockList, isIP } from 'node:net';
import type { EveRecord } from '../record';
import { eveFiles, fileLines } from './eve-files';

/** What an event must be; what is left out may be anything. */
export interface EventFilter {
  /** Milliseconds since 1970: not older than this. */
  since?: number;
  type?: string;
  /** `192.0.2.0/24`, `2001:db8::1` */
  source?: string;
  sid?: number;
  /** Of an alert (`allowed`, `blocked`) or of a ban (`added`, `refused` …). */
  action?: string;
}

/** @throws RangeError where the prefix is none */
export function eventMatcher(filter: EventFilter): (record: EveRecord) => boolean {
  const within = filter.source === undefined ? null : prefixMatcher(filter.source);
  return (record) => {
    const { type, sid, action, since } = filter;
    if (type !== undefined && record.event_type !== type) return false;
    if (sid !== undefined && record.alert?.signature_id !== sid) return false;
    if (action !== undefined && record.alert?.action !== action && record.ban?.action !== action)
      return false;
    if (within && !within(record.src_ip)) return false;
    // A time that cannot be read is told rather than left out.
    return since === undefined || !(eventTime(record) < since);
  };
}

/** Milliseconds since 1970; NaN where the record has no time. */
export function eventTime({ timestamp }: EveRecord): number {
  return Date.parse(String(timestamp).replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
}

function prefixMatcher(text: string): (address: unknown) => boolean {
  const [address, length, ...rest] = text.split('/') as [string, string | undefined, ...string[]];
  const version = isIP(address);
  const bits = length === undefined ? (version === 6 ? 128 : 32) : Number(length);
  if (
    version === 0 ||
    rest.length > 0 ||
    !/^\d{1,3}$/.test(length ?? '0') ||
    bits > (version === 6 ? 128 : 32)
  )
    throw new RangeError(`'${text}' is not an address or prefix`);
  const list = new BlockList();
  const family = version === 6 ? 'ipv6' : 'ipv4';
  if (bits === 0) return (other) => typeof other === 'string' && isIP(other) === version;
  list.addSubnet(address, bits, family);
  return (other) => typeof other === 'string' && isIP(other) === version && list.check(other, family);
}

/** @returns null where the line is no record */
export function parseRecord(line: string): EveRecord | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as EveRecord) : null;
  } catch {
    return null;
  }
}

/**
 * The events in an EVE file and its rotated siblings that match, oldest first. Files that were last written before the
 * time asked for are not opened.
 * @param onUnreadable told of a file that cannot be read to its end; the others are read
 */
export async function* queryEvents(
  path: string,
  filter: EventFilter,
  onUnreadable: (path: string, message: string) => void,
): AsyncGenerator<EveRecord> {
  const matches = eventMatcher(filter);
  for (const file of await eveFiles(path)) {
    if (filter.since !== undefined && file.modified < filter.since) continue;
    try {
      for await (const line of fileLines(file)) {
        const record = parseRecord(line);
        if (record && matches(record)) yield record;
      }
    } catch (error) {
      onUnreadable(file.path, (error as Error).message);
    }
  }
}
