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
}

export interface Goal {
  of: ModeName;
  least: number;
}

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
  goal: Goal | null;
  /** null where there is no goal, or nothing to compare with. */
  reached: boolean | null;
}

/** What is hoped for; modes and workloads that are not here are shown without a goal. */
export function goalOf(workload: WorkloadName, mode: ModeName): Goal | null {
  const bulk = workload === 'bulk1' || workload === 'bulk4';
  if (mode === 'engine') return { of: 'limit', least: 0.85 };
  if (mode === 'engine-offload') return bulk ? { of: 'none', least: 0.95 } : { of: 'limit', least: 0.85 };
  return null;
}

export function summarize(measurements: readonly Measurement[]): Row[] {
  const rows: Row[] = [];
  for (const workload of workloadNames) {
    for (const mode of modeNames) {
      const mine = measurements.filter((one) => one.workload === workload && one.mode === mode);
      if (mine.length === 0) continue;
      const rates = (of: ModeName) =>
        new Map(
          measurements
            .filter((one) => one.workload === workload && one.mode === of)
            .map((one) => [one.round, one.rate]),
        );
      const ratio = (of: ModeName) => medianRatio(rates(mode), rates(of));
      const of = { limit: ratio('limit'), none: ratio('none') };
      const goal = goalOf(workload, mode);
      const share = goal === null ? Number.NaN : goal.of === 'limit' ? of.limit : of.none;
      const middle = (value: (one: Measurement) => number) => median(mine.map(value));
      rows.push({
        workload,
        mode,
        rate: middle((one) => one.rate),
        ofLimit: of.limit,
        ofNone: of.none,
        p50: middle((one) => one.p50 ?? Number.NaN),
        p99: middle((one) => one.p99 ?? Number.NaN),
        consumer: mode === 'none' ? Number.NaN : middle((one) => one.consumer / one.amount),
        errors: mine.reduce((sum, one) => sum + one.errors, 0),
        goal,
        reached: goal === null || Number.isNaN(share) ? null : share >= goal.least,
      });
    }
  }
  return rows;
}
