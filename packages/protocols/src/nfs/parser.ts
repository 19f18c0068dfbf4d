/**
 * NFS of one flow: calls and replies of ONC RPC, over TCP in fragments with a mark before each (RFC 5531 section 11), over
 * UDP in datagrams.
 */

import type { BufferPool } from '../buffer-pool';
import { FileTracker } from '../files/file-tracker';
import type { FilePolicy } from '../files/policy';
import { FileChunks } from '../records/file-chunks';
import { RecordReader, type RecordSink } from '../records/record-reader';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
  Transport,
} from '../transaction';
import { NFS_MESSAGE, NfsBuffer } from './buffers';
import { type Call, carried, Kind, named, readCall, readReply } from './calls';
import { MessageType, NFS_PROGRAM, RPC_VERSION, readRpc, rpc } from './rpc';
import { CallTransaction, FileTransaction } from './transaction';
import { XdrReader } from './xdr';

/** Calls that wait for their reply. */
export const MOST_WAITING = 512;
/** File handles whose names are remembered. */
export const MOST_NAMES = 512;
/** Files that are read or written at a time. */
export const MOST_FILES = 32;
/** Bytes of a fragment over TCP; more makes no sense. */
const LONGEST_FRAGMENT = 1 << 26;
/** Bytes of a message that are gathered: its headers, and what stands before the data of a read or write. */
const WINDOW = 4096;

const MARK = 4;
const LAST_FRAGMENT = 0x80000000;
/** Mark, transaction, type and what follows it. */
const HEAD = MARK + 12;
/** Operations of version 4 that files are told by. */
const READ_OPERATION = 25;
const WRITE_OPERATION = 38;
const { TO_SERVER, TO_CLIENT } = Directions;

export const NfsEvent = { MALFORMED_DATA: 'nfs.malformed_data' } as const;

interface Waiting {
  readonly tx: CallTransaction | null;
  readonly call: Call;
}

/** Data of a read or write that goes on behind what was gathered. */
interface DataRun {
  tx: FileTransaction | null;
  offset: number;
  left: number;
  eof: boolean;
}

const xdr = new XdrReader();

export class NfsParser implements ProtocolParser, RecordSink {
  readonly protocol = 'nfs';
  private readonly readers: readonly [RecordReader, RecordReader];
  private readonly runs: readonly [DataRun, DataRun];
  /** By direction: the next fragment goes on with the same message. */
  private readonly continued: [boolean, boolean] = [false, false];
  private readonly waiting = new Map<number, Waiting>();
  private readonly names = new Map<string, Uint8Array>();
  private readonly files = new Map<string, FileTransaction>();
  private nextId = 0;
  /** Directions that have ended, a bit for each. */
  private closed = 0;

  constructor(
    private readonly pool: BufferPool,
    private readonly listener: TransactionListener,
    private readonly transport: Transport,
    private readonly policy: FilePolicy,
  ) {
    const reader = (direction: Direction) => new RecordReader(pool, this, direction, HEAD, WINDOW);
    const run = (): DataRun => ({ tx: null, offset: 0, left: 0, eof: false });
    this.readers = [reader(TO_SERVER), reader(TO_CLIENT)];
    this.runs = [run(), run()];
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (this.transport === Transport.TCP) this.readers[direction].feed(bytes, start, end);
    else if (!this.message(direction, bytes, start, end))
      this.listener.onEvent(null, direction, NfsEvent.MALFORMED_DATA);
  }

  gap(direction: Direction, length: number): void {
    this.readers[direction].gap(length);
  }

  close(direction: Direction): void {
    this.readers[direction].clear();
    this.runs[direction].tx = null;
    for (const [key, tx] of [...this.files]) if (tx.side === direction) this.endFile(key, tx, false);
    this.closed |= 1 << direction;
    // Replies may still come, to calls that came before their side ended.
    if (this.closed === 1 << TO_SERVER) return;
    for (const xid of [...this.waiting.keys()]) this.giveUp(xid);
    this.names.clear();
  }

  heldBytes(): number {
    let held = this.readers[0].heldBytes() + this.readers[1].heldBytes();
    for (const tx of this.files.values()) held += tx.heldBytes();
    return held + this.waiting.size * 400 + this.names.size * 150;
  }

  reset(): void {
    for (const { tx } of this.waiting.values()) if (tx !== null) this.listener.onTransactionEnd(tx);
    this.waiting.clear();
    for (const tx of this.files.values()) {
      tx.chunks?.clear();
      tx.files.clear();
      this.listener.onTransactionEnd(tx);
    }
    this.files.clear();
    this.names.clear();
    for (const reader of this.readers) reader.reset();
    for (const run of this.runs) run.tx = null;
    this.continued.fill(false);
    this.nextId = 0;
    this.closed = 0;
  }

  measure(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    if (end - start < MARK) return 0;
    const mark = be32(bytes, start);
    const length = MARK + (mark % LAST_FRAGMENT);
    if (length > LONGEST_FRAGMENT) return -1;
    if (this.continued[direction]) {
      this.readers[direction].window = MARK;
      return length;
    }
    if (length < HEAD) return -1;
    if (end - start < HEAD) return 0;
    const type = be32(bytes, start + 8);
    const good =
      type === MessageType.CALL ? be32(bytes, start + 12) === RPC_VERSION : type === MessageType.REPLY;
    return good ? length : -1;
  }

  record(direction: Direction, bytes: Uint8Array, start: number, end: number, length: number): void {
    const goesOn = this.continued[direction];
    this.continued[direction] = be32(bytes, start) < LAST_FRAGMENT;
    if (!goesOn) {
      this.runs[direction].tx = null;
      if (!this.message(direction, bytes, start + MARK, end))
        this.listener.onEvent(null, direction, NfsEvent.MALFORMED_DATA);
    }
    if (length === end - start && !this.continued[direction]) this.runs[direction].tx = null;
  }

  rest(direction: Direction, bytes: Uint8Array, start: number, end: number, left: number): void {
    const run = this.runs[direction];
    const { tx } = run;
    if (tx === null) return;
    const count = Math.min(run.left, end - start);
    if (count > 0) this.write(tx, run.offset, bytes, start, start + count);
    this.advance(direction, count, left);
  }

  missing(direction: Direction, length: number, left: number): void {
    const run = this.runs[direction];
    if (run.tx === null) return;
    const count = Math.min(run.left, length);
    run.tx.chunks?.missing(run.offset, count);
    this.advance(direction, count, left);
  }

  lost(direction: Direction): void {
    this.runs[direction].tx = null;
    this.continued[direction] = false;
  }

  /** A message begins where its mark and the words behind it fit. */
  resume(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    if (end - start < MARK + 16 || be32(bytes, start) < LAST_FRAGMENT) return -1;
    const type = be32(bytes, start + 8);
    if (direction === TO_SERVER)
      return type === MessageType.CALL && be32(bytes, start + 16) === NFS_PROGRAM ? start : -1;
    return type === MessageType.REPLY && this.waiting.has(be32(bytes, start + 4)) ? start : -1;
  }

  /** A call or reply, as far as it is there. @returns false where it is none */
  private message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    xdr.begin(bytes, start, end);
    if (!readRpc(xdr)) return false;
    if (rpc.type === MessageType.CALL) {
      if (direction === TO_SERVER && rpc.program === NFS_PROGRAM) this.call(bytes);
    } else if (direction === TO_CLIENT) this.reply(bytes);
    return true;
  }

  private call(bytes: Uint8Array): void {
    const { xid, version, procedure } = rpc;
    const call = readCall(xdr, version, procedure);
    if (this.waiting.has(xid)) this.giveUp(xid);
    else if (this.waiting.size >= MOST_WAITING) this.giveUp(this.waiting.keys().next().value as number);
    let tx: CallTransaction | null = null;
    // Reads and writes are told of by the file they belong to, a compound by the operation that changes something.
    const told =
      version === 4 ? call.operation : call.kind === Kind.OTHER || call.kind === Kind.LOOKUP ? procedure : -1;
    if (told > 0 || (told === 0 && version !== 4)) {
      tx = new CallTransaction(this.nextId++, version, told);
      if (call.name !== null) tx.fileName = Buffer.from(call.name).toString('latin1');
      this.tell(tx, version, told);
      this.show(tx, TO_SERVER);
    }
    this.waiting.set(xid, { tx, call });
    if (call.kind === Kind.WRITE && carried.start >= 0) this.data(TO_SERVER, call, bytes);
    if (call.kind === Kind.COMMIT) this.endHandle(call.handle);
  }

  private reply(bytes: Uint8Array): void {
    const waiting = this.waiting.get(rpc.xid);
    if (waiting === undefined) return;
    this.waiting.delete(rpc.xid);
    const { tx, call } = waiting;
    if (rpc.accepted) {
      readReply(xdr, call);
      if (named.handle !== '' && call.name !== null) this.name(named.handle, call.name);
      if (call.kind === Kind.READ && carried.start >= 0) this.data(TO_CLIENT, call, bytes);
    }
    if (tx === null) return;
    this.show(tx, TO_CLIENT);
    this.listener.onTransactionEnd(tx);
  }

  private name(handle: string, name: Uint8Array): void {
    if (this.names.size >= MOST_NAMES) this.names.delete(this.names.keys().next().value as string);
    this.names.set(handle, name);
  }

  private tell(tx: CallTransaction, version: number, procedure: number): void {
    tx.putNumber(TO_SERVER, NfsBuffer.VERSION, version, 4);
    tx.putNumber(TO_SERVER, NfsBuffer.PROCEDURE, procedure, 4);
  }

  private giveUp(xid: number): void {
    const tx = this.waiting.get(xid)?.tx ?? null;
    this.waiting.delete(xid);
    if (tx !== null) this.listener.onTransactionEnd(tx);
  }

  private show(tx: CallTransaction, direction: Direction): void {
    tx.direction = direction;
    tx.reach(direction, NFS_MESSAGE);
    this.listener.onProgress(tx, direction);
  }

  // --- files ---

  /** Takes what a read or write carries (it is in `carried`). */
  private data(direction: Direction, call: Call, bytes: Uint8Array): void {
    const { offset, start, end, length, eof } = carried;
    const tx = this.fileOf(direction, call);
    if (tx === null) return;
    if (end > start) this.write(tx, offset, bytes, start, end);
    const run = this.runs[direction];
    run.tx = tx;
    run.offset = offset + end - start;
    run.left = length - (end - start);
    run.eof = eof;
    this.advance(direction, 0, run.left);
  }

  /** `count` bytes of a run were taken; `left` are still to come in the fragment. */
  private advance(direction: Direction, count: number, left: number): void {
    const run = this.runs[direction];
    const { tx } = run;
    run.offset += count;
    run.left -= count;
    if (tx === null || (run.left > 0 && (left > 0 || this.continued[direction]))) return;
    run.tx = null;
    if (run.left === 0 && run.eof) {
      for (const [key, each] of this.files) if (each === tx) this.endFile(key, tx, true);
    }
  }

  private fileOf(direction: Direction, call: Call): FileTransaction | null {
    const key = `${direction} ${call.handle}`;
    const known = this.files.get(key);
    if (known !== undefined) return known;
    if (this.files.size >= MOST_FILES) {
      const [oldest, tx] = this.files.entries().next().value as [string, FileTransaction];
      this.endFile(oldest, tx, false);
    }
    const files = new FileTracker(this.pool, this.policy);
    const file = files.open();
    if (file === null) return null;
    const name = this.names.get(call.handle);
    const procedure =
      call.version === 4 ? (direction === TO_SERVER ? WRITE_OPERATION : READ_OPERATION) : call.procedure;
    const tx = new FileTransaction(this.nextId++, call.version, procedure, direction, files, file);
    if (name !== undefined) {
      file.setName(name, 0, name.length);
      tx.fileName = Buffer.from(name).toString('latin1');
    }
    tx.chunks = new FileChunks(this.pool, file, () => this.showFile(tx));
    this.tell(tx, call.version, procedure);
    this.files.set(key, tx);
    return tx;
  }

  private write(tx: FileTransaction, offset: number, bytes: Uint8Array, start: number, end: number): void {
    tx.chunks?.write(offset, bytes, start, end);
    this.showFile(tx);
  }

  private showFile(tx: FileTransaction): void {
    tx.direction = tx.side;
    this.listener.onProgress(tx, tx.side);
    tx.files.shown();
  }

  private endHandle(handle: string): void {
    const key = `${TO_SERVER} ${handle}`;
    const tx = this.files.get(key);
    if (tx !== undefined) this.endFile(key, tx, true);
  }

  private endFile(key: string, tx: FileTransaction, complete: boolean): void {
    this.files.delete(key);
    tx.chunks?.flush();
    tx.file.close(complete);
    tx.reach(tx.side, NFS_MESSAGE);
    this.showFile(tx);
    this.listener.onTransactionEnd(tx);
    tx.chunks?.clear();
    tx.files.clear();
    for (const run of this.runs) if (run.tx === tx) run.tx = null;
  }
}

function be32(bytes: Uint8Array, at: number): number {
  return bytes[at] * 0x1000000 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
}
