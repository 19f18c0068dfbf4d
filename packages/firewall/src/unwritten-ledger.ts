import { FirewallError } from './errors';
import type { BanLedger } from './ledger';

/** A ledger that the disk has refused is tried again after so long. */
const RETRY_MILLISECONDS = 5000;

/**
 * What becomes of bans whose record the disk refuses: they are in force all the same, somebody is told once, and the ledger
 * is written as soon as it can be.
 */
export class UnwrittenLedger {
  private failed = false;
  /** By the clock that nobody sets. */
  private retryAt = 0;
  private retrying: Promise<void> = Promise.resolve();

  constructor(
    private readonly monotonic: () => number,
    /** Told once when the disk refuses the ledger, and once when all of it is written. */
    private readonly tell: (failed: boolean, message: string) => void,
  ) {}

  /**
   * What the disk refuses is in memory, and in the kernel: nobody who asked for it has to be told that it failed.
   *
   * @throws what has nothing to do with the disk
   */
  async kept(written: Promise<unknown>): Promise<void> {
    try {
      await written;
    } catch (error) {
      if (!(error instanceof FirewallError) || error.code !== 'LEDGER_IO') throw error;
      if (!this.failed) this.retryAt = Math.max(this.retryAt, this.monotonic() + RETRY_MILLISECONDS);
      this.fails(error);
    }
  }

  /** Writes what the disk has refused, when it is time to. */
  tryAgain(ledger: BanLedger): void {
    if (!ledger.isBehind || this.monotonic() < this.retryAt) return;
    this.retryAt = Number.POSITIVE_INFINITY;
    this.retrying = this.write(ledger);
  }

  /** Resolves when nothing is being written again. */
  async ended(): Promise<void> {
    await this.retrying;
  }

  private async write(ledger: BanLedger): Promise<void> {
    try {
      await ledger.catchUp();
      if (this.failed) this.tell(false, 'the ban ledger is complete on disk again.');
      this.failed = false;
    } catch (error) {
      this.fails(error as Error);
    }
    this.retryAt = this.monotonic() + RETRY_MILLISECONDS;
  }

  private fails({ message }: Error): void {
    if (this.failed) return;
    this.failed = true;
    this.tell(true, `${message} Bans are in force, but those from now on would not outlive a reboot.`);
  }
}
