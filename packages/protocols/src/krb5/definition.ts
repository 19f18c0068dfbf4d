import { type ProtocolDefinition, Transport } from '../transaction';
import { encryptionName, isWeakEncryption } from './encryption';
import { KRB5_BUFFERS, Krb5Event, Krb5Parser, Krb5Transaction, looksLikeKerberos } from './parser';

const LENGTH_BYTES = 4;
const LARGEST_FIRST = 16_384;
const MOST_TEXT = 256;

/** Kerberos 5 (RFC 4120) over UDP, and over TCP with a length before every message. */
export function createKrb5(): ProtocolDefinition {
  const tx = new Krb5Transaction();
  return {
    name: 'krb5',
    transports: [Transport.TCP, Transport.UDP],
    parserBytes: { tcp: 1100, udp: 250 },
    buffers: KRB5_BUFFERS,
    events: Object.values(Krb5Event),
    probe(_direction, bytes, start, end, flow) {
      if (flow.transport === Transport.UDP) return looksLikeKerberos(bytes, start, end) > 0 ? 1 : -1;
      for (let i = 0; i < 2; i++) if (start + i < end && bytes[start + i] !== 0) return -1;
      if (start + 2 < end && bytes[start + 2] << 8 > LARGEST_FIRST) return -1;
      return looksLikeKerberos(bytes, start + LENGTH_BYTES, end);
    },
    create: (listener, transport) => new Krb5Parser(tx, listener, transport),
    describe: (told) => describe(told as Krb5Transaction),
  };
}

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [10, 'KRB_AS_REQ'],
  [11, 'KRB_AS_REP'],
  [12, 'KRB_TGS_REQ'],
  [13, 'KRB_TGS_REP'],
  [30, 'KRB_ERROR'],
]);

/** EVE's `krb5` object. */
function describe({ message }: Krb5Transaction): Record<string, unknown> {
  const text = (start: number, end: number) =>
    Buffer.from(message.bytes.subarray(start, Math.min(end, start + MOST_TEXT))).toString('latin1');
  const name = ({ ranges, count }: { ranges: Int32Array; count: number }) =>
    count === 0
      ? '<empty>'
      : Array.from({ length: count }, (_, i) => text(ranges[2 * i], ranges[2 * i + 1]))
          .join('/')
          .slice(0, MOST_TEXT);
  const { encryption, ticketEncryption } = message;
  return {
    msg_type: TYPE_NAMES.get(message.type) ?? String(message.type),
    cname: name(message.client),
    realm: message.realmEnd > message.realmStart ? text(message.realmStart, message.realmEnd) : '<empty>',
    sname: name(message.server),
    encryption: Number.isNaN(encryption) ? '<none>' : encryptionName(encryption),
    weak_encryption: !Number.isNaN(encryption) && isWeakEncryption(encryption),
    ...(!Number.isNaN(ticketEncryption) && {
      ticket_encryption: encryptionName(ticketEncryption),
      ticket_weak_encryption: isWeakEncryption(ticketEncryption),
    }),
    ...(message.hasErrorCode && { error_code: message.errorCode }),
  };
}
