import { textTable } from '../text-table';
import type { Agreement, Comparison, Difference } from './compare';
import type { CaptureFindings, RulesLoaded } from './replay-capture';

const TOP = 4;

function ratio(part: number, whole: number): string {
  return whole === 0 ? '–' : (part / whole).toFixed(4);
}

export const recall = ({ both, missing }: Agreement): number => both / Math.max(1, both + missing.length);
export const precision = ({ both, surplus }: Agreement): number => both / Math.max(1, both + surplus.length);

/** The most frequent values, with how often each is there. */
function top(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const shown = sorted.slice(0, TOP).map(([value, count]) => (count > 1 ? `${value}×${count}` : value));
  return [...shown, ...(sorted.length > TOP ? [`+${sorted.length - TOP}`] : [])].join(' ');
}

/** Transport and application protocol of an alert: `TCP http`. */
const protocolOf = ({ group }: Difference): string => `${group.proto} ${group.app_proto ?? '–'}`;

function table(differences: readonly Difference[], notLoaded: ReadonlySet<number>): string {
  const groups = new Map<string, Difference[]>();
  for (const difference of differences) {
    const name = protocolOf(difference);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [difference]);
    else group.push(difference);
  }
  const rows = [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([name, group]) => [
      name,
      group.length,
      group.filter(({ group: { sid } }) => notLoaded.has(sid)).length,
      top(group.map(({ group: { sid } }) => String(sid))),
      top(group.map(({ pcap }) => pcap)),
    ]);
  return textTable(['', 'alerts', 'rule not loaded', 'sids', 'captures'], rows, new Set([0, 3, 4]));
}

function figures(name: string, agreement: Agreement): (string | number)[] {
  const { both, missing, surplus } = agreement;
  return [
    name,
    both + missing.length,
    both + surplus.length,
    both,
    missing.length,
    surplus.length,
    ratio(both, both + missing.length),
    ratio(both, both + surplus.length),
  ];
}

/** The figures, and by protocol what is missing and what is too much. */
export function agreementReport(
  comparison: Comparison,
  rules: RulesLoaded,
  findings: readonly CaptureFindings[],
): string {
  const { pairs, tuples, agreeing, captures } = comparison;
  const notLoaded = new Set(rules.failed.map(({ sid }) => sid));
  const errors = findings.filter(({ error }) => error !== null);
  const seconds = findings.reduce((sum, one) => sum + one.seconds, 0);
  const megabytes = findings.reduce((sum, one) => sum + one.bytes, 0) / 1e6;
  const reasons = new Map<string, number>();
  for (const { reason } of rules.failed) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const refusals = [...reasons]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `  ${count} × ${reason}`);
  return [
    `── Agreement with the reference: ${captures} captures, ${agreeing.length} of them agree in every alert`,
    `Rules: ${rules.loaded} loaded in ${rules.seconds.toFixed(1)} s, ${rules.failed.length} refused\n${refusals.join('\n')}`,
    textTable(
      ['unique', 'reference', 'ours', 'both', 'missing', 'surplus', 'recall', 'precision'],
      [figures('capture, sid', pairs), figures('capture, sid, 5-tuple', tuples)],
    ),
    `Missing (capture, sid, 5-tuple)\n${table(tuples.missing, notLoaded)}`,
    `Surplus (capture, sid, 5-tuple)\n${table(tuples.surplus, notLoaded)}`,
    ...(errors.length > 0
      ? [`Not read to their end\n${errors.map(({ pcap, error }) => `${pcap}: ${error}`).join('\n')}`]
      : []),
    `${megabytes.toFixed(0)} MB in ${seconds.toFixed(1)} s of inspection. One capture alone: npm run conformance -- expected --capture NAME`,
  ].join('\n\n');
}

/** Both sides of a few captures, alert by alert. */
export function captureReport(comparison: Comparison, findings: readonly CaptureFindings[]): string {
  const line = (mark: string, { pcap, group }: Difference) =>
    `${mark} sid ${group.sid} ${group.proto} ${group.app_proto ?? '–'} ${group.src} ${group.sport ?? ''} → ${group.dst} ${group.dport ?? ''}  ${pcap}`;
  const { missing, surplus, both } = comparison.tuples;
  const few = findings.length <= 20 ? findings : [];
  return [
    ...few.map(
      ({ pcap, packets, error }) => `${pcap}: ${packets} packets${error === null ? '' : `; ${error}`}`,
    ),
    `${both} alerts agree`,
    ...missing.map((one) => line('missing', one)),
    ...surplus.map((one) => line('surplus', one)),
  ].join('\n');
}
