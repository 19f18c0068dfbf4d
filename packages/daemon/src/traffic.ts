import { type WorkerCounterName, WorkerCounterNames } from '@portcullis/engine';
import type { WorkerThread } from './workers/worker-thread';

export type WorkerCounts = Record<WorkerCounterName, number>;
/** Workers by the number of their queue, or mirror. */
export type Workers = ReadonlyMap<number, WorkerThread>;

/** Numbers of the moment: they end with their worker, everything else goes on counting. */
const gauges: ReadonlySet<WorkerCounterName> = new Set<WorkerCounterName>([
  'flows_active',
  'held_bytes',
  'parser_bytes',
  'queue_length',
]);

/** Sums of the workers' counters, of those that have ended too, so that a counter never goes back. */
export class Traffic {
  private readonly ended = new Map<number, WorkerCounts>();

  /** Takes over the counts of workers that are gone. */
  retire(workers: Workers): void {
    for (const [queue, thread] of workers) {
      const counts = this.ended.get(queue) ?? nothing();
      for (const name of WorkerCounterNames) if (!gauges.has(name)) counts[name] += thread.counters.get(name);
      this.ended.set(queue, counts);
    }
  }

  /** @param workers that are at work now */
  byQueue(workers: Workers): ReadonlyMap<number, WorkerCounts> {
    const queues = new Map([...this.ended].map(([queue, counts]) => [queue, { ...counts }]));
    for (const [queue, thread] of workers) {
      const counts = queues.get(queue) ?? nothing();
      for (const name of WorkerCounterNames) counts[name] += thread.counters.get(name);
      queues.set(queue, counts);
    }
    return queues;
  }

  totals(workers: Workers): WorkerCounts {
    const totals = nothing();
    for (const counts of this.byQueue(workers).values())
      for (const name of WorkerCounterNames) totals[name] += counts[name];
    return totals;
  }
}

function nothing(): WorkerCounts {
  return Object.fromEntries(WorkerCounterNames.map((name) => [name, 0])) as WorkerCounts;
}
