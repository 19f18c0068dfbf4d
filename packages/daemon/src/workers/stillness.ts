import { type ThreadSchedule, threadSchedule } from './thread-schedule';

/** Whoever waits for a processor so long (ms) is as good as stalled, whoever is to blame. */
const LONGEST_WAIT = 10_000;
/** No more than this (ms) counts of the time between two looks: whoever looks so rarely waits for a processor itself. */
const LONGEST_STEP = 250;

/**
 * For how long a thread has not moved by its own doing. On a machine that has too much to do, or whose host takes its
 * processors away, a thread may wait for one; another one in its place would wait as long, and forget what the first
 * knows of its connections.
 */
export class Stillness {
  private beat = 0;
  private since: number;
  private lookedAt: number;
  private still = 0;
  /** Seconds of processor time when it was looked at last; NaN: it has moved since. */
  private ran = Number.NaN;

  /** @param now milliseconds, of a clock that only goes forward */
  constructor(
    now: number,
    private readonly schedule: (id: number) => ThreadSchedule | null = threadSchedule,
  ) {
    this.since = now;
    this.lookedAt = now;
  }

  /** Counting starts now: a thread that was busy loading is not stalled. */
  restart(beat: number, now: number): void {
    this.beat = beat;
    this.since = now;
    this.lookedAt = now;
    this.still = 0;
    this.ran = Number.NaN;
  }

  /**
   * To be called again and again, many times in the time after which a thread counts as stalled.
   * @param beat changes whenever the thread moves
   * @param id of the thread, as the kernel numbers threads; 0: not known
   * @returns milliseconds
   */
  lookAt(beat: number, id: number, now: number): number {
    if (beat !== this.beat) {
      this.restart(beat, now);
      return 0;
    }
    const silent = now - this.since;
    const schedule = id === 0 ? null : this.schedule(id);
    if (schedule === null || silent > LONGEST_WAIT) return silent;
    const step = Math.min(now - this.lookedAt, LONGEST_STEP);
    // One that waits for a processor now may have slept before, and the other way round: what it ran is known for sure, but
    // for the first step, which counts.
    if (!schedule.runnable || Number.isNaN(this.ran)) this.still += step;
    else if (schedule.ran > this.ran) this.still += Math.min(step, (schedule.ran - this.ran) * 1000);
    this.lookedAt = now;
    this.ran = schedule.ran;
    return this.still;
  }
}
