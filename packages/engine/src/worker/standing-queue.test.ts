import { StandingQueue } from './standing-queue';

const BATCH = 64;

function queue({ longest = 8192, failOpen = true } = {}) {
  const lengths: number[] = [];
  let refuses = false;
  let full = true;
  const standing = new StandingQueue(
    {
      effective: { maxLength: longest },
      setMaxLength: (length) => {
        if (refuses) throw new Error('refused');
        lengths.push(length);
      },
      waiting: () => (full ? (lengths.at(-1) ?? longest) : 100),
    },
    BATCH,
    failOpen,
    0,
  );
  let now = 0;
  return {
    standing,
    lengths,
    refuse: (yes: boolean) => {
      refuses = yes;
    },
    /** Whether the kernel says that no more fit. */
    fill: (yes: boolean) => {
      full = yes;
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

test.each([
  // 64 packets in 1 ms.
  [true, 320],
  [false, 3200],
])(
  'a queue that stands gets as long as what is worked off in a moment (fail-open %s)',
  (failOpen, length) => {
    const { stand, lengths, standing } = queue({ failOpen });
    stand(300, 1);
    expect(lengths).toEqual([length]);
    stand(1000, 1);
    expect(lengths).toEqual([length]);
    // Twice as fast: twice as many.
    stand(1000, 0.5);
    expect(standing.length).toBeGreaterThanOrEqual(1.5 * length);
    expect(standing.length).toBeLessThanOrEqual(2 * length);
  },
);

test('a queue that stands and has room is left alone', () => {
  const { stand, fill, lengths } = queue();
  fill(false);
  stand(3000, 1);
  expect(lengths).toEqual([]);
  fill(true);
  stand(300, 1);
  expect(lengths).toEqual([320]);
});

test('one that stands for long is given its length for a trial, and keeps it where that has room', () => {
  const { stand, fill, lengths } = queue();
  stand(5400, 1);
  // Still full: short again.
  expect(lengths).toEqual([320, 8192, 320]);
  fill(false);
  stand(20_000, 1);
  expect(lengths).toEqual([320, 8192, 320, 8192]);
});

test('and no shorter than a worker needs that waits for a processor, nor longer than it was', () => {
  const slow = queue();
  slow.stand(10, 100);
  expect(slow.lengths).toEqual([128]);
  const closed = queue({ failOpen: false });
  closed.stand(10, 100);
  expect(closed.lengths).toEqual([1024]);
  const short = queue({ longest: 100 });
  short.stand(1000, 1);
  expect(short.lengths).toEqual([]);
});

test('it gets its length back a second after it stood last', () => {
  const { stand, drain, lengths } = queue();
  stand(300, 1);
  drain(90, 10);
  expect(lengths).toEqual([320]);
  drain(20, 10);
  expect(lengths).toEqual([320, 8192]);
  stand(300, 1);
  expect(lengths).toEqual([320, 8192, 320]);
});

test('a kernel that refuses is asked again', () => {
  const { stand, lengths, refuse, standing } = queue();
  refuse(true);
  stand(300, 1);
  expect(standing.length).toBe(8192);
  refuse(false);
  stand(300, 1);
  expect(lengths).toEqual([320]);
});
