import type { BanEntry, KernelBan } from './backend';
import { foundBan } from './ban-request';
import { endInKernel, entryOf } from './kernel-entry';
import type { BanLedger } from './ledger';
import { type Family, familyOf } from './names';
import { CLOCK_EVERY, Slices } from './slices';

/** The kernel counts whole seconds and rounds down. */
const TOLERANCE_MILLISECONDS = 2500;

/**
 * What the kernel has against what the ledger says. It is shown every entry of the kernel (`see`), and takes into the
 * ledger what is to be taken over; then it knows what the kernel has to be given and what has to leave it:
 *
 * | the kernel has       | the ledger has          |                                                        |
 * | -------------------- | ----------------------- | ------------------------------------------------------ |
 * | an entry             | the same                | the longer time counts                                 |
 * | a ban                | an exception, or v. v.  | the ledger's is given to the kernel                    |
 * | an entry             | a removal not confirmed | it leaves the kernel                                   |
 * | an entry             | nothing                 | taken into the ledger, unless it is about to run out   |
 * | nothing, or shorter  | a ban or an exception   | given to the kernel                                    |
 *
 * Bans may come and go meanwhile: who makes one gives it to the kernel.
 */
export class Reconciliation {
  /** Prefixes that have to leave the kernel: they had been lifted before a crash. */
  readonly lifted: string[] = [];
  /** How many entries were taken into the ledger as bans. */
  adopted = 0;
  /** By row: in the kernel as the ledger wants it. Bans of later rows were given to the kernel when they were made. */
  private readonly right: Uint8Array;
  private readonly rightExceptions = new Set<string>();
  private readonly writing: Promise<void>[] = [];

  /**
   * @param families that the kernel has: of others it can be given nothing
   * @param listedAt when the kernel was asked for its entries, by the clock that nobody sets
   */
  constructor(
    private readonly ledger: BanLedger,
    private readonly families: readonly Family[],
    private readonly listedAt: number,
  ) {
    this.right = new Uint8Array(ledger.rowLimit);
  }

  /**
   * An entry of the kernel.
   *
   * @param now wall clock, ms
   * @param monotonic the clock that nobody sets
   */
  see(there: KernelBan, now: number, monotonic: number): void {
    const { ledger } = this;
    const { prefix } = there;
    const row = ledger.find(prefix);
    const known = ledger.untilOf(row);
    const excepted = ledger.hasException(prefix);
    if (known !== undefined) {
      // Else the kernel's is an exception: the ledger's is among the missing.
      if (!there.exception) this.compare(row, known, endInKernel(there, now));
    } else if (excepted) {
      if (there.exception) this.rightExceptions.add(prefix);
    } else if (ledger.isPendingRemoval(prefix)) {
      this.lifted.push(prefix);
    } else if (endInKernel(there, now) - now > monotonic - this.listedAt + TOLERANCE_MILLISECONDS) {
      // What lasts no longer runs out while the kernel is being asked.
      this.takeOver(there, now);
    }
  }

  private compare(row: number, until: number, inKernel: number): void {
    if (inKernel + TOLERANCE_MILLISECONDS >= until) this.right[row] = 1;
    if (inKernel > until + TOLERANCE_MILLISECONDS)
      this.writing.push(this.ledger.put({ ...this.ledger.at(row), until: inKernel }));
  }

  private takeOver(there: KernelBan, now: number): void {
    const { ledger, right } = this;
    const { prefix } = there;
    const until = endInKernel(there, now);
    if (there.exception) {
      this.writing.push(ledger.except({ prefix, until }));
      this.rightExceptions.add(prefix);
      return;
    }
    this.adopted++;
    this.writing.push(ledger.put(foundBan(prefix, until, now)));
    const taken = ledger.find(prefix);
    if (taken < right.length) right[taken] = 1;
  }

  /** How many entries the kernel has to be given. */
  async countMissing(now: number): Promise<number> {
    const { ledger, right } = this;
    const slices = new Slices(CLOCK_EVERY);
    let missing = 0;
    for (let row = 0; row < right.length; row++) {
      if (this.isMissing(row, now)) missing++;
      if (slices.over) await slices.next();
    }
    for (const { prefix } of ledger.exceptions()) if (this.isExceptionMissing(prefix)) missing++;
    return missing;
  }

  /** These, as they are when they are asked for. */
  *missing(now: number): IterableIterator<BanEntry> {
    const { ledger, right } = this;
    for (let row = 0; row < right.length; row++) {
      const brief = this.isMissing(row, now) ? ledger.brief(row) : undefined;
      if (brief) yield entryOf(brief, now);
    }
    for (const exception of ledger.exceptions())
      if (this.isExceptionMissing(exception.prefix)) yield { ...entryOf(exception, now), exception: true };
  }

  private isMissing(row: number, now: number): boolean {
    const { ledger } = this;
    return (
      this.right[row] === 0 && ledger.isInForce(row, now) && this.families.includes(ledger.familyOf(row))
    );
  }

  private isExceptionMissing(prefix: string): boolean {
    return !this.rightExceptions.has(prefix) && this.families.includes(familyOf(prefix));
  }

  /** What was taken into the ledger is on stable storage. @throws FirewallError LEDGER_IO */
  async written(): Promise<void> {
    await Promise.all(this.writing);
  }
}
