import { BufferPool, PooledBytes } from '../buffer-pool';
import type { CertificateChain } from './certificate-chain';
import type { Hello } from './hello';
import { MESSAGE_BYTES, RECORD_BYTES } from './limits';

/** Longest header of a record with what is read of its body at once: SSL 2 with the fixed part of a hello. */
const HEADER_BYTES = 10;
/** Idle `Pending` that are kept for reuse. */
const POOLED = 256;
const bytesPool = new BufferPool();
const idle: Pending[] = [];

/** Bits of `Side.flags`. */
export const SideFlag = {
  /** Its hello named a server. */
  NAMED: 1,
  /** It sent certificates … */
  CERTIFICATES: 2,
  /** … and one of them could be read. */
  LEAF: 4,
  CHANGED_CIPHER: 8,
  /** SSL 2: from here on it is encrypted. */
  ENCRYPTED: 16,
  CLOSED: 32,
  /** Something is known that the rules have not looked at. */
  DIRTY: 64,
} as const;

/** What has begun and not come whole. */
export class Pending {
  readonly header = new Uint8Array(HEADER_BYTES);
  headerLength = 0;
  /** Type of the record that is held, and bytes of it that are still to come; 0: none is held. */
  recordType = 0;
  recordLeft = 0;
  readonly record = new PooledBytes(bytesPool, RECORD_BYTES);
  /** The header of a handshake message, cut by the end of a record, and bytes of it that are there. */
  readonly begun = new Uint8Array(4);
  begunLength = 0;
  /** A handshake message that goes on in the next record: its type, size and the bytes still to come; 0: none. */
  messageType = 0;
  messageSize = 0;
  messageLeft = 0;
  readonly message = new PooledBytes(bytesPool, MESSAGE_BYTES);

  get isIdle(): boolean {
    return this.headerLength === 0 && this.recordLeft === 0 && this.isBetweenMessages;
  }

  get isBetweenMessages(): boolean {
    return this.begunLength === 0 && this.messageLeft === 0;
  }
}

/** What is known of one direction. At rest it is no more than this object: there is one for each side of every flow. */
export class Side {
  flags = 0;
  /** Bytes that are not looked at before the next header. */
  skip = 0;
  /** As far as it is known. */
  version = 0;
  progress = 0;
  /** Entries of `ssl_state` that were told. */
  told = 0;
  /** While their bytes are there. */
  hello: Hello | null = null;
  chain: CertificateChain | null = null;
  pending: Pending | null = null;

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  reach(progress: number): void {
    if (this.progress >= progress) return;
    this.progress = progress;
    this.flags |= SideFlag.DIRTY;
  }

  /** The place for what does not come whole. */
  hold(): Pending {
    this.pending ??= idle.pop() ?? new Pending();
    return this.pending;
  }

  /** Gives the place back where nothing is in it. */
  settle(): void {
    if (this.pending?.isIdle === true) this.givePending();
  }

  /** Forgets what has not come whole. */
  drop(): void {
    this.skip = 0;
    this.givePending();
  }

  private givePending(): void {
    const { pending } = this;
    if (pending === null) return;
    this.pending = null;
    pending.record.clear();
    pending.message.clear();
    pending.headerLength = 0;
    pending.recordLeft = 0;
    pending.messageLeft = 0;
    pending.begunLength = 0;
    if (idle.length < POOLED) idle.push(pending);
  }

  /** Moves on to copies of what is borrowed. */
  own(): void {
    this.hello?.own();
    this.chain?.own();
  }

  borrows(bytes: Uint8Array): boolean {
    return this.hello?.bytes === bytes || this.chain?.bytes === bytes;
  }

  heldBytes(): number {
    const { pending } = this;
    const held =
      pending === null ? 0 : pending.record.bytes.length + pending.message.bytes.length + HEADER_BYTES;
    return held + (this.hello?.heldBytes() ?? 0) + (this.chain?.heldBytes() ?? 0);
  }

  reset(): void {
    this.drop();
    this.flags = 0;
    this.version = 0;
    this.progress = 0;
    this.told = 0;
    this.hello = null;
    this.chain = null;
  }
}
