import { ja3Hash, ja3Text, ja4 } from '../tls/fingerprints';
import {
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { QUIC_BUFFERS, QuicEvent } from './buffers';
import { cyuHash } from './google-tags';
import { PacketType, QuicHeader } from './header';
import { QuicParser } from './parser';
import { QuicTransaction } from './quic-transaction';
import { isGoogle, isKnownVersion, versionName } from './versions';

/** A client's first datagram has at least this many bytes (RFC 9000 section 14.1). */
const SMALLEST_INITIAL = 1200;
const HTTPS = 443;

/** QUIC as a protocol definition; its parsers share a transaction, so there is one per worker. */
export function createQuic(): ProtocolDefinition {
  const tx = new QuicTransaction();
  const header = new QuicHeader();
  return {
    name: 'quic',
    transports: [Transport.UDP],
    parserBytes: { udp: 1500 },
    buffers: QUIC_BUFFERS,
    events: Object.values(QuicEvent),
    probe(_direction, bytes, start, end, flow): number {
      if (!header.read(bytes, start, end)) return -1;
      const { type, version, long } = header;
      const expected = flow.serverPort === HTTPS || flow.clientPort === HTTPS;
      if (!long) return type === PacketType.INITIAL && isGoogle(version) ? 1 : -1;
      if (type === PacketType.NEGOTIATION) return expected && header.plausibleConnection ? 1 : -1;
      if (!header.plausibleConnection) return -1;
      if (isKnownVersion(version)) return 1;
      // A version that is not known is a try whether the server would take it.
      const isTry = (bytes[start] & 0x40) !== 0 && type === PacketType.INITIAL;
      return expected && isTry && end - start >= SMALLEST_INITIAL ? 1 : -1;
    },
    create: (listener: TransactionListener) => new QuicParser(tx, listener),
    describe: (one: Transaction) => describe(one as QuicTransaction),
  };
}

function describe(tx: QuicTransaction): Record<string, unknown> {
  const out: Record<string, unknown> = { version: versionName(tx.version) };
  const { hello } = tx;
  if (hello !== null) {
    if (hello.serverNameStart >= 0) {
      out.sni = Buffer.from(hello.bytes.subarray(hello.serverNameStart, hello.serverNameEnd)).toString(
        'latin1',
      );
    }
    const string = ja3Text(hello);
    out[hello.client ? 'ja3' : 'ja3s'] = { hash: ja3Hash(string), string: string.slice(0, 1024) };
    if (hello.client) out.ja4 = ja4(hello, true);
  }
  for (const { serverName, userAgent } of tx.tags) {
    if (serverName !== null)
      out.sni = Buffer.from(tx.payload.subarray(...serverName)).toString('latin1', 0, 255);
    if (userAgent !== null)
      out.ua = Buffer.from(tx.payload.subarray(...userAgent)).toString('latin1', 0, 255);
  }
  const cyu = tx.tags.map((_, i) => tx.cyu(i)).filter((text) => text !== '');
  if (cyu.length > 0)
    out.cyu = cyu.map((string) => ({ hash: cyuHash(string), string: string.slice(0, 1024) }));
  return out;
}
