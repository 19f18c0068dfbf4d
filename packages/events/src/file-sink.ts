import { mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { eveJson } from './eve-json';
import type { EveRecord } from './record';
import type { EventSink, SinkStatistics } from './sink';

export interface FileSinkOptions {
  /** Bytes of records that may wait for a slow or full disk before records are lost. */
  backlogLimit?: number;
  /** Told once when writing begins to fail and once when it works again. */
  onState?: (failed: boolean, message: string) => void;
}

const RETRY_MILLISECONDS = 1000;
/** What a disk says that will take it later; everything else is a wrong path, or a wrong owner. */
const PASSING: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

/**
 * Appends one JSON line per record. Writes are gathered while one is under way, so a burst of alerts costs
 * few system calls. A disk that is full or read-only is tried again every second; what does not fit into the
 * backlog meanwhile is lost and counted.
 */
export class FileSink implements EventSink {
  readonly statistics: SinkStatistics = { written: 0, lost: 0, backlog: 0, failures: 0, lastError: null };
  private waiting: string[] = [];
  private file: FileHandle | null = null;
  private running: Promise<void> | null = null;
  private reopenWanted = false;
  private closed = false;
  private readonly backlogLimit: number;
  private retryTimer: NodeJS.Timeout | null = null;
  /** Bytes of a chunk that the disk took before it failed: the rest is written first next time. */
  private unfinished: Buffer | null = null;
  private unfinishedRecords = 0;

  constructor(
    readonly path: string,
    private readonly options: FileSinkOptions = {},
  ) {
    this.backlogLimit = options.backlogLimit ?? 64 * 1024 * 1024;
  }

  /** Opens the file now, so that a wrong path is told at the start. A disk that is full or read-only is tried again. */
  async start(): Promise<this> {
    try {
      await this.openFile();
    } catch (error) {
      if (!PASSING.has((error as NodeJS.ErrnoException).code)) throw error;
      this.reopenWanted = true;
      this.failed(error as Error);
    }
    return this;
  }

  write(record: EveRecord, text = eveJson(record)): void {
    const line = `${text}\n`;
    if (this.closed || this.statistics.backlog + line.length > this.backlogLimit) {
      this.statistics.lost++;
      return;
    }
    this.waiting.push(line);
    this.statistics.backlog += line.length;
    this.run();
  }

  async reopen(): Promise<void> {
    this.reopenWanted = true;
    this.run();
    await this.running;
  }

  async flush(): Promise<void> {
    this.run();
    await this.running;
  }

  async close(): Promise<void> {
    await this.flush();
    this.closed = true;
    if (this.retryTimer) clearTimeout(this.retryTimer);
    this.statistics.lost += this.waiting.length + this.unfinishedRecords;
    this.waiting = [];
    await this.file?.close().catch(() => undefined);
    this.file = null;
  }

  private run(): void {
    if (!this.running && !this.closed) this.running = this.drain();
  }

  private async drain(): Promise<void> {
    // What is written in the same turn as the first record goes out with it.
    await Promise.resolve();
    try {
      while (this.waiting.length > 0 || this.unfinished || this.reopenWanted) {
        if (this.reopenWanted || !this.file) await this.openFile();
        this.takeChunk();
        await this.writeChunk();
      }
      this.succeeded();
    } catch (error) {
      this.failed(error as Error);
    } finally {
      // In the same turn as the last look at what waits, so that no record is left waiting for the next one.
      this.running = null;
    }
  }

  private takeChunk(): void {
    if (this.unfinished || this.waiting.length === 0) return;
    this.unfinished = Buffer.from(this.waiting.join(''), 'utf8');
    this.unfinishedRecords = this.waiting.length;
    this.waiting = [];
  }

  private async writeChunk(): Promise<void> {
    while (this.unfinished && this.file) {
      const { bytesWritten } = await this.file.write(this.unfinished);
      this.statistics.backlog = Math.max(0, this.statistics.backlog - bytesWritten);
      if (bytesWritten >= this.unfinished.length) {
        this.statistics.written += this.unfinishedRecords;
        this.unfinished = null;
        this.unfinishedRecords = 0;
        if (this.waiting.length === 0) this.statistics.backlog = 0;
      } else {
        this.unfinished = this.unfinished.subarray(bytesWritten);
      }
    }
  }

  private async openFile(): Promise<void> {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o750 });
    const next = await open(this.path, 'a', 0o640);
    const previous = this.file;
    this.file = next;
    this.reopenWanted = false;
    await previous?.close().catch(() => undefined);
  }

  private succeeded(): void {
    if (this.statistics.lastError === null) return;
    this.statistics.lastError = null;
    this.options.onState?.(false, `${this.path} can be written again`);
  }

  private failed(error: Error): void {
    const first = this.statistics.lastError === null;
    this.statistics.lastError = error.message;
    this.statistics.failures++;
    if (first) this.options.onState?.(true, `cannot write ${this.path}: ${error.message}`);
    if (this.retryTimer || this.closed) return;
    this.retryTimer = setTimeout(() => {
      this.retryTimer = null;
      this.run();
    }, RETRY_MILLISECONDS);
    this.retryTimer.unref();
  }
}
