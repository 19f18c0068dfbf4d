/** Milliseconds: wall clock, and one that nobody sets. */
export interface Clock {
  now(): number;
  monotonic(): number;
}

/** The wall clock was set when it moved so much against the other clock. */
const SET_MILLISECONDS = 2000;

/** Both clocks; notices when somebody sets the wall clock while the process runs. */
export class WatchedClock implements Clock {
  private wall: number;
  private steady: number;

  /** @param onSet told by how much the wall clock was set forward, before anybody gets the new time */
  constructor(
    private readonly clock: Clock,
    private readonly onSet: (milliseconds: number) => void,
  ) {
    this.wall = clock.now();
    this.steady = clock.monotonic();
  }

  now(): number {
    const now = this.clock.now();
    const steady = this.clock.monotonic();
    const jump = now - this.wall - (steady - this.steady);
    this.wall = now;
    this.steady = steady;
    if (Math.abs(jump) > SET_MILLISECONDS) this.onSet(jump);
    return now;
  }

  monotonic(): number {
    return this.clock.monotonic();
  }
}
