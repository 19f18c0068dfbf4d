/**
 * The time that a worker inspects by. It goes on evenly when somebody sets the system's clock: time-outs of flows, and
 * thresholds of rules, count what has passed, or a clock that is set back would stop them until it has caught up, and one set
 * forward end every flow. What is told carries the time of day.
 */
export class LiveClock {
  private shiftMicros = 0;

  /**
   * @param steady milliseconds of a clock that nobody sets
   * @param epochMillis milliseconds since 1970 at its zero, as the system's clock had it once
   */
  constructor(
    private readonly steady: () => number,
    private readonly epochMillis: number,
    private readonly wall: () => number = Date.now,
  ) {
    this.compare();
  }

  /** Microseconds since 1970, as they were when this began. @param steadyMillis read from the steady clock */
  micros(steadyMillis: number): number {
    return Math.floor((this.epochMillis + steadyMillis) * 1000);
  }

  /** Looks at the system's clock; every now and then is enough. */
  compare(): void {
    this.shiftMicros = Math.round((this.wall() - this.steady() - this.epochMillis) * 1000);
  }

  /** The time of day of a moment of this clock, microseconds since 1970. */
  timeOfDay(micros: number): number {
    return micros + this.shiftMicros;
  }
}
