import { CONVERSATIONS } from '../../testing/http1/conversations';
import { record } from '../../testing/http1/record';
import { Random, rounds, testSeed } from '../../testing/random';
import { type RecordedTransaction, type Recorder, split } from '../../testing/recorder';

describe.each(CONVERSATIONS)(
  '$name',
  ({ pieces, expect: wanted, events = [], loose = [], upgrades = [], uncut }) => {
    const whole = record(pieces);
    const wholeText = JSON.stringify(whole.summary());

    /** Compares the cheap way first: most are the same. */
    const expectSame = (cut: Recorder, where: string) => {
      if (JSON.stringify(cut.summary()) === wholeText) return;
      expect({ where, ...describeRun(cut) }).toEqual({ where, ...describeRun(whole) });
    };

    test('buffers', () => {
      expect(whole.transactions.map((tx) => tx.id)).toEqual(wanted.map((_, id) => id));
      wanted.forEach((buffers, i) => {
        const seen: Record<string, string | null> = {};
        for (const name of Object.keys(buffers)) seen[name] = whole.transactions[i].buffers[name] ?? null;
        expect(seen).toEqual(buffers);
      });
    });

    test('events', () => {
      expect(whole.transactions.map((tx) => tx.events)).toEqual(wanted.map((_, i) => events[i] ?? []));
      expect(whole.events).toEqual(loose);
      expect(whole.upgrades.map(({ protocol }) => protocol)).toEqual(upgrades);
    });

    test('every transaction ends once', () => {
      for (const tx of whole.transactions) expect(tx.ended).toBe(1);
    });

    (uncut ? test.skip : test)('the same in pieces', () => {
      const total = pieces.reduce((sum, [, bytes]) => sum + bytes.length, 0);
      const seed = testSeed();
      const random = new Random(seed);
      // Every third place, in the long form every place, as far as that is quick; then random places.
      const step = rounds(3, 1);
      if (total < 400) {
        let offset = 0;
        for (const [index, [direction, bytes]] of pieces.entries()) {
          for (let at = 1 + random.next(step); at < bytes.length; at += step) {
            const cut = [...pieces];
            cut.splice(index, 1, [direction, bytes.subarray(0, at)], [direction, bytes.subarray(at)]);
            expectSame(record(cut), `SEED=${seed} cut at ${offset + at}`);
          }
          offset += bytes.length;
        }
        const single = pieces.flatMap(([direction, bytes]) =>
          Array.from(bytes, (_, i) => [direction, bytes.subarray(i, i + 1)] as const),
        );
        expectSame(record(single), 'byte by byte');
      }
      for (let round = 0; round < 5; round++) {
        const largest = random.pick([2, 7, 50, 1000]);
        if (total / largest > 2000) continue;
        expectSame(record(split(pieces, random, largest)), `SEED=${seed} round ${round}`);
      }
    });
  },
);

function describeRun(run: Recorder): { transactions: RecordedTransaction[]; events: string[] } {
  return { transactions: run.transactions, events: run.events };
}
