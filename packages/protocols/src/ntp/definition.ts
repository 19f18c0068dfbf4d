import { FIRST_BUFFER } from '../buffer-ranges';
import { showBytes } from '../buffer-view';
import { DatagramParser } from '../framing/datagram-parser';
import { MESSAGE_READ, MessageTransaction } from '../framing/message-parser';
import { writeInteger } from '../integer-view';
import {
  type BufferDefinition,
  type BufferView,
  type Direction,
  Direction as Directions,
  type IntegerBuffer,
  type ProbedFlow,
  type ProtocolDefinition,
  type TransactionListener,
  Transport,
} from '../transaction';

const NtpBuffer = { VERSION: 0, STRATUM: 1, MODE: 2, REFERENCE_ID: 3 } as const;
const NtpEvent = { MALFORMED_DATA: 'ntp.malformed_data' } as const;

const B = NtpBuffer;
const PORT = 123;
/** A packet without extensions and authentication (RFC 5905 section 7.3). */
const HEADER_BYTES = 48;
const STRATUM = 1;
const POLL = 2;
const PRECISION = 3;
const REFERENCE_ID = 12;
const ORIGIN_TIME = 24;

const MODE_NAMES = [
  'reserved', 'symmetric_active', 'symmetric_passive', 'client', 'server', 'broadcast', 'control', 'private',
]; // biome-ignore format: a table
const MODES = new Map(MODE_NAMES.map((name, mode) => [name, mode]));
const CLIENT = 3;
const SERVER = 4;

function row(id: number, name: string, integer: IntegerBuffer | null): BufferDefinition {
  return {
    name: `ntp.${name}`,
    id: FIRST_BUFFER.ntp + id,
    protocol: 'ntp',
    directions: [Directions.TO_SERVER, Directions.TO_CLIENT],
    progress: MESSAGE_READ,
    streaming: false,
    multiple: false,
    ...(integer && { integer }),
  };
}

/** One packet; shared by the parsers of a worker. */
class NtpTransaction extends MessageTransaction {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;

  get version(): number {
    return versionOf(this.bytes[this.start]);
  }

  get mode(): number {
    return this.bytes[this.start] & 7;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    if (index > 0) return false;
    const { bytes, start } = this;
    switch (id - FIRST_BUFFER.ntp) {
      case B.VERSION:
        return writeInteger(out, this.version, 1);
      case B.STRATUM:
        return writeInteger(out, bytes[start + STRATUM], 1);
      case B.MODE:
        return writeInteger(out, this.mode, 1);
      case B.REFERENCE_ID:
        return showBytes(out, bytes, start + REFERENCE_ID, start + REFERENCE_ID + 4);
      default:
        return false;
    }
  }
}

function versionOf(first: number): number {
  return (first >> 3) & 7;
}

function isPacket(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < HEADER_BYTES) return false;
  const version = versionOf(bytes[start]);
  return version === 3 || version === 4;
}

class NtpParser extends DatagramParser {
  readonly protocol = 'ntp';

  constructor(
    private readonly tx: NtpTransaction,
    listener: TransactionListener,
  ) {
    super(listener);
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    const { tx } = this;
    if (!isPacket(bytes, start, end)) {
      this.listener.onEvent(null, direction, NtpEvent.MALFORMED_DATA);
      return false;
    }
    tx.id = this.transactions++;
    tx.direction = direction;
    tx.bytes = bytes;
    tx.start = start;
    this.announce(tx);
    return true;
  }
}

/** Away from its port only what clients and servers send to each other, with values that clocks have. */
function probe(
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  flow: ProbedFlow,
): number {
  if (!isPacket(bytes, start, end)) return -1;
  if (flow.serverPort === PORT || flow.clientPort === PORT) return 1;
  const length = end - start;
  const mode = bytes[start] & 7;
  const sizes = length === HEADER_BYTES || length === HEADER_BYTES + 20 || length === HEADER_BYTES + 24;
  if (!sizes || mode !== (direction === Directions.TO_SERVER ? CLIENT : SERVER)) return -1;
  const precision = bytes[start + PRECISION];
  if (bytes[start + STRATUM] > 16 || bytes[start + POLL] > 17 || (precision > 0 && precision < 224))
    return -1;
  // Who asks for the first time has no time to give back; who answers has.
  const given = bytes.subarray(start + ORIGIN_TIME, start + ORIGIN_TIME + 8).some((byte) => byte !== 0);
  return mode === CLIENT || given ? 1 : -1;
}

/** NTP of versions 3 and 4 (RFC 1305, RFC 5905). */
export function createNtp(): ProtocolDefinition {
  const tx = new NtpTransaction();
  return {
    name: 'ntp',
    transports: [Transport.UDP],
    parserBytes: { udp: 120 },
    buffers: [
      row(B.VERSION, 'version', { bytes: 1 }),
      row(B.STRATUM, 'stratum', { bytes: 1 }),
      row(B.MODE, 'mode', { bytes: 1, names: MODES }),
      row(B.REFERENCE_ID, 'reference_id', null),
    ],
    events: Object.values(NtpEvent),
    probe,
    create: (listener) => new NtpParser(tx, listener),
    describe: (told) => describe(told as NtpTransaction),
  };
}

/** EVE's `ntp` object. */
function describe(tx: NtpTransaction): Record<string, unknown> {
  const id = tx.bytes.subarray(tx.start + REFERENCE_ID, tx.start + REFERENCE_ID + 4);
  return {
    version: tx.version,
    mode: tx.mode,
    stratum: tx.bytes[tx.start + STRATUM],
    reference_id: Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join(':'),
  };
}
