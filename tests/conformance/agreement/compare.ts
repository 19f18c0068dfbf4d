import { parseAddress } from '@portcullis/wire';
import type { AlertGroup, ReferenceCapture } from './reference';
import { type CaptureFindings, tupleKey } from './replay-capture';

/** An alert that only one side gave. */
export interface Difference {
  readonly pcap: string;
  readonly group: AlertGroup;
}

/** One way of counting alerts as the same. */
export interface Agreement {
  readonly both: number;
  readonly missing: readonly Difference[];
  readonly surplus: readonly Difference[];
}

/** Compared with the reference: unique sids of a capture, and unique sids with their 5-tuples. */
export interface Comparison {
  readonly pairs: Agreement;
  readonly tuples: Agreement;
  /** Captures for which the unique sids with their 5-tuples are the same. */
  readonly agreeing: readonly string[];
  readonly captures: number;
}

/** Addresses of one spelling. */
function canonical(group: AlertGroup): AlertGroup {
  const address = (text: string) => parseAddress(text)?.join('.') ?? text;
  // Ports of protocols that have none are told as 0 or not at all.
  return {
    ...group,
    src: address(group.src),
    dst: address(group.dst),
    sport: group.sport ?? 0,
    dport: group.dport ?? 0,
  };
}

function unique(groups: readonly AlertGroup[], key: (group: AlertGroup) => string): Map<string, AlertGroup> {
  const found = new Map<string, AlertGroup>();
  for (const group of groups) {
    const name = key(canonical(group));
    if (!found.has(name)) found.set(name, group);
  }
  return found;
}

function agreement(
  captures: readonly { pcap: string; wanted: readonly AlertGroup[]; got: readonly AlertGroup[] }[],
  key: (group: AlertGroup) => string,
): Agreement {
  let both = 0;
  const missing: Difference[] = [];
  const surplus: Difference[] = [];
  for (const { pcap, wanted, got } of captures) {
    const reference = unique(wanted, key);
    const ours = unique(got, key);
    for (const [name, group] of reference) {
      if (ours.has(name)) both++;
      else missing.push({ pcap, group });
    }
    for (const [name, group] of ours) if (!reference.has(name)) surplus.push({ pcap, group });
  }
  return { both, missing, surplus };
}

/** @param captures that the reference could read */
export function compare(
  reference: readonly ReferenceCapture[],
  findings: readonly CaptureFindings[],
): Comparison {
  const found = new Map(findings.map((one) => [one.pcap, one]));
  const captures = reference.map(({ pcap, alerts }) => ({
    pcap,
    wanted: alerts,
    got: found.get(pcap)?.alerts ?? [],
  }));
  const pairs = agreement(captures, ({ sid }) => String(sid));
  const tuples = agreement(captures, tupleKey);
  const differing = new Set([...tuples.missing, ...tuples.surplus].map(({ pcap }) => pcap));
  const agreeing = captures.map(({ pcap }) => pcap).filter((pcap) => !differing.has(pcap));
  return { pairs, tuples, agreeing, captures: captures.length };
}
