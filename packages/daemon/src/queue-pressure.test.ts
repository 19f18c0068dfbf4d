import { QueuePressure, type QueuePressureFacts } from './queue-pressure';

let told: string[];
let pressure: QueuePressure;
beforeEach(() => {
  told = [];
  const tell = (message: string) => void told.push(message);
  pressure = new QueuePressure({ warn: tell, info: tell });
});

const calm: QueuePressureFacts = {
  queue: 0,
  waiting: 3,
  maxLength: 100,
  length: 100,
  dropped: 5,
  overruns: 2,
};
const look = (facts: Partial<QueuePressureFacts> = {}) =>
  pressure.look([{ ...calm, ...facts }], 'passes uninspected');

test.each([
  ['that is full', { waiting: 95 }, /^queue 0 is full \(nfqueue.max-length: 100\), .* passes uninspected$/],
  ['that has dropped', { dropped: 6 }, /^queue 0 is full/],
  ['whose socket was full', { overruns: 3 }, /^the receive buffer of queue 0 is full .* passes uninspected$/],
])('a queue %s is told once, and once when it is over', (_, facts, message) => {
  look();
  expect(told).toEqual([]);
  for (let wave = 0; wave < 3; wave++) {
    look(facts);
    look(facts);
    look();
  }
  expect(told).toEqual([expect.stringMatching(message)]);
  for (let looks = 0; looks < 12; looks++) look();
  expect(told).toEqual([expect.anything(), 'queue 0 keeps up again']);
});

test('what was counted before it was looked at, and counters that begin anew, say nothing', () => {
  look({ dropped: 1000, overruns: 9 });
  look({ dropped: 0, overruns: 0 });
  expect(told).toEqual([]);
  pressure.look([], 'is dropped');
  look({ dropped: 7 });
  expect(told).toEqual([]);
});
