import { createReadStream, type Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** Longest line that is read, in bytes; longer ones are passed over. */
export const LONGEST_LINE = 4 * 1024 * 1024;

/** An EVE file or one that a log rotator has put aside. */
export interface EveFile {
  readonly path: string;
  readonly compressed: boolean;
  /** When something was last written to it, in milliseconds. */
  readonly modified: number;
}

/** What rotators append: a number, a date, or both; the packed ones end in .gz. */
const ROTATED = /^(?:[.-]\d{1,8}(?:-\d{1,10})?)?(?:\.gz)?$/;

/**
 * The EVE file with its rotated siblings (`eve.json.1`, `eve.json.2.gz`, `eve.json-20260131`), oldest first.
 * @throws where the directory cannot be read
 */
export async function eveFiles(path: string): Promise<EveFile[]> {
  const directory = dirname(path);
  const name = basename(path);
  const files: (EveFile & { current: boolean })[] = [];
  for (const entry of await readdir(directory)) {
    if (!entry.startsWith(name) || !ROTATED.test(entry.slice(name.length))) continue;
    const full = join(directory, entry);
    const facts: Stats | null = await stat(full).catch(() => null);
    if (!facts?.isFile()) continue;
    const current = entry === name;
    files.push({ path: full, compressed: entry.endsWith('.gz'), modified: facts.mtimeMs, current });
  }
  return files.sort(
    (a, b) =>
      Number(a.current) - Number(b.current) ||
      a.modified - b.modified ||
      b.path.localeCompare(a.path, 'en', { numeric: true }),
  );
}

/** Cuts chunks into lines, without keeping more than one. */
export class LineCutter {
  private rest: Buffer[] = [];
  private held = 0;
  /** The line in hand is too long: it goes on until the next newline. */
  private skipping = false;

  /** @returns the lines that are whole now, as text without newline */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      this.keep(chunk.subarray(start, end));
      const line = this.take();
      if (line !== null) lines.push(line);
      start = end + 1;
    }
    // A copy: what is kept must not keep the chunk alive.
    if (start < chunk.length) this.keep(Buffer.from(chunk.subarray(start)));
    return lines;
  }

  private keep(part: Buffer): void {
    this.held += part.length;
    if (this.held > LONGEST_LINE) {
      this.skipping = true;
      this.rest = [];
    }
    if (!this.skipping) this.rest.push(part);
  }

  private take(): string | null {
    const line = this.skipping ? null : Buffer.concat(this.rest).toString('utf8');
    this.rest = [];
    this.held = 0;
    this.skipping = false;
    return line;
  }
}

/** The lines of a file, oldest first; a last line without newline is being written and is left out. */
export async function* fileLines({ path, compressed }: EveFile): AsyncGenerator<string> {
  const file = createReadStream(path);
  let stream: Readable = file;
  if (compressed) {
    const gunzip = createGunzip();
    file.on('error', (error) => gunzip.destroy(error));
    stream = file.pipe(gunzip);
  }
  const cutter = new LineCutter();
  try {
    for await (const chunk of stream) yield* cutter.push(chunk as Buffer);
  } finally {
    file.destroy();
    stream.destroy();
  }
}
