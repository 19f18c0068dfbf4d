/** Transactions of SMB: a command with its response, a file that is read or written, a call through a pipe. */

import { CallTransaction } from '../dcerpc/association';
import type { FileTracker } from '../files/file-tracker';
import type { TrackedFile } from '../files/tracked-file';
import type { FileChunks } from '../records/file-chunks';
import { HeldTransaction } from '../records/held-transaction';
import type { BufferView, Direction } from '../transaction';
import { FIRST_FILE_BUFFER, LAST_FILE_BUFFER } from './buffers';

/** What alerts tell of the message that a transaction began with. */
export interface SmbFacts {
  readonly version: 1 | 2;
  readonly command: number;
  readonly sessionId: number;
  readonly treeId: number;
  readonly dialect: string;
}

export class CommandTransaction extends HeldTransaction {
  /** NT status of the response; -1 while there is none. */
  status = -1;
  share = '';
  fileName = '';

  constructor(
    id: number,
    readonly facts: SmbFacts,
  ) {
    super(id);
  }
}

/** All reads of a file, or all writes, until it is closed. */
export class FileTransaction extends HeldTransaction {
  readonly files: FileTracker;
  readonly file: TrackedFile;
  chunks: FileChunks | null = null;
  overlapTold = false;

  constructor(
    id: number,
    readonly facts: SmbFacts,
    readonly side: Direction,
    files: FileTracker,
    file: TrackedFile,
    readonly fileName: string,
    readonly share: string,
  ) {
    super(id);
    this.files = files;
    this.file = file;
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

export { CallTransaction };
