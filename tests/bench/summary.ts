/** From single measurements to the rows of the table, and what of it was hoped for. */
import { median, medianRatio } from './figures';
import { type ModeName, modeNames, type WorkloadName, workloadNames } from './options';
import type { Sample } from './workloads';

export interface Measurement extends Sample {
  round: number;
  workload: WorkloadName;
  mode: ModeName;
  /** Processor seconds that whoever reads the queues took meanwhile. */
  consumer: number;
  /** The share of one processor that the other modes' engines took meanwhile. */
  bystanders: number;
  /** The share of all processors that the host took away meanwhile. */
  stolen: number;
  /** Whether the attack in the middle of it was stopped; null where nothing is there to stop it. */
  attackStopped: boolean | null;
}

/** A share of another mode's rate, or of another payload's; or milliseconds on top of what it takes without a queue. */
export type Goal =
  | { kind: 'mode'; of: ModeName; least: number }
  | { kind: 'payload'; of: WorkloadName; least: number }
  | { kind: 'added'; most: number };

/** At half load. */
const MOST_ADDED_MILLISECONDS = 1;

export interface Row {
  workload: WorkloadName;
  mode: ModeName;
  rate: number;
  /** Shares, medians of the rounds' own; NaN where the other was not measured. */
  ofLimit: number;
  ofNone: number;
  /** Milliseconds; NaN for bulk. */
  p50: number;
  p99: number;
  /** Processor seconds per GB or per 1 000 requests; NaN where nobody reads a queue. */
  consumer: number;
  errors: number;
  /** Of the 99th percentile, on top of that without a queue: median of the rounds; NaN where it is not measured. */
  added: number;
  /** Rate as a share of that with the payload the goal names. */
  ofPayload: number;
  attacks: { planted: number; stopped: number };
  goal: Goal | null;
  /** null where there is no goal, or nothing to compare with. */
  reached: boolean | null;
}

/** What is hoped for; modes and workloads that are not here are shown without a goal. */
export function goalOf(workload: WorkloadName, mode: ModeName): Goal | null {
  const bulk = workload === 'bulk1' || workload === 'bulk4';
  const isEngine = mode === 'engine' || mode === 'engine-offload';
  if (workload === 'half') return isEngine ? { kind: 'added', most: MOST_ADDED_MILLISECONDS } : null;
  if (workload === 'text') return null;
  if (workload === 'zeros' || workload === 'near') return { kind: 'payload', of: 'text', least: 0.5 };
  if (mode === 'engine-offload' && bulk) return { kind: 'mode', of: 'none', least: 0.95 };
  return isEngine ? { kind: 'mode', of: 'limit', least: 0.85 } : null;
}

export function summarize(measurements: readonly Measurement[]): Row[] {
  const rows: Row[] = [];
  for (const workload of workloadNames) {
    for (const mode of modeNames) {
      const mine = measurements.filter((one) => one.workload === workload && one.mode === mode);
      if (mine.length === 0) continue;
      const byRound = (name: WorkloadName, of: ModeName, value: (one: Measurement) => number) =>
        new Map(
          measurements
            .filter((one) => one.workload === name && one.mode === of)
            .map((one) => [one.round, value(one)]),
        );
      const rates = (of: ModeName, name = workload) => byRound(name, of, (one) => one.rate);
      const ratio = (of: ModeName) => medianRatio(rates(mode), rates(of));
      const of = { limit: ratio('limit'), none: ratio('none') };
      const goal = goalOf(workload, mode);
      const unqueued = byRound(workload, 'none', (one) => one.p99 ?? Number.NaN);
      const added =
        workload === 'half' && readsQueues(mode)
          ? median(
              mine.flatMap(({ round, p99 }) => {
                const least = unqueued.get(round);
                return least === undefined || p99 === undefined ? [] : [p99 - least];
              }),
            )
          : Number.NaN;
      const ofPayload =
        goal?.kind === 'payload' ? medianRatio(rates(mode), rates(mode, goal.of)) : Number.NaN;
      const planted = mine.filter((one) => one.attackStopped !== null);
      const middle = (value: (one: Measurement) => number) => median(mine.map(value));
      rows.push({
        workload,
        mode,
        rate: middle((one) => one.rate),
        ofLimit: of.limit,
        ofNone: of.none,
        p50: middle((one) => one.p50 ?? Number.NaN),
        p99: middle((one) => one.p99 ?? Number.NaN),
        consumer: readsQueues(mode) ? middle((one) => one.consumer / one.amount) : Number.NaN,
        errors: mine.reduce((sum, one) => sum + one.errors, 0),
        added,
        ofPayload,
        attacks: { planted: planted.length, stopped: planted.filter((one) => one.attackStopped).length },
        goal,
        reached: goal === null ? null : isReached(goal, of, added, ofPayload),
      });
    }
  }
  return rows;
}

function readsQueues(mode: ModeName): boolean {
  return mode !== 'none' && mode !== 'tracked';
}

/** @returns null where there is nothing to compare with */
function isReached(
  goal: Goal,
  of: Readonly<Record<'limit' | 'none', number>>,
  added: number,
  ofPayload: number,
): boolean | null {
  if (goal.kind === 'added') return Number.isNaN(added) ? null : added <= goal.most;
  const share = goal.kind === 'payload' ? ofPayload : goal.of === 'limit' ? of.limit : of.none;
  return Number.isNaN(share) ? null : share >= goal.least;
}
