/** A data connection of FTP: one file, in the direction that the control connection has told. */

import type { BufferPool } from '../buffer-pool';
import { FILE_BUFFER_COUNT, FileTracker } from '../files/file-tracker';
import type { FilePolicy } from '../files/policy';
import type { TrackedFile } from '../files/tracked-file';
import { writeInteger } from '../integer-view';
import {
  type BufferView,
  type Direction,
  Direction as Directions,
  type MatchState,
  type ProtocolParser,
  type Transaction,
  type TransactionListener,
} from '../transaction';
import { FtpDataBuffer, FtpDataProgress, TRANSFER_COMMANDS } from './buffers';
import { type FtpDataNote, readNote } from './note';

/** What a transaction costs besides its file. */
const OVERHEAD = 250;
const UNKNOWN: FtpDataNote = { command: '', fileName: null, direction: Directions.TO_SERVER };

export class FtpDataTransaction implements Transaction {
  readonly id = 0;
  matchState: MatchState = null;
  readonly files: FileTracker;
  /** The direction the listener is being told of. */
  direction: Direction;
  readonly reached: [number, number] = [FtpDataProgress.NONE, FtpDataProgress.NONE];

  constructor(
    readonly note: FtpDataNote,
    pool: BufferPool,
    policy: FilePolicy,
  ) {
    this.files = new FileTracker(pool, policy);
    this.direction = note.direction;
  }

  progress(direction: Direction): number {
    return this.reached[direction];
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    if (id === FtpDataBuffer.COMMAND) {
      const command = TRANSFER_COMMANDS.get(this.note.command.toLowerCase());
      return command !== undefined && writeInteger(out, command, 1);
    }
    const place = id - FtpDataBuffer.FILES;
    if (place >= FILE_BUFFER_COUNT || this.direction !== this.note.direction) return false;
    return this.files.fill(place, index, out);
  }
}

export class FtpDataParser implements ProtocolParser {
  readonly protocol = 'ftp-data';
  private note: FtpDataNote = UNKNOWN;
  private tx: FtpDataTransaction | null = null;
  private file: TrackedFile | null = null;
  private closed = 0;

  constructor(
    private readonly pool: BufferPool,
    private readonly policy: FilePolicy,
    private readonly listener: TransactionListener,
  ) {}

  expect(note: Uint8Array): void {
    this.note = readNote(note);
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (direction !== this.note.direction || start >= end || (this.closed & (1 << direction)) !== 0) return;
    const tx = this.tx ?? this.begin();
    const { file } = this;
    let at = start;
    for (let stalled = false; at < end; ) {
      const taken = file === null ? end : file.append(bytes, at, end);
      this.notify(tx, direction);
      // A window that was shown has room again; one that has none all the same takes no more.
      if (taken === at && stalled) return;
      stalled = taken === at;
      at = taken;
    }
  }

  gap(direction: Direction, length: number): void {
    if (direction !== this.note.direction || !(length > 0)) return;
    if (this.tx === null) this.begin();
    this.file?.gap(length);
  }

  close(direction: Direction): void {
    this.closed |= 1 << direction;
    const { tx } = this;
    if (tx === null) return;
    if (direction === this.note.direction) this.file?.close();
    tx.reached[direction] = FtpDataProgress.COMPLETE;
    this.notify(tx, direction);
    if (this.closed === 3) this.end(tx);
  }

  heldBytes(): number {
    return this.tx === null ? 0 : OVERHEAD + this.tx.files.heldBytes();
  }

  reset(): void {
    if (this.tx !== null) this.end(this.tx);
    this.note = UNKNOWN;
    this.closed = 0;
  }

  private begin(): FtpDataTransaction {
    const tx = new FtpDataTransaction(this.note, this.pool, this.policy);
    tx.reached[this.note.direction] = FtpDataProgress.BEGUN;
    this.tx = tx;
    this.file = tx.files.open();
    const { fileName } = this.note;
    if (fileName !== null) this.file?.setName(fileName, 0, fileName.length);
    return tx;
  }

  private notify(tx: FtpDataTransaction, direction: Direction): void {
    tx.direction = direction;
    this.listener.onProgress(tx, direction);
    tx.direction = this.note.direction;
    tx.files.shown();
  }

  private end(tx: FtpDataTransaction): void {
    this.listener.onTransactionEnd(tx);
    tx.files.clear();
    this.tx = null;
    this.file = null;
  }
}
