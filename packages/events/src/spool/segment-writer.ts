import { type FileHandle, open } from 'node:fs/promises';
import { type Segment, segmentPath } from './segment';

/** A power failure costs at most what was written in so long; the end of the process costs nothing written. */
const SYNCHRONISE_MILLISECONDS = 1000;

/** Appends to the newest segment of a spool, and begins another when it is full. */
export class SegmentWriter {
  private current: { segment: Segment; file: FileHandle } | null = null;
  private timer: NodeJS.Timeout | null = null;
  private synchronising: Promise<void> = Promise.resolve();

  constructor(
    private readonly directory: string,
    private readonly segmentBytes: number,
  ) {}

  /**
   * Writes whole frames behind those there are. What a failure left half written is written over by the next call.
   * @param first sequence number of the first record, for the name of a new segment
   * @param onNew given a new segment before anything is written to it
   */
  async append(frames: Buffer, first: number, onNew: (segment: Segment) => void): Promise<void> {
    const { segment, file } = await this.room(frames.length, first, onNew);
    let done = 0;
    while (done < frames.length) {
      const { bytesWritten } = await file.write(frames, done, frames.length - done, segment.bytes + done);
      done += bytesWritten;
    }
    segment.bytes += frames.length;
    this.synchroniseSoon();
  }

  async close(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    await this.synchronising;
    await this.end();
  }

  private async room(bytes: number, first: number, onNew: (segment: Segment) => void) {
    const { current } = this;
    if (current && !current.segment.damaged) {
      const { bytes: held } = current.segment;
      if (held === 0 || held + bytes <= this.segmentBytes) return current;
    }
    await this.end();
    const path = segmentPath(this.directory, first);
    const segment: Segment = { path, first, bytes: 0, damaged: false };
    const next = { segment, file: await open(path, 'w', 0o640) };
    this.current = next;
    onNew(segment);
    return next;
  }

  private async end(): Promise<void> {
    const { current } = this;
    this.current = null;
    if (!current) return;
    await current.file.datasync().catch(() => undefined);
    await current.file.close().catch(() => undefined);
  }

  private synchroniseSoon(): void {
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      // Errors of the disk show at the next write.
      this.synchronising = this.current?.file.datasync().catch(() => undefined) ?? Promise.resolve();
    }, SYNCHRONISE_MILLISECONDS);
    this.timer.unref();
  }
}
