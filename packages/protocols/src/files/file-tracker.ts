/** The files of one direction of a transaction, as the buffers `file.data`, `file.name` and so on. */

import type { BufferPool } from '../buffer-pool';
import { writeInteger } from '../integer-view';
import type { BufferDefinition, BufferView, Direction } from '../transaction';
import { FileHash, type FilePolicy } from './policy';
import { TrackedFile } from './tracked-file';

/** Numbers of the file buffers, relative to the first; `FILE_BUFFER_COUNT` of them. */
export const FileBuffer = { DATA: 0, NAME: 1, SIZE: 2, MD5: 3, SHA1: 4, SHA256: 5 } as const;

export const FILE_BUFFER_COUNT = 6;

/**
 * The rows that a protocol with files has in its buffer table.
 * @param first number of `file.data`; the others follow in the order of `FileBuffer`
 * @param progress at which the files of a direction are complete
 */
export function fileBuffers(
  protocol: string,
  first: number,
  directions: readonly Direction[],
  progress: number,
): readonly BufferDefinition[] {
  const row = (place: number, name: string, streaming: boolean): BufferDefinition => ({
    name,
    id: first + place,
    protocol,
    directions,
    progress,
    streaming,
    multiple: true,
  });
  return [
    row(FileBuffer.DATA, 'file.data', true),
    row(FileBuffer.NAME, 'file.name', false),
    { ...row(FileBuffer.SIZE, 'file.size', false), integer: { bytes: 8 } },
    row(FileBuffer.MD5, 'file.md5', false),
    row(FileBuffer.SHA1, 'file.sha1', false),
    row(FileBuffer.SHA256, 'file.sha256', false),
  ];
}

export class FileTracker {
  private readonly files: TrackedFile[] = [];

  constructor(
    private readonly pool: BufferPool,
    private readonly policy: FilePolicy,
  ) {}

  /** Number of files so far. */
  get count(): number {
    return this.files.length;
  }

  /** Whether some file has bytes that were not shown. */
  get grown(): boolean {
    for (const file of this.files) if (file.grown) return true;
    return false;
  }

  /** Begins a file. @returns null where the transaction has as many as are followed */
  open(): TrackedFile | null {
    if (this.files.length >= this.policy.files) return null;
    const file = new TrackedFile(this.pool, this.policy);
    this.files.push(file);
    return file;
  }

  /**
   * `Transaction.buffer` for the file buffers.
   * @param buffer one of `FileBuffer`
   * @param index number of the file
   */
  fill(buffer: number, index: number, out: BufferView): boolean {
    const { files } = this;
    if (index < 0 || index >= files.length) return false;
    const file = files[index];
    switch (buffer) {
      case FileBuffer.DATA:
        if (file.viewContent(out)) return true;
        // A file without bytes must not hide those behind it.
        return index + 1 < files.length && empty(out);
      case FileBuffer.NAME:
        if (file.viewName(out)) return true;
        return index + 1 < files.length && empty(out);
      case FileBuffer.SIZE:
        if (file.complete) return writeInteger(out, file.size, 8);
        return index + 1 < files.length && empty(out);
      case FileBuffer.MD5:
        return file.viewHash(FileHash.MD5, out) || (index + 1 < files.length && empty(out));
      case FileBuffer.SHA1:
        return file.viewHash(FileHash.SHA1, out) || (index + 1 < files.length && empty(out));
      case FileBuffer.SHA256:
        return file.viewHash(FileHash.SHA256, out) || (index + 1 < files.length && empty(out));
      default:
        return false;
    }
  }

  /** The listener has seen all files as they are: call it after each `onProgress` of their direction. */
  shown(): void {
    for (const file of this.files) file.shown();
  }

  heldBytes(): number {
    let held = 0;
    for (const file of this.files) held += file.heldBytes();
    return held;
  }

  /** Forgets all files and gives their memory back. */
  clear(): void {
    for (const file of this.files) file.release();
    this.files.length = 0;
  }
}

/** A buffer without bytes; a number of no bytes, which compares with nothing. */
function empty(out: BufferView): true {
  out.start = 0;
  out.end = 0;
  out.streamOffset = 0;
  out.fresh = 0;
  out.complete = false;
  return true;
}
