import { WorkerCounterNames } from '@portcullis/engine';
import { SharedCounters } from '@portcullis/metrics';
import { Traffic } from './traffic';
import type { WorkerThread } from './workers/worker-thread';

function thread(): WorkerThread & { counters: SharedCounters } {
  return { counters: new SharedCounters(WorkerCounterNames) } as never;
}

test('sums the workers, and a counter never goes back when one ends', () => {
  const traffic = new Traffic();
  const [first, second, third] = [thread(), thread(), thread()];
  const workers = (...pairs: [number, WorkerThread][]) => new Map(pairs);
  first.counters.set('queue_received', 10);
  first.counters.set('flows_active', 3);
  second.counters.set('queue_received', 5);
  second.counters.set('flows_active', 4);
  expect(traffic.totals(workers([0, first], [1, second]))).toMatchObject({
    queue_received: 15,
    flows_active: 7,
  });
  traffic.retire(workers([0, first]));
  third.counters.set('queue_received', 1);
  // Flows end with their worker.
  const now = workers([0, third], [1, second]);
  expect(traffic.totals(now)).toMatchObject({ queue_received: 16, flows_active: 4 });
  expect(traffic.byQueue(now).get(0)).toMatchObject({ queue_received: 11, flows_active: 0 });
  expect(traffic.byQueue(now).get(1)).toMatchObject({ queue_received: 5, flows_active: 4 });
  traffic.retire(now);
  expect(traffic.byQueue(workers()).get(0)).toMatchObject({ queue_received: 11 });
  expect(traffic.totals(workers())).toMatchObject({ queue_received: 16, flows_active: 0, held_bytes: 0 });
});
