import { BufferPool, PooledBytes } from '../buffer-pool';
import { MESSAGE_BYTES, RECORD_BYTES } from './limits';

/** Longest header of a record with what is read of its body at once: SSL 2 with the fixed part of a hello. */
const HEADER_BYTES = 10;
const pool = new BufferPool();

/** What is known of the bytes of one direction. */
export class Side {
  /** Bytes of a header that has not come whole. */
  readonly header = new Uint8Array(HEADER_BYTES);
  headerLength = 0;
  /** Bytes that are not looked at before the next header. */
  skip = 0;
  /** Type of the record that is held, and bytes of it that are still to come; 0: none is held. */
  recordType = 0;
  recordLeft = 0;
  readonly record = new PooledBytes(pool, RECORD_BYTES);
  /** A handshake message that goes on in the next record: its type, size and the bytes still to come; 0: none. */
  messageType = 0;
  messageSize = 0;
  messageLeft = 0;
  readonly message = new PooledBytes(pool, MESSAGE_BYTES);
  /** Its hello named a server. */
  named = false;
  /** It sent certificates, and one of them could be read. */
  certificates = false;
  leaf = false;
  changedCipher = false;
  /** SSL 2: from here on it is encrypted. */
  encrypted = false;
  closed = false;
  /** Something was told that the rules have not looked at. */
  dirty = false;

  heldBytes(): number {
    return this.record.bytes.length + this.message.bytes.length;
  }

  /** Lets go of what it holds. */
  drop(): void {
    this.record.clear();
    this.message.clear();
    this.headerLength = 0;
    this.recordLeft = 0;
    this.messageLeft = 0;
    this.skip = 0;
  }

  reset(): void {
    this.drop();
    this.named = false;
    this.certificates = false;
    this.leaf = false;
    this.changedCipher = false;
    this.encrypted = false;
    this.closed = false;
    this.dirty = false;
  }
}
