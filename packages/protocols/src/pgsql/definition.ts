import {
  type Direction,
  Direction as Directions,
  type ProtocolDefinition,
  type ProtocolParser,
  type TransactionListener,
  Transport,
} from '../transaction';

/** Requests that a connection may begin with (PostgreSQL, Frontend/Backend Protocol, message formats). */
const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
const VERSION_3 = 196608;
const REQUEST_BYTES = 8;
const ACCEPTED = 0x53;

const Phase = { OPENING: 0, ASKED_FOR_TLS: 1, DONE: 2 } as const;

/** Waits for TLS; what is said in the clear is not looked into. */
class PgsqlParser implements ProtocolParser {
  readonly protocol = 'pgsql';
  private phase: number = Phase.OPENING;
  /** Bytes of the first request that have come. */
  private seen = 0;
  private code = 0;

  constructor(private readonly listener: TransactionListener) {}

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (direction === Directions.TO_SERVER) {
      if (this.phase === Phase.OPENING) this.readRequest(bytes, start, end);
    } else if (start < end) this.readAnswer(bytes[start], start + 1);
  }

  gap(): void {
    this.phase = Phase.DONE;
  }

  close(): void {}

  heldBytes(): number {
    return 0;
  }

  reset(): void {
    this.phase = Phase.OPENING;
    this.seen = 0;
    this.code = 0;
  }

  private readRequest(bytes: Uint8Array, start: number, end: number): void {
    for (let i = start; i < end && this.seen < REQUEST_BYTES; i++) {
      if (this.seen >= 4) this.code = (this.code << 8) | bytes[i];
      this.seen++;
    }
    if (this.seen < REQUEST_BYTES) return;
    this.phase = this.code === SSL_REQUEST ? Phase.ASKED_FOR_TLS : Phase.DONE;
  }

  private readAnswer(answer: number, at: number): void {
    const accepted = this.phase === Phase.ASKED_FOR_TLS && answer === ACCEPTED;
    this.phase = Phase.DONE;
    if (accepted) this.listener.onUpgrade('tls', at);
  }
}

function probe(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
  if (direction !== Directions.TO_SERVER) return -1;
  for (let i = 0; i < 2; i++) if (start + i < end && bytes[start + i] !== 0) return -1;
  if (end - start < REQUEST_BYTES) return 0;
  const length = (bytes[start + 2] << 8) | bytes[start + 3];
  const at = start + 4;
  const code = ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
  switch (code) {
    case SSL_REQUEST:
    case GSS_REQUEST:
      return length === REQUEST_BYTES ? 1 : -1;
    case CANCEL_REQUEST:
      return length === 2 * REQUEST_BYTES ? 1 : -1;
    case VERSION_3:
      return length > REQUEST_BYTES ? 1 : -1;
    default:
      return -1;
  }
}

/** PostgreSQL, told by what a client begins with. */
export function createPgsql(): ProtocolDefinition {
  return {
    name: 'pgsql',
    transports: [Transport.TCP],
    buffers: [],
    events: [],
    probe,
    create: (listener) => new PgsqlParser(listener),
  };
}
