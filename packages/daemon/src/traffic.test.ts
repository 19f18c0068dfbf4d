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
  first.counters.set('queue_received', 10);
  first.counters.set('flows_active', 3);
  second.counters.set('queue_received', 5);
  second.counters.set('flows_active', 4);
  expect(traffic.totals([first, second])).toMatchObject({ queue_received: 15, flows_active: 7 });
  traffic.retire([first]);
  third.counters.set('queue_received', 1);
  // Flows end with their worker.
  expect(traffic.totals([second, third])).toMatchObject({ queue_received: 16, flows_active: 4 });
  traffic.retire([second, third]);
  expect(traffic.totals([])).toMatchObject({ queue_received: 16, flows_active: 0, held_bytes: 0 });
});
