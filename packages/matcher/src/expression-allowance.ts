/** Milliseconds from which on a search counts as slow. */
const SLOW = 0.25;
/** Part of the time that slow searches may take, and how many milliseconds of it may be saved up. */
const SHARE = 0.1;
const SAVED = 100;
/** Milliseconds for which an expression is known to be slow. */
const REMEMBERED = 10_000;

/**
 * What slow regular expressions may take of a worker's time. An expression's own limits end one search, and yet who sends
 * what makes it slow, packet after packet, would take all of the time. Once the allowance is used up, expressions that
 * were slow a moment ago are not searched for; others always are.
 */
export class ExpressionAllowance {
  /** Searches that were left out. */
  skipped = 0;
  private left = SAVED;
  private filledAt: number;

  /** @param clock milliseconds, from anywhere */
  constructor(private readonly clock: () => number = () => performance.now()) {
    this.filledAt = clock();
  }

  /**
   * Before a search.
   * @param slowUntil what `charge` gave for the expression last
   * @returns when it begins, for `charge`; -1: it is to be left out
   */
  begin(slowUntil: number): number {
    const now = this.clock();
    if (slowUntil === 0 || now >= slowUntil) return now;
    this.left = Math.min(SAVED, this.left + (now - this.filledAt) * SHARE);
    this.filledAt = now;
    if (this.left > 0) return now;
    this.skipped++;
    return -1;
  }

  /** After a search. @returns until when the expression is slow; 0: it is not */
  charge(begun: number): number {
    const now = this.clock();
    const taken = now - begun;
    if (taken < SLOW) return 0;
    this.left -= taken;
    return now + REMEMBERED;
  }
}
