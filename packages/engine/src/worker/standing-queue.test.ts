import { StandingQueue } from './standing-queue';

const BATCH = 64;

function queue(longest = 8192) {
  const lengths: number[] = [];
  let refuses = false;
  const standing = new StandingQueue(
    {
      effective: { maxLength: longest },
      setMaxLength: (length) => {
        if (refuses) throw new Error('refused');
        lengths.push(length);
      },
    },
    BATCH,
    0,
  );
  let now = 0;
  return {
    standing,
    lengths,
    refuse: (yes: boolean) => {
      refuses = yes;
    },
    /** Full batches, one each `milliseconds`. */
    stand: (batches: number, milliseconds: number) => {
      for (let i = 0; i < batches; i++) {
        now += milliseconds;
        standing.took(BATCH, now);
      }
    },
    /** Batches after each of which nothing is left. */
    drain: (batches: number, milliseconds: number) => {
      for (let i = 0; i < batches; i++) {
        now += milliseconds;
        standing.took(BATCH / 2, now);
      }
    },
  };
}

test('bursts that are worked off are no matter', () => {
  const { stand, drain, lengths } = queue();
  for (let i = 0; i < 100; i++) {
    stand(19, 10);
    drain(1, 1);
  }
  expect(lengths).toEqual([]);
});

test('a queue that stands gets as long as what is worked off in 50 ms', () => {
  const { stand, lengths, standing } = queue();
  // 64 packets in 4 ms are 800 in 50.
  stand(100, 4);
  expect(lengths).toEqual([800]);
  stand(1000, 4);
  expect(lengths).toEqual([800]);
  // Twice as fast: twice as many.
  stand(300, 2);
  expect(standing.length).toBeGreaterThanOrEqual(1200);
  expect(standing.length).toBeLessThanOrEqual(1600);
});

test('and no shorter than a worker needs that waits for a processor, nor longer than it was', () => {
  const slow = queue();
  slow.stand(10, 100);
  expect(slow.lengths).toEqual([256]);
  const short = queue(100);
  short.stand(1000, 1);
  expect(short.lengths).toEqual([]);
});

test('it gets its length back a second after it stood last', () => {
  const { stand, drain, lengths } = queue();
  stand(100, 4);
  drain(90, 10);
  expect(lengths).toEqual([800]);
  drain(20, 10);
  expect(lengths).toEqual([800, 8192]);
  stand(100, 4);
  expect(lengths).toEqual([800, 8192, 800]);
});

test('a kernel that refuses is asked again', () => {
  const { stand, lengths, refuse, standing } = queue();
  refuse(true);
  stand(100, 4);
  expect(standing.length).toBe(8192);
  refuse(false);
  stand(100, 4);
  expect(lengths).toEqual([800]);
});
