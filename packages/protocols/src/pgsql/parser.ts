import { FIRST_BUFFER } from '../buffer-ranges';
import { showBytes } from '../buffer-view';
import { MESSAGE_READ, MessageParser, MessageTransaction } from '../framing/message-parser';
import {
  type BufferDefinition,
  type BufferView,
  type Direction,
  Direction as Directions,
  type TransactionListener,
  Transport,
} from '../transaction';

/** Codes of the requests that a connection may begin with (PostgreSQL, Frontend/Backend Protocol, message formats). */
export const PgsqlOpening = {
  CANCEL: 80877102,
  TLS: 80877103,
  GSS: 80877104,
  VERSION_3: 196608,
} as const;

/** Length and code. */
export const OPENING_BYTES = 8;
/** Type and length, which counts itself. */
const HEADER_BYTES = 5;
const LENGTH_BYTES = 4;
/** The longest message of a client that is read. */
const LONGEST = 262_144;
const QUERY = 0x51;
const ACCEPTED = 0x53;

const Phase = {
  /** The client opens: its message has no type. */
  OPENING: 0,
  /** It has asked whether the rest may be encrypted; the answer is one byte. */
  ASKED: 1,
  TALKING: 2,
} as const;

export const PGSQL_BUFFERS: readonly BufferDefinition[] = [
  {
    name: 'pgsql.query',
    id: FIRST_BUFFER.pgsql,
    protocol: 'pgsql',
    directions: [Directions.TO_SERVER],
    progress: MESSAGE_READ,
    streaming: false,
    multiple: false,
  },
];

/** A simple query; shared by the parsers of a worker. */
export class PgsqlTransaction extends MessageTransaction {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  buffer(id: number, index: number, out: BufferView): boolean {
    return index === 0 && id === PGSQL_BUFFERS[0].id && showBytes(out, this.bytes, this.start, this.end);
  }
}

/** Reads what clients ask; of what servers say only whether TLS follows. */
export class PgsqlParser extends MessageParser {
  readonly protocol = 'pgsql';
  private phase: number = Phase.OPENING;
  private asksForTls = false;

  constructor(
    private readonly tx: PgsqlTransaction,
    listener: TransactionListener,
  ) {
    super(listener, Transport.TCP, LONGEST);
  }

  override feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (direction === Directions.TO_SERVER) super.feed(direction, bytes, start, end);
    else if (this.phase === Phase.ASKED && start < end) this.answered(bytes[start] === ACCEPTED, start + 1);
  }

  override reset(): void {
    super.reset();
    this.phase = Phase.OPENING;
    this.asksForTls = false;
  }

  protected messageLength(bytes: Uint8Array, start: number, end: number): number {
    if (this.phase === Phase.OPENING) {
      if (end - start < LENGTH_BYTES) return 0;
      const length = longAt(bytes, start);
      return length < OPENING_BYTES ? -1 : length;
    }
    if (end - start < HEADER_BYTES) return 0;
    const length = longAt(bytes, start + 1);
    return length < LENGTH_BYTES ? -1 : 1 + length;
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.phase === Phase.OPENING) {
      const code = longAt(bytes, start + LENGTH_BYTES);
      this.asksForTls = code === PgsqlOpening.TLS;
      this.phase = this.asksForTls || code === PgsqlOpening.GSS ? Phase.ASKED : Phase.TALKING;
      return true;
    }
    // Before the answer a client has nothing to say.
    if (this.phase === Phase.ASKED) return false;
    if (bytes[start] !== QUERY) return true;
    const { tx } = this;
    tx.id = this.transactions++;
    tx.direction = direction;
    tx.bytes = bytes;
    tx.start = start + HEADER_BYTES;
    // The zero at its end is no part of a query.
    tx.end = end > tx.start && bytes[end - 1] === 0 ? end - 1 : end;
    this.announce(tx);
    return true;
  }

  private answered(accepted: boolean, at: number): void {
    this.phase = Phase.OPENING;
    if (!accepted) return;
    this.stop();
    if (this.asksForTls) this.listener.onUpgrade('tls', at);
  }
}

export function longAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
