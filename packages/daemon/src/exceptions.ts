import type { ExceptionCause, ExceptionRow } from '@portcullis/control';
import type { WorkerCounterName } from '@portcullis/engine';

/** What each cause is counted by. Counters of `seen` count what was dropped too. */
const counted: Readonly<
  Record<ExceptionCause, Record<'passed' | 'seen' | 'dropped', readonly WorkerCounterName[]>>
> = {
  memcap: {
    passed: ['unheld_segments', 'unkept_segments', 'uncompared_segments', 'raw_tails_missing'],
    seen: [],
    dropped: ['drop_memcap', 'drop_not_kept'],
  },
  'app-layer-memcap': { passed: ['parsers_passed'], seen: [], dropped: ['parsers_dropped'] },
  'flow-table': { passed: [], seen: ['flow_table_full'], dropped: ['drop_flow_table'] },
  gap: { passed: ['gaps'], seen: [], dropped: ['drop_gap'] },
  midstream: { passed: ['midstream_packets'], seen: [], dropped: ['drop_midstream'] },
  decode: { passed: [], seen: ['decode_errors', 'no_header'], dropped: ['decode_drops', 'drop_no_header'] },
};

/** How often each exception policy has decided, and how. */
export function exceptionRows(
  totals: Readonly<Record<WorkerCounterName, number>>,
): Record<ExceptionCause, ExceptionRow> {
  const sum = (names: readonly WorkerCounterName[]) => names.reduce((all, name) => all + totals[name], 0);
  const rows = Object.entries(counted).map(([cause, { passed, seen, dropped }]) => {
    const drops = sum(dropped);
    // The workers' counters are read while they count.
    return [cause, { passed: sum(passed) + Math.max(0, sum(seen) - drops), dropped: drops }];
  });
  return Object.fromEntries(rows) as Record<ExceptionCause, ExceptionRow>;
}
