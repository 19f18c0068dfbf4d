import { FIRST_BUFFER } from '../buffer-ranges';
import { showBytes } from '../buffer-view';
import { MESSAGE_READ, MessageParser, MessageTransaction } from '../framing/message-parser';
import { writeInteger } from '../integer-view';
import {
  type BufferDefinition,
  type BufferView,
  type Direction,
  Direction as Directions,
  type IntegerBuffer,
  type TransactionListener,
  Transport,
} from '../transaction';
import { isWeakEncryption } from './encryption';
import { KerberosMessage, KerberosReading } from './message';

const Krb5Buffer = {
  MESSAGE_TYPE: 0,
  ERROR_CODE: 1,
  /** The parts of the client's name, each by itself. */
  CLIENT: 2,
  SERVER: 3,
  /** A ticket's encryption type as four bytes, the highest first, negative as two's complement. */
  TICKET_ENCRYPTION: 4,
  /** The same four by their older names. */
  OLD_MESSAGE_TYPE: 5,
  OLD_ERROR_CODE: 6,
  OLD_CLIENT: 7,
  OLD_SERVER: 8,
} as const;

const B = Krb5Buffer;
const BOTH: readonly Direction[] = [Directions.TO_SERVER, Directions.TO_CLIENT];
const RESPONSE: readonly Direction[] = [Directions.TO_CLIENT];

const TYPES = new Map([
  ['as_req', 10],
  ['as_rep', 11],
  ['tgs_req', 12],
  ['tgs_rep', 13],
  ['ap_req', 14],
  ['ap_rep', 15],
  ['reserved16', 16],
  ['reserved17', 17],
  ['safe', 20],
  ['priv', 21],
  ['cred', 22],
  ['error', 30],
]);

function row(
  id: number,
  name: string,
  kind: IntegerBuffer | 'name' | null,
  directions = BOTH,
): BufferDefinition {
  const shared = {
    name,
    id: FIRST_BUFFER.krb5 + id,
    protocol: 'krb5',
    directions,
    progress: MESSAGE_READ,
  };
  const integer = kind !== null && kind !== 'name' ? { integer: kind } : {};
  return { ...shared, streaming: false, multiple: kind === 'name', ...integer };
}

export const KRB5_BUFFERS: readonly BufferDefinition[] = [
  row(B.MESSAGE_TYPE, 'krb5.msg_type', { bytes: 1, names: TYPES }),
  row(B.ERROR_CODE, 'krb5.err_code', { bytes: 4 }),
  row(B.CLIENT, 'krb5.cname', 'name', RESPONSE),
  row(B.SERVER, 'krb5.sname', 'name', RESPONSE),
  row(B.TICKET_ENCRYPTION, 'krb5.ticket_encryption', null),
  row(B.OLD_MESSAGE_TYPE, 'krb5_msg_type', { bytes: 1, names: TYPES }),
  row(B.OLD_ERROR_CODE, 'krb5_err_code', { bytes: 4 }),
  row(B.OLD_CLIENT, 'krb5_cname', 'name', RESPONSE),
  row(B.OLD_SERVER, 'krb5_sname', 'name', RESPONSE),
];

export const Krb5Event = {
  MALFORMED_DATA: 'krb5.malformed_data',
  WEAK_ENCRYPTION: 'krb5.weak_encryption',
} as const;

/** A message and the length before it (RFC 4120 section 7.2.2). */
const LENGTH_BYTES = 4;
const LONGEST = 100_000;
const WORD = 0x1_0000_0000;

/** One message; shared by the parsers of a worker. */
export class Krb5Transaction extends MessageTransaction {
  readonly message = new KerberosMessage();

  buffer(id: number, index: number, out: BufferView): boolean {
    const { message } = this;
    switch (id - FIRST_BUFFER.krb5) {
      case B.CLIENT:
      case B.OLD_CLIENT:
        return showPart(message.bytes, message.client, index, out);
      case B.SERVER:
      case B.OLD_SERVER:
        return showPart(message.bytes, message.server, index, out);
      case B.MESSAGE_TYPE:
      case B.OLD_MESSAGE_TYPE:
        return index === 0 && writeInteger(out, message.type, 1);
      case B.ERROR_CODE:
      case B.OLD_ERROR_CODE:
        return index === 0 && message.hasErrorCode && writeInteger(out, unsigned(message.errorCode), 4);
      case B.TICKET_ENCRYPTION:
        if (index > 0 || Number.isNaN(message.ticketEncryption)) return false;
        return writeInteger(out, unsigned(message.ticketEncryption), 4);
      default:
        return false;
    }
  }
}

function unsigned(value: number): number {
  return ((value % WORD) + WORD) % WORD;
}

function showPart(
  bytes: Uint8Array,
  name: { readonly ranges: Int32Array; readonly count: number },
  index: number,
  out: BufferView,
): boolean {
  if (index >= name.count) return false;
  return showBytes(out, bytes, name.ranges[2 * index], name.ranges[2 * index + 1]);
}

export class Krb5Parser extends MessageParser {
  readonly protocol = 'krb5';

  constructor(
    private readonly tx: Krb5Transaction,
    listener: TransactionListener,
    private readonly transport: Transport,
  ) {
    super(listener, transport, LENGTH_BYTES + LONGEST);
  }

  protected messageLength(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < LENGTH_BYTES) return 0;
    const length =
      bytes[start] * 0x1000000 + ((bytes[start + 1] << 16) | (bytes[start + 2] << 8) | bytes[start + 3]);
    return LENGTH_BYTES + length;
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    const { listener, tx } = this;
    const from = this.transport === Transport.TCP ? start + LENGTH_BYTES : start;
    const reading = tx.message.read(bytes, from, end);
    if (reading === KerberosReading.PASSED_OVER) return true;
    if (reading !== KerberosReading.READ) {
      listener.onEvent(null, direction, Krb5Event.MALFORMED_DATA);
      return reading === KerberosReading.MALFORMED;
    }
    tx.id = this.transactions++;
    tx.direction = direction;
    const { encryption } = tx.message;
    if (!Number.isNaN(encryption) && isWeakEncryption(encryption)) {
      listener.onEvent(tx, direction, Krb5Event.WEAK_ENCRYPTION);
    }
    this.announce(tx);
    return true;
  }

  protected override beginsMessage(
    _direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    return looksLikeKerberos(bytes, start + LENGTH_BYTES, end) > 0;
  }
}

/**
 * Whether bytes begin with a Kerberos message: an application's element, a sequence in it, and in that the version 5.
 * @returns 1 they do, 0 more are needed, -1 they do not
 */
export function looksLikeKerberos(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0;
  const number = bytes[start] & 0x1f;
  if ((bytes[start] & 0xe0) !== 0x60 || number < 10 || number > 30) return -1;
  let at = start + 1;
  for (let level = 0; level < 2; level++) {
    if (at >= end) return 0;
    const form = bytes[at];
    if (form === 0x80 || form > 0x84) return -1;
    at += form < 0x80 ? 1 : 1 + (form & 0x7f);
    if (level === 0) {
      if (at >= end) return 0;
      if (bytes[at] !== 0x30) return -1;
      at++;
    }
  }
  if (at + 5 > end) return 0;
  const version = bytes[at] === 0xa0 || bytes[at] === 0xa1;
  return version && bytes[at + 1] === 3 && bytes[at + 2] === 2 && bytes[at + 3] === 1 && bytes[at + 4] === 5
    ? 1
    : -1;
}
