import { type WorkerCounterName, WorkerCounterNames } from '@portcullis/engine';
import type { WorkerThread } from './workers/worker-thread';

/** Numbers of the moment: they end with their worker, everything else goes on counting. */
const gauges: ReadonlySet<WorkerCounterName> = new Set<WorkerCounterName>([
  'flows_active',
  'held_bytes',
  'parser_bytes',
  'queue_length',
]);

/** Sums of the workers' counters, of those that have ended too, so that a counter never goes back. */
export class Traffic {
  private readonly ended = Object.fromEntries(WorkerCounterNames.map((name) => [name, 0])) as Record<
    WorkerCounterName,
    number
  >;

  /** Takes over the counts of workers that are gone. */
  retire(threads: readonly WorkerThread[]): void {
    for (const thread of threads) {
      for (const name of WorkerCounterNames)
        if (!gauges.has(name)) this.ended[name] += thread.counters.get(name);
    }
  }

  totals(threads: readonly WorkerThread[]): Record<WorkerCounterName, number> {
    const totals = { ...this.ended };
    for (const thread of threads)
      for (const name of WorkerCounterNames) totals[name] += thread.counters.get(name);
    return totals;
  }
}
