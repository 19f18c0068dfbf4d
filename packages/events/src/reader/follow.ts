import { type FileHandle, open, stat } from 'node:fs/promises';
import { LineCutter } from './eve-files';

export interface FollowOptions {
  signal: AbortSignal;
  pollMilliseconds?: number;
}

const POLL_MILLISECONDS = 200;
const CHUNK_BYTES = 64 * 1024;
const BLOCK_BYTES = 64 * 1024;

/**
 * Follows a file that is written at its end. When a rotator has put it aside, the rest of the old one is read before
 * the new one, which counts once the engine has written to it; a file that was cut short is read from its beginning.
 */
export class FileFollower {
  private file: FileHandle | null = null;
  private offset = 0;
  private cutter = new LineCutter();

  constructor(private readonly path: string) {}

  /** The last lines there are now, at most so many; `follow` goes on behind them. */
  async last(count: number): Promise<string[]> {
    this.file = await open(this.path, 'r').catch(missing);
    if (!this.file) return [];
    const { size } = await this.file.stat();
    const start = await lineStart(this.file, size, count);
    this.offset = start;
    return this.read(size);
  }

  /** Lines as they come, until the signal. */
  async *follow({ signal, pollMilliseconds = POLL_MILLISECONDS }: FollowOptions): AsyncGenerator<string> {
    while (!signal.aborted) {
      const lines = await this.readMore();
      yield* lines;
      if (lines.length === 0) await pause(pollMilliseconds, signal);
    }
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = null;
  }

  /** The lines that have come since; empty where there are none. */
  async readMore(): Promise<string[]> {
    this.file ??= await open(this.path, 'r').catch(missing);
    if (!this.file) return [];
    const now = await stat(this.path).catch(() => null);
    const { ino, dev, size } = await this.file.stat();
    if (size < this.offset) this.restart();
    const lines = await this.read(this.offset + CHUNK_BYTES);
    const replaced = now !== null && (now.ino !== ino || now.dev !== dev) && now.size > 0;
    // Whoever writes has gone over to the new file before the last look at the old one.
    if (lines.length > 0 || !replaced || size > this.offset) return lines;
    await this.close();
    this.restart();
    return this.readMore();
  }

  private restart(): void {
    this.offset = 0;
    this.cutter = new LineCutter();
  }

  /** @param end read no further than this offset */
  private async read(end: number): Promise<string[]> {
    const lines: string[] = [];
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    while (this.file && this.offset < end) {
      const wanted = Math.min(buffer.length, end - this.offset);
      const { bytesRead } = await this.file.read(buffer, 0, wanted, this.offset);
      if (bytesRead === 0) break;
      this.offset += bytesRead;
      lines.push(...this.cutter.push(buffer.subarray(0, bytesRead)));
    }
    return lines;
  }
}

/** Where the last `count` whole lines begin. */
async function lineStart(file: FileHandle, size: number, count: number): Promise<number> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  // The newline that ends the last line is one more.
  let left = count + 1;
  let end = size;
  while (end > 0) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) {
      if (block[at] === 0x0a && --left === 0) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

function missing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
