import { type ThreadSchedule, threadSchedule } from './thread-schedule';

/** Whoever waits for a processor so long (ms) is as good as stalled, whoever is to blame. */
const LONGEST_WAIT = 10_000;

/**
 * For how long a thread has not moved by its own doing. On a machine that has too much to do a thread may wait for a
 * processor; another one in its place would wait as long, and forget what the first knows of its connections.
 */
export class Stillness {
  private beat = 0;
  private since: number;
  /** Seconds of processor time when it was first seen to stand still, and when that was. */
  private ran = 0;
  private seenAt = -1;

  /** @param now milliseconds, of a clock that only goes forward */
  constructor(
    now: number,
    private readonly schedule: (id: number) => ThreadSchedule | null = threadSchedule,
  ) {
    this.since = now;
  }

  /** Counting starts now: a thread that was busy loading is not stalled. */
  restart(beat: number, now: number): void {
    this.beat = beat;
    this.since = now;
    this.seenAt = -1;
  }

  /**
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
    if (this.seenAt < 0) {
      this.seenAt = now;
      this.ran = schedule.ran;
    }
    if (!schedule.runnable) return silent;
    return Math.min(silent, this.seenAt - this.since + (schedule.ran - this.ran) * 1000);
  }
}
