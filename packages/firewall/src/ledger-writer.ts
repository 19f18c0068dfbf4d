import type { Ban } from './ban';
import { BanLines } from './ban-lines';
import { Journal, type LoadReport } from './journal';
import type { LedgerRecord } from './ledger-records';

/** What is in memory, for whoever writes it. */
export interface LedgerContent {
  /** Bans and exceptions. */
  readonly size: number;
  /** All of it as lines of a snapshot; may change while they are asked for. */
  lines(): Iterable<string>;
}

/** Records up to which files are not rewritten, however few of them count still. */
const KEPT_RECORDS = 10_000;

/** Puts what the ledger has in memory on disk, in the order in which it came there. */
export class LedgerWriter {
  /** Bans that are in memory, and in no line of the journal yet. */
  private readonly later = new BanLines();
  private laterCount = 0;
  /** Lines of such bans that are being written. */
  private laterWriting: Promise<void>[] = [];
  private compacting: Promise<void> | undefined;
  /** Something was not written that ought to be on disk; a compaction makes up for it. */
  private behind = false;

  private constructor(
    private readonly journal: Journal,
    private readonly content: LedgerContent,
  ) {}

  /**
   * @param onRecord called for every whole record on disk, oldest first
   * @throws FirewallError LEDGER_IO
   */
  static async open(
    directory: string,
    content: LedgerContent,
    onRecord: (record: unknown) => void,
  ): Promise<LedgerWriter> {
    return new LedgerWriter(await Journal.open(directory, onRecord), content);
  }

  get report(): LoadReport {
    return this.journal.report;
  }

  /** Resolves when the record is on stable storage. @throws FirewallError LEDGER_IO, LEDGER_CLOSED */
  append(record: LedgerRecord): Promise<void> {
    this.writeLater();
    return this.appended(this.journal.append(record));
  }

  /** The same for a ban that is written together with others, when `flush` is called or something else is written. */
  appendLater(ban: Ban): void {
    this.later.add(ban);
    this.laterCount++;
  }

  /** Resolves when what was given to `appendLater` is on stable storage. @throws as `append` */
  async flush(): Promise<void> {
    this.writeLater();
    const writing = this.laterWriting;
    this.laterWriting = [];
    await Promise.all(writing);
  }

  private writeLater(): void {
    if (this.laterCount === 0) return;
    const records = this.laterCount;
    this.laterCount = 0;
    this.laterWriting.push(this.appended(this.journal.appendLines(this.later.take(), records)));
  }

  private appended(written: Promise<void>): Promise<void> {
    written.catch(() => {
      this.behind = true;
    });
    // A failed rewriting loses nothing: the files as they were stay in force, and appending reports what is wrong.
    if (!this.compacting) void this.compactIfDue().catch(() => undefined);
    return written;
  }

  /** Rewrites the files when most of what they say is out of date. */
  async compactIfDue(): Promise<void> {
    if (this.journal.appended > KEPT_RECORDS + 2 * this.content.size) await this.compact();
  }

  /** @throws FirewallError LEDGER_IO; the files as they were stay in force then */
  compact(): Promise<void> {
    this.compacting ??= this.rewrite().finally(() => {
      this.compacting = undefined;
    });
    return this.compacting;
  }

  private async rewrite(): Promise<void> {
    const { behind } = this;
    // From here on; what is in memory now is in the snapshot.
    this.behind = false;
    try {
      await this.journal.compact(this.content.lines());
    } catch (error) {
      this.behind ||= behind;
      throw error;
    }
  }

  /** Whether something is in memory only, because the disk refused it. */
  get isBehind(): boolean {
    return this.behind;
  }

  /**
   * Writes what the disk has refused before.
   *
   * @param probe a record that is written first: a snapshot of very many bans would be written in vain
   * @throws FirewallError LEDGER_IO while it still refuses
   */
  async catchUp(probe: LedgerRecord): Promise<void> {
    await this.journal.append(probe);
    await this.compact();
  }

  async close(): Promise<void> {
    await this.flush().catch(() => undefined);
    await this.compacting?.catch(() => undefined);
    await this.journal.close();
  }
}
