/**
 * What one SMB connection remembers: trees, open files and pipes, commands that wait for their response. Versions 1 and 2
 * share it. Every table is bounded; what is pushed out is ended.
 */

import type { BufferPool } from '../buffer-pool';
import type { AssociationOwner, CallTransaction } from '../dcerpc/association';
import { FileTracker } from '../files/file-tracker';
import type { FilePolicy } from '../files/policy';
import { FileChunks } from '../records/file-chunks';
import { type Direction, Direction as Directions, type TransactionListener } from '../transaction';
import { SMB_MESSAGE, SMB_SHARE_KIND, SmbBuffer } from './buffers';
import { SmbEvent } from './events';
import { readNtlmNames } from './ntlmssp';
import { Pipe } from './pipe';
import { textOf } from './text';
import { CommandTransaction, FileTransaction, type SmbFacts } from './transaction';

const MOST_TREES = 1024;
const MOST_OPENS = 4096;
export const MOST_WAITING = 512;
/** Pipes with calls in them, of which no client has more than a few, and files that are read or written. */
export const MOST_PIPES = 128;
export const MOST_FILES = 64;
/** Events and trees that wait for a direction to speak. */
const MOST_LATE = 32;

const { TO_SERVER, TO_CLIENT } = Directions;
const MESSAGE = SMB_MESSAGE;

export interface Tree {
  readonly share: Uint8Array;
  pipe: boolean;
}

/** An open file or pipe. */
export class Open {
  pipe: Pipe | null = null;
  /** By direction: writes, reads. */
  readonly files: [FileTransaction | null, FileTransaction | null] = [null, null];
  /** The first bytes were looked at for a call. */
  probed = false;

  constructor(
    readonly name: Uint8Array,
    readonly tree: Tree | null,
  ) {}
}

/** A command that waits for its response. */
export interface Waiting {
  readonly tx: CommandTransaction | null;
  readonly command: number;
  readonly open: Open | null;
  /** Place in the file that a read begins at. */
  readonly offset: number;
  /** Path of the share, or name of the file that is opened. */
  readonly name: Uint8Array | null;
}

/** An event that rules of the other direction hear of when that direction speaks next. */
interface LateEvent {
  readonly tx: CommandTransaction | FileTransaction | null;
  readonly event: string;
}

export class SmbSession implements AssociationOwner {
  readonly trees = new Map<string, Tree>();
  readonly opens = new Map<string, Open>();
  dialect = 'unknown';
  private readonly waiting = new Map<string, Waiting>();
  /** Open files with bytes of theirs held, oldest first. */
  private readonly active = new Set<Open>();
  private readonly pipes = new Set<Open>();
  /** Requests for a tree whose kind is known since the client spoke last. */
  private readonly connected: CommandTransaction[] = [];
  /** By direction. */
  private readonly lateEvents: readonly [LateEvent[], LateEvent[]] = [[], []];
  /** Facts of the message in hand, for transactions that it begins. */
  private facts: SmbFacts = { version: 2, command: 0, sessionId: 0, treeId: 0, dialect: '' };
  private nextId = 0;
  /** The transaction that events are of. */
  private current: CommandTransaction | FileTransaction | null = null;

  constructor(
    readonly pool: BufferPool,
    readonly listener: TransactionListener,
    private readonly policy: FilePolicy,
  ) {}

  takeId(): number {
    return this.nextId++;
  }

  onCall(call: CallTransaction): void {
    for (const direction of [TO_SERVER, TO_CLIENT] as const)
      call.putNumber(direction, SmbBuffer.VERSION, this.facts.version, 1);
  }

  /** A message begins whose transactions are told of in these words. */
  begin(version: 1 | 2, command: number, sessionId: number, treeId: number): void {
    const { dialect } = this;
    this.facts = { version, command, sessionId, treeId, dialect };
    this.current = null;
  }

  /** A direction speaks: what the other one said of it before is shown now, as rules of a direction see its packets. */
  turn(direction: Direction): void {
    const late = this.lateEvents[direction];
    while (late.length > 0) {
      const { tx, event } = late.shift() as LateEvent;
      if (tx !== null) tx.direction = direction;
      this.listener.onEvent(tx, direction, event);
    }
    if (direction === TO_CLIENT) return;
    while (this.connected.length > 0) {
      const tx = this.connected.shift() as CommandTransaction;
      this.show(tx, TO_SERVER, SMB_SHARE_KIND);
      this.end(tx);
    }
  }

  /** An event of the message in hand. It is one of the transaction: rules of either direction hear of it. */
  event(direction: Direction, event: string): void {
    const { current } = this;
    if (current !== null) current.direction = direction;
    this.listener.onEvent(current, direction, event);
    const late = this.lateEvents[direction === TO_SERVER ? TO_CLIENT : TO_SERVER];
    if (late.length < MOST_LATE && !late.some((one) => one.tx === current && one.event === event))
      late.push({ tx: current, event });
  }

  // --- commands ---

  /** A command whose transaction is shown when all of its request was read. */
  newCommand(): CommandTransaction {
    const tx = new CommandTransaction(this.takeId(), this.facts);
    tx.putNumber(TO_SERVER, SmbBuffer.VERSION, this.facts.version, 1);
    tx.putNumber(TO_CLIENT, SmbBuffer.VERSION, this.facts.version, 1);
    this.current = tx;
    return tx;
  }

  /** Shows a request and lets it wait for its response. */
  wait(key: string, waiting: Waiting): void {
    const before = this.waiting.get(key);
    if (before !== undefined) this.giveUp(key, before);
    else if (this.waiting.size >= MOST_WAITING) {
      const [oldest, value] = this.waiting.entries().next().value as [string, Waiting];
      if (value.tx !== null) this.listener.onEvent(value.tx, TO_SERVER, SmbEvent.TOO_MANY_TRANSACTIONS);
      this.giveUp(oldest, value);
    }
    this.waiting.set(key, waiting);
    if (waiting.tx !== null) this.show(waiting.tx, TO_SERVER, MESSAGE);
  }

  /** The command that a response belongs to; it waits no longer. */
  answered(key: string): Waiting | null {
    const waiting = this.waiting.get(key);
    if (waiting === undefined) return null;
    this.waiting.delete(key);
    this.current = waiting.tx;
    return waiting;
  }

  /** The response to a command is there. */
  finish(tx: CommandTransaction, status: number): void {
    tx.status = status;
    this.show(tx, TO_CLIENT, MESSAGE);
    if (tx.progress(TO_CLIENT) === SMB_SHARE_KIND && this.connected.length < MOST_LATE)
      this.connected.push(tx);
    else this.end(tx);
    this.current = null;
  }

  /** A command that is not answered, or whose answer says nothing. */
  single(direction: Direction): void {
    const tx = this.newCommand();
    this.show(tx, direction, MESSAGE);
    this.end(tx);
    this.current = null;
  }

  /** Puts the names of an authentication into a session set-up. */
  authenticate(tx: CommandTransaction, bytes: Uint8Array, start: number, end: number): void {
    const names = readNtlmNames(bytes, start, end);
    if (names === 'malformed') this.event(TO_SERVER, SmbEvent.MALFORMED_NTLMSSP_REQUEST);
    else if (names !== null) {
      tx.put(TO_SERVER, SmbBuffer.NTLMSSP_USER, names.user);
      tx.put(TO_SERVER, SmbBuffer.NTLMSSP_DOMAIN, names.domain);
    }
  }

  /** The tree is there, and whether it is one of pipes: its request is looked at again when the client speaks. */
  connect(tx: CommandTransaction, key: string, share: Uint8Array, pipe: boolean): void {
    if (pipe) tx.put(TO_SERVER, SmbBuffer.NAMED_PIPE, share);
    else for (const side of [TO_SERVER, TO_CLIENT] as const) tx.put(side, SmbBuffer.SHARE, share);
    tx.share = textOf(share);
    tx.reach(TO_CLIENT, SMB_SHARE_KIND);
    if (this.trees.size >= MOST_TREES) this.trees.delete(this.trees.keys().next().value as string);
    this.trees.set(key, { share, pipe });
  }

  // --- files and pipes ---

  addOpen(key: string, open: Open): void {
    this.closeOpen(key);
    if (this.opens.size >= MOST_OPENS) this.closeOpen(this.opens.keys().next().value as string);
    this.opens.set(key, open);
  }

  /** The open file of that identifier; one that was opened before we looked is made up. */
  openOf(key: string, tree: Tree | null): Open {
    let open = this.opens.get(key);
    if (open === undefined) {
      open = new Open(new Uint8Array(0), tree);
      this.addOpen(key, open);
    }
    return open;
  }

  closeOpen(key: string): void {
    const open = this.opens.get(key);
    if (open === undefined) return;
    this.opens.delete(key);
    this.endOpen(open, true);
  }

  /**
   * Bytes that are written to (`TO_SERVER`) or read from a file or pipe.
   * @param offset place in the file of the first of them
   * @param first they begin a write or read: a pipe's message may begin here
   */
  data(
    open: Open,
    direction: Direction,
    offset: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    first: boolean,
  ): void {
    if (start >= end) return;
    if (first && this.isPipe(open, offset, bytes, start, end)) {
      this.pipeOf(open).data(direction, bytes, start, end);
      return;
    }
    if (open.pipe !== null) {
      open.pipe.data(direction, bytes, start, end);
      return;
    }
    if (open.tree?.pipe === true) return;
    const tx = this.fileOf(open, direction);
    if (tx === null) return;
    this.current = tx;
    if (!(tx.chunks as FileChunks).write(offset, bytes, start, end) && first)
      this.event(direction, SmbEvent.FILE_OVERLAP);
    this.showFile(tx);
  }

  /** Bytes of a file that are missing. */
  missing(open: Open, direction: Direction, offset: number, length: number): void {
    open.files[direction]?.chunks?.missing(offset, length);
    open.pipe?.gap(direction, length);
  }

  /** Ends a direction of everything. */
  close(direction: Direction): void {
    this.turn(TO_SERVER);
    this.turn(TO_CLIENT);
    for (const [key, waiting] of [...this.waiting]) this.giveUp(key, waiting);
    for (const open of [...this.active]) {
      const tx = open.files[direction];
      if (tx !== null) this.endFile(open, tx, false);
    }
    for (const open of [...this.pipes]) open.pipe?.close(direction);
  }

  /** Forgets everything; both directions are closed. */
  clear(): void {
    for (const open of [...this.active, ...this.pipes]) this.endOpen(open, false);
    this.trees.clear();
    this.opens.clear();
  }

  /** Makes the session as new: nothing is shown any more. */
  reset(): void {
    for (const { tx } of this.waiting.values()) if (tx !== null) this.listener.onTransactionEnd(tx);
    this.waiting.clear();
    for (const tx of this.connected) this.listener.onTransactionEnd(tx);
    this.connected.length = 0;
    for (const late of this.lateEvents) late.length = 0;
    for (const open of this.active) {
      for (const tx of open.files) {
        if (tx === null) continue;
        tx.chunks?.clear();
        tx.files.clear();
        this.listener.onTransactionEnd(tx);
      }
      open.files.fill(null);
    }
    this.active.clear();
    for (const open of this.pipes) open.pipe?.abandon();
    this.pipes.clear();
    this.trees.clear();
    this.opens.clear();
    this.nextId = 0;
    this.dialect = 'unknown';
    this.current = null;
  }

  heldBytes(): number {
    let held = (this.waiting.size + this.connected.length) * 500 + (this.trees.size + this.opens.size) * 200;
    for (const open of this.active) for (const tx of open.files) held += tx?.heldBytes() ?? 0;
    for (const open of this.pipes) held += open.pipe?.heldBytes() ?? 0;
    return held;
  }

  private giveUp(key: string, { tx }: Waiting): void {
    this.waiting.delete(key);
    if (tx !== null) this.end(tx);
  }

  private end(tx: CommandTransaction | FileTransaction): void {
    for (const side of [TO_SERVER, TO_CLIENT] as const) {
      const late = this.lateEvents[side];
      for (let i = late.length - 1; i >= 0; i--) {
        if (late[i].tx !== tx) continue;
        tx.direction = side;
        this.listener.onEvent(tx, side, late[i].event);
        late.splice(i, 1);
      }
    }
    this.listener.onTransactionEnd(tx);
  }

  private show(tx: CommandTransaction, direction: Direction, progress: number): void {
    tx.direction = direction;
    tx.reach(direction, progress);
    this.listener.onProgress(tx, direction);
  }

  private isPipe(open: Open, offset: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (open.pipe !== null) return true;
    if (open.tree !== null && !open.tree.pipe) return false;
    if (open.probed && open.tree === null) return false;
    open.probed = true;
    return offset === 0 && Pipe.looksLikeCall(bytes, start, end);
  }

  private pipeOf(open: Open): Pipe {
    if (open.pipe === null) {
      if (this.pipes.size >= MOST_PIPES) {
        // What is bound there is forgotten, and calls that follow are not understood.
        this.event(TO_SERVER, SmbEvent.TOO_MANY_TRANSACTIONS);
        this.endOpen(this.pipes.values().next().value as Open, false);
      }
      open.pipe = new Pipe(this.pool, this);
      this.pipes.add(open);
    }
    return open.pipe;
  }

  private fileOf(open: Open, direction: Direction): FileTransaction | null {
    const known = open.files[direction];
    if (known !== null) return known;
    if (this.active.size >= MOST_FILES) this.endOpen(this.active.values().next().value as Open, false);
    const files = new FileTracker(this.pool, this.policy);
    const file = files.open();
    if (file === null) return null;
    file.setName(open.name, 0, open.name.length);
    const share = open.tree === null ? '' : textOf(open.tree.share);
    const tx = new FileTransaction(
      this.takeId(),
      this.facts,
      direction,
      files,
      file,
      textOf(open.name),
      share,
    );
    tx.chunks = new FileChunks(this.pool, file, () => this.showFile(tx));
    tx.putNumber(direction, SmbBuffer.VERSION, this.facts.version, 1);
    open.files[direction] = tx;
    this.active.add(open);
    return tx;
  }

  private showFile(tx: FileTransaction): void {
    tx.direction = tx.side;
    this.listener.onProgress(tx, tx.side);
    tx.files.shown();
  }

  private endOpen(open: Open, complete: boolean): void {
    for (const tx of open.files) if (tx !== null) this.endFile(open, tx, complete);
    if (open.pipe !== null) {
      open.pipe.close(TO_SERVER);
      open.pipe.close(TO_CLIENT);
      open.pipe = null;
      this.pipes.delete(open);
    }
  }

  private endFile(open: Open, tx: FileTransaction, complete: boolean): void {
    tx.chunks?.flush();
    tx.file.close(complete);
    tx.reach(tx.side, MESSAGE);
    this.showFile(tx);
    this.end(tx);
    tx.chunks?.clear();
    tx.files.clear();
    open.files[tx.side] = null;
    if (open.files[0] === null && open.files[1] === null) this.active.delete(open);
  }
}
