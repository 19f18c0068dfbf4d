import { mkdirSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { FRAME_HEADER, FrameReader, frame, LONGEST_PAYLOAD } from './frame';
import { PositionFile } from './position-file';
import { listSegments, locate, type Segment, type SpoolPosition } from './segment';
import { SegmentWriter } from './segment-writer';

export interface SpoolOptions {
  directory: string;
  /** Bytes of disk at most. Beyond them the oldest segment goes. */
  size: number;
  /** Bytes of records that may wait in memory for the disk. */
  memory?: number;
  /** Told once when records had to be given up because the spool was full; again only after it had room. */
  onFull?: (records: number) => void;
  /** Told once when the disk begins to fail and once when it works again. */
  onState?: (failed: boolean, message: string) => void;
}

/** Records in order, as one delivery. */
export interface Batch {
  /** The same for every attempt to deliver the same records, over restarts too. */
  readonly id: string;
  /** Sequence number of the first record; the others follow without a gap. */
  readonly first: number;
  /** JSON, one record each, without newline. */
  readonly lines: readonly string[];
  /** Whether an earlier attempt may have delivered it. */
  readonly redelivered: boolean;
  readonly end: SpoolPosition;
  /** How often the spool had been rewound when this was read. */
  readonly epoch: number;
}

/** Segments a full spool has at least, so that a full one gives up a part only. */
const SEGMENTS = 16;
const SMALLEST_SEGMENT = 64 * 1024;
const LARGEST_SEGMENT = 16 * 1024 * 1024;
const WRITE_BYTES = 1024 * 1024;
const READ_BYTES = LONGEST_PAYLOAD + FRAME_HEADER;
const DEFAULT_MEMORY = 8 * 1024 * 1024;
const RETRY_MILLISECONDS = 1000;

/**
 * A queue of records on disk, in segment files: written at the end, read from a position, given free when delivered.
 * Appending returns at once; the disk is written behind it, and synchronised once a second and when a segment is full.
 * What a crash tore off at the end of a segment is left out.
 */
export class Spool {
  /** Records given up: spool full, memory full, damaged on disk. */
  lost = 0;
  /** Files that are on their way out. */
  private readonly removals = new Set<Promise<unknown>>();
  private segments: Segment[] = [];
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  /** Sequence number of the next record to be written to disk. */
  private end = 0;
  private acknowledged: SpoolPosition = { sequence: 0, segment: null, offset: 0 };
  private reading: SpoolPosition = this.acknowledged;
  /** Everything before this was given out at least once. */
  private givenOut = 0;
  private epoch = 0;
  /** Up to here missing records are counted. */
  private missingTo = 0;
  private readonly writer: SegmentWriter;
  private reader: { segment: Segment; file: FileHandle } | null = null;
  private writing: Promise<void> | null = null;
  private retryTimer: NodeJS.Timeout | null = null;
  private failing = false;
  private full = false;
  private closed = false;
  private wakeReader: (() => void) | null = null;
  private readonly segmentBytes: number;

  private constructor(
    private readonly options: SpoolOptions,
    private readonly position: PositionFile,
  ) {
    this.segmentBytes = Math.min(
      LARGEST_SEGMENT,
      Math.max(SMALLEST_SEGMENT, Math.floor(options.size / SEGMENTS)),
    );
    this.writer = new SegmentWriter(options.directory, this.segmentBytes);
  }

  /** @throws where the directory cannot be made or read */
  static async open(options: SpoolOptions): Promise<Spool> {
    mkdirSync(options.directory, { recursive: true, mode: 0o750 });
    const spool = new Spool(options, await PositionFile.open(join(options.directory, 'position')));
    await spool.recover();
    return spool;
  }

  /** @returns false when it is lost: too long, memory full, closed */
  append(line: string): boolean {
    const bytes = Buffer.from(line, 'utf8');
    const tooMuch = this.waitingBytes + bytes.length > (this.options.memory ?? DEFAULT_MEMORY);
    if (this.closed || tooMuch || bytes.length === 0 || bytes.length > LONGEST_PAYLOAD) {
      this.lost++;
      return false;
    }
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.write();
    return true;
  }

  /** Records that are not delivered. */
  get backlog(): number {
    return this.end + this.waiting.length - this.acknowledged.sequence;
  }

  /** Bytes that are not delivered. */
  get backlogBytes(): number {
    return this.waitingBytes + Math.max(0, this.bytesOnDisk() - this.acknowledged.offset);
  }

  /**
   * The next records, at most so many; waits for one. The same batch as before after `rewind`.
   * @returns null once closed
   */
  async next(records: number): Promise<Batch | null> {
    while (!this.closed) {
      const { epoch } = this;
      const batch = await this.read(records);
      if (this.closed) break;
      if (epoch !== this.epoch) continue;
      if (!batch) {
        await this.more();
        continue;
      }
      this.reading = batch.end;
      this.givenOut = Math.max(this.givenOut, batch.end.sequence);
      await this.savePosition();
      if (epoch === this.epoch) return batch;
    }
    return null;
  }

  /** The records before this need not be kept. What was read before the last `rewind` does not count. */
  acknowledge({ end, epoch }: Pick<Batch, 'end' | 'epoch'>): void {
    if (epoch !== this.epoch || end.sequence < this.acknowledged.sequence) return;
    this.acknowledged = end;
    this.releaseSegments();
    if (this.backlog === 0) void this.savePosition();
  }

  /** What is not acknowledged is read again. */
  rewind(): void {
    this.epoch++;
    this.reading = this.acknowledged;
    this.wake();
  }

  /** After this the next batch has the size that is asked for, whatever was tried before: nothing of it arrived. */
  regroup(): void {
    this.givenOut = this.acknowledged.sequence;
  }

  /** Resolves when everything appended so far is handed to the operating system, or cannot be. */
  async flush(): Promise<void> {
    this.write();
    await this.writing;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    await this.flush();
    this.closed = true;
    this.wake();
    if (this.retryTimer) clearTimeout(this.retryTimer);
    this.lost += this.waiting.length;
    this.waiting = [];
    await this.savePosition();
    await this.writer.close();
    await this.reader?.file.close().catch(() => undefined);
    this.reader = null;
    if (this.backlog === 0) await this.removeAll();
    // Who opens the folder next may have files of the same names.
    await Promise.all(this.removals);
    await this.position.close();
  }

  // ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────

  private write(): void {
    if (!this.writing && !this.closed) this.writing = this.drain();
  }

  private async drain(): Promise<void> {
    // What is appended in the same turn as the first record is written with it.
    await Promise.resolve();
    try {
      while (this.waiting.length > 0) await this.writeChunk();
      this.state(false, `${this.options.directory} can be written again`);
    } catch (error) {
      this.state(true, `cannot write ${this.options.directory}: ${(error as Error).message}`);
      if (this.retryTimer || this.closed) return;
      this.retryTimer = setTimeout(() => {
        this.retryTimer = null;
        this.write();
      }, RETRY_MILLISECONDS);
      this.retryTimer.unref();
    } finally {
      // In the same turn as the last look at what waits, so that nothing is left waiting.
      this.writing = null;
    }
  }

  private async writeChunk(): Promise<void> {
    const { frames, bytes, payload } = this.takeChunk();
    await this.makeRoom(bytes);
    await this.writer.append(Buffer.concat(frames, bytes), this.end, (segment) =>
      this.segments.push(segment),
    );
    this.waiting.splice(0, frames.length);
    this.waitingBytes -= payload;
    this.end += frames.length;
    this.wake();
  }

  private takeChunk(): { frames: Buffer[]; bytes: number; payload: number } {
    const limit = Math.min(WRITE_BYTES, this.segmentBytes);
    const frames: Buffer[] = [];
    let bytes = 0;
    for (const payload of this.waiting) {
      const framed = FRAME_HEADER + payload.length;
      if (frames.length > 0 && bytes + framed > limit) break;
      frames.push(frame(payload));
      bytes += framed;
    }
    return { frames, bytes, payload: bytes - frames.length * FRAME_HEADER };
  }

  private state(failing: boolean, message: string): void {
    if (this.failing === failing) return;
    this.failing = failing;
    this.options.onState?.(failing, message);
  }

  // ── Room ─────────────────────────────────────────────────────────────────────────────────────────────────

  private bytesOnDisk(): number {
    return this.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  private async makeRoom(bytes: number): Promise<void> {
    let given = 0;
    while (this.segments.length > 1 && this.bytesOnDisk() + bytes > this.options.size) {
      const [oldest, following] = this.segments as [Segment, Segment];
      given += Math.max(0, following.first - Math.max(oldest.first, this.acknowledged.sequence));
      const start: SpoolPosition = { sequence: following.first, segment: following, offset: 0 };
      if (this.acknowledged.sequence < following.first) this.acknowledged = start;
      if (this.reading.sequence < following.first) {
        this.reading = start;
        // A read of the removed segment that is under way does not count.
        this.epoch++;
      }
      this.segments.shift();
      await unlink(oldest.path).catch(() => undefined);
    }
    this.lost += given;
    if (given > 0 && !this.full) {
      this.full = true;
      this.options.onFull?.(given);
    }
  }

  private releaseSegments(): void {
    const { segment } = this.acknowledged;
    while (segment && this.segments[0] !== segment && this.segments.length > 1) {
      const [oldest] = this.segments as [Segment];
      if (oldest.first > segment.first) break;
      this.segments.shift();
      const removal = unlink(oldest.path)
        .catch(() => undefined)
        .finally(() => this.removals.delete(removal));
      this.removals.add(removal);
    }
    if (this.bytesOnDisk() < this.options.size / 2) this.full = false;
  }

  private async removeAll(): Promise<void> {
    for (const { path } of this.segments) await unlink(path).catch(() => undefined);
    this.segments = [];
  }

  // ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────

  /** @returns null where there is nothing to read now */
  private async read(records: number): Promise<Batch | null> {
    const at = this.stepOver();
    if (!at.segment || at.offset >= at.segment.bytes) return null;
    const { epoch } = this;
    let bytes: Buffer;
    try {
      bytes = await this.readBytes(at.segment, at.offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      bytes = Buffer.alloc(0);
    }
    if (epoch !== this.epoch) return null;
    const again = this.givenOut > at.sequence;
    const most = again ? this.givenOut - at.sequence : records;
    const frames = new FrameReader(bytes);
    const lines: string[] = [];
    while (lines.length < most) {
      const payload = frames.next();
      if (!payload) break;
      lines.push(payload.toString('utf8'));
    }
    if (lines.length === 0) {
      this.skipDamaged(at.segment, at.sequence);
      return this.read(records);
    }
    const sequence = at.sequence + lines.length;
    return {
      id: `${this.position.initial.spool}-${at.sequence}-${sequence - 1}`,
      first: at.sequence,
      lines,
      redelivered: again,
      end: { sequence, segment: at.segment, offset: at.offset + frames.offset },
      epoch,
    };
  }

  /** At the end of a segment the reading goes on in the next. */
  private stepOver(): SpoolPosition {
    let at = this.reading;
    while (!at.segment || at.offset >= at.segment.bytes) {
      const index = at.segment ? this.segments.indexOf(at.segment) : -1;
      const following = this.segments[index + 1];
      if (!following) break;
      this.countMissing(at.sequence, following.first);
      at = { sequence: Math.max(following.first, at.sequence), segment: following, offset: 0 };
    }
    this.reading = at;
    return at;
  }

  /** Records that should be there are counted once, however often they are passed. */
  private countMissing(from: number, to: number): void {
    const start = Math.max(from, this.missingTo);
    this.missingTo = Math.max(start, to);
    this.lost += Math.max(0, to - start);
  }

  /** What cannot be read makes the rest of its segment unreadable: where a record begins is known no more. */
  private skipDamaged(segment: Segment, sequence: number): void {
    segment.damaged = true;
    segment.bytes = Math.min(segment.bytes, this.reading.offset);
    this.reading = { sequence, segment, offset: segment.bytes };
  }

  private async readBytes(segment: Segment, offset: number): Promise<Buffer> {
    if (this.reader?.segment !== segment) {
      const previous = this.reader;
      this.reader = null;
      await previous?.file.close().catch(() => undefined);
      this.reader = { segment, file: await open(segment.path, 'r') };
    }
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, segment.bytes - offset));
    const { bytesRead } = await this.reader.file.read(buffer, 0, buffer.length, offset);
    return buffer.subarray(0, bytesRead);
  }

  private async more(): Promise<void> {
    if (this.closed || this.readable()) return;
    await new Promise<void>((resolve) => {
      this.wakeReader = resolve;
    });
  }

  private readable(): boolean {
    const { segment, offset } = this.reading;
    if (segment && offset < segment.bytes) return true;
    const later = segment ? this.segments.indexOf(segment) + 1 : 0;
    return this.segments.slice(later).some(({ bytes }) => bytes > 0);
  }

  private wake(): void {
    this.wakeReader?.();
    this.wakeReader = null;
  }

  private savePosition(): Promise<void> {
    return this.position.save({
      spool: this.position.initial.spool,
      acknowledged: this.acknowledged.sequence,
      sending: Math.max(this.acknowledged.sequence, this.givenOut),
    });
  }

  // ── Recovery ─────────────────────────────────────────────────────────────────────────────────────────────

  private async recover(): Promise<void> {
    const { acknowledged, sending } = this.position.initial;
    this.segments = await listSegments(this.options.directory);
    const last = this.segments.at(-1);
    this.end = acknowledged;
    if (last) {
      const tail = await locate(last, Number.MAX_SAFE_INTEGER);
      last.bytes = tail.offset;
      this.end = Math.max(acknowledged, tail.sequence);
    }
    this.acknowledged = await this.find(acknowledged);
    this.reading = this.acknowledged;
    // Where the progress is not known, everything may have been delivered before.
    this.givenOut = this.position.fresh ? this.end : Math.min(this.end, Math.max(sending, acknowledged));
    this.missingTo = this.acknowledged.sequence;
    // Nothing is appended to a file of an earlier run; a file without a record would have the next one's name.
    const useless = this.segments.filter(
      (segment) =>
        segment.bytes === 0 ||
        (this.acknowledged.segment ? segment.first < this.acknowledged.segment.first : true),
    );
    this.segments = this.segments.filter((segment) => !useless.includes(segment));
    for (const { path } of useless) await unlink(path).catch(() => undefined);
  }

  private async find(sequence: number): Promise<SpoolPosition> {
    const first = this.segments[0];
    if (!first || sequence >= this.end) return { sequence: this.end, segment: null, offset: 0 };
    if (sequence < first.first) return { sequence: first.first, segment: first, offset: 0 };
    const holding = this.segments.findLast((segment) => segment.first <= sequence) as Segment;
    return { ...(await locate(holding, sequence)), sequence };
  }
}
