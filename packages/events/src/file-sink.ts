import { mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { eveJson } from './eve-json';
import type { EveRecord } from './record';
import type { EventSink, SinkStatistics } from './sink';

type Kind = EveRecord['event_type'];

interface Line {
  readonly text: string;
  readonly kind: Kind;
}

export interface FileSinkOptions {
  /** Bytes of records that may wait for a slow or full disk before records are lost. */
  backlogLimit?: number;
  /** Told once when writing begins to fail or records begin to be lost, and once when that is over. */
  onState?: (failed: boolean, message: string) => void;
}

const RETRY_MILLISECONDS = 1000;
/** The rest of the backlog is for bans, for alerts that tell of one, and for what the engine says of itself. */
const SHARE_OF_ALERTS = 7 / 8;
/** Written at once at most, so that what has been written is known, and little is held twice. */
const CHUNK_CHARACTERS = 1024 * 1024;
/** From one burst of writing to the next: what comes within goes out together, so that a flood is not written record by record. */
const REST_MILLISECONDS = 10;
/** Losses are over when no more than this share of the backlog is left. */
const CAUGHT_UP = 1 / 2;
/** What a disk says that will take it later; everything else is a wrong path, or a wrong owner. */
const PASSING: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

/**
 * Appends one JSON line per record. Writes are gathered while one is under way and for a moment after it, so a burst of
 * alerts costs few system calls. A disk that is full or read-only is tried again every second; what does not fit into the
 * backlog meanwhile, or while the disk is slow, is lost, counted by kind and told once. Bans have precedence.
 */
export class FileSink implements EventSink {
  private readonly lostByKind: Record<Kind, number> = { alert: 0, ban: 0, engine: 0 };
  readonly statistics: SinkStatistics = {
    written: 0,
    lost: 0,
    lostByKind: this.lostByKind,
    backlog: 0,
    failures: 0,
    lastError: null,
  };
  private waiting: Line[] = [];
  /** How many had been lost when the losses that go on were told; null: none go on. */
  private lostBefore: number | null = null;
  private file: FileHandle | null = null;
  private running: Promise<void> | null = null;
  /** When the last burst of writing ended, by `performance.now`. */
  private wroteAt = Number.NEGATIVE_INFINITY;
  private reopenWanted = false;
  private closed = false;
  private readonly backlogLimit: number;
  private retryTimer: NodeJS.Timeout | null = null;
  /** Bytes of a chunk that the disk took before it failed: the rest is written first next time. */
  private unfinished: Buffer | null = null;
  private unfinishedLines: readonly Line[] = [];

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
    const { statistics, backlogLimit } = this;
    const line = { text: `${text}\n`, kind: record.event_type };
    const limit = hasPrecedence(record) ? backlogLimit : backlogLimit * SHARE_OF_ALERTS;
    if (this.closed || statistics.backlog + line.text.length > limit) {
      if (!this.closed) this.beginsToLose();
      this.lose([line]);
      return;
    }
    this.waiting.push(line);
    statistics.backlog += line.text.length;
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
    this.lose(this.waiting);
    this.lose(this.unfinishedLines);
    this.waiting = [];
    await this.file?.close().catch(() => undefined);
    this.file = null;
  }

  private run(): void {
    if (!this.running && !this.closed) this.running = this.drain();
  }

  private async drain(): Promise<void> {
    // What is written in the same turn as the first record goes out with it.
    await this.rest();
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
      this.wroteAt = performance.now();
    }
  }

  private rest(): Promise<void> {
    const rest = this.wroteAt + REST_MILLISECONDS - performance.now();
    return rest > 0 ? new Promise((resolve) => setTimeout(resolve, rest)) : Promise.resolve();
  }

  private takeChunk(): void {
    if (this.unfinished || this.waiting.length === 0) return;
    const { waiting } = this;
    let count = 0;
    for (let characters = 0; count < waiting.length && characters < CHUNK_CHARACTERS; count++)
      characters += (waiting[count] as Line).text.length;
    this.unfinishedLines = count === waiting.length ? waiting : waiting.slice(0, count);
    this.waiting = count === waiting.length ? [] : waiting.slice(count);
    this.unfinished = Buffer.from(this.unfinishedLines.map(({ text }) => text).join(''), 'utf8');
  }

  private async writeChunk(): Promise<void> {
    while (this.unfinished && this.file) {
      const { bytesWritten } = await this.file.write(this.unfinished);
      this.statistics.backlog = Math.max(0, this.statistics.backlog - bytesWritten);
      if (bytesWritten >= this.unfinished.length) {
        this.statistics.written += this.unfinishedLines.length;
        this.unfinished = null;
        this.unfinishedLines = [];
        if (this.waiting.length === 0) this.statistics.backlog = 0;
        if (this.statistics.backlog <= this.backlogLimit * CAUGHT_UP) this.endsToLose();
      } else {
        this.unfinished = this.unfinished.subarray(bytesWritten);
      }
    }
  }

  private lose(lines: readonly Line[]): void {
    this.statistics.lost += lines.length;
    for (const { kind } of lines) this.lostByKind[kind]++;
  }

  private beginsToLose(): void {
    if (this.lostBefore !== null) return;
    this.lostBefore = this.statistics.lost;
    const megabytes = Math.round(this.statistics.backlog / 2 ** 20);
    this.options.onState?.(true, `${megabytes} MB of events wait for ${this.path}: further ones are lost`);
  }

  private endsToLose(): void {
    if (this.lostBefore === null) return;
    const lost = this.statistics.lost - this.lostBefore;
    this.lostBefore = null;
    this.options.onState?.(false, `${this.path} keeps up again; ${lost} events were lost`);
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

/** Bans are what an administrator has to find again; the rest of an alert flood says the same over and over. */
function hasPrecedence({ event_type: kind, portcullis }: EveRecord): boolean {
  return kind !== 'alert' || portcullis?.ban !== undefined;
}
