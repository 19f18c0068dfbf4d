/** Transactions of NFS: a call with its reply, or all reads or all writes of a file. */

import type { FileTracker } from '../files/file-tracker';
import type { TrackedFile } from '../files/tracked-file';
import type { FileChunks } from '../records/file-chunks';
import { HeldTransaction } from '../records/held-transaction';
import type { BufferView, Direction } from '../transaction';
import { FIRST_FILE_BUFFER, LAST_FILE_BUFFER } from './buffers';

export class CallTransaction extends HeldTransaction {
  fileName = '';

  constructor(
    id: number,
    readonly version: number,
    readonly procedure: number,
  ) {
    super(id);
  }
}

export class FileTransaction extends CallTransaction {
  chunks: FileChunks | null = null;

  constructor(
    id: number,
    version: number,
    procedure: number,
    readonly side: Direction,
    readonly files: FileTracker,
    readonly file: TrackedFile,
  ) {
    super(id, version, procedure);
  }

  override buffer(id: number, index: number, out: BufferView): boolean {
    if (id >= FIRST_FILE_BUFFER && id <= LAST_FILE_BUFFER)
      return this.direction === this.side && this.files.fill(id - FIRST_FILE_BUFFER, index, out);
    return super.buffer(id, index, out);
  }

  override heldBytes(): number {
    return super.heldBytes() + this.files.heldBytes() + (this.chunks?.heldBytes() ?? 0);
  }
}
