import type { BufferView, Direction } from '../transaction';
import { Direction as Directions } from '../transaction';
import { TlsBuffer as B } from './buffers';
import { ja3Hash, ja3Text, ja4 } from './fingerprints';
import { DESCRIBED } from './limits';
import type { TlsTransaction } from './tls-transaction';
import { versionName } from './versions';

const view: BufferView = {
  bytes: new Uint8Array(0),
  start: 0,
  end: 0,
  streamOffset: 0,
  fresh: 0,
  complete: false,
};

const CERTIFICATE_TEXTS = [
  ['subject', B.CERT_SUBJECT],
  ['issuerdn', B.CERT_ISSUER],
  ['serial', B.CERT_SERIAL],
  ['fingerprint', B.CERT_FINGERPRINT],
] as const;

function textOf(tx: TlsTransaction, id: number, index = 0): string | null {
  if (!tx.buffer(id, index, view)) return null;
  const { bytes, start, end } = view;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
    'utf8',
    start,
    Math.min(end, start + DESCRIBED),
  );
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

/** The object `tls` of EVE, as far as the bytes of the handshake are still there. */
export function describeTls(tx: TlsTransaction): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const { current } = tx;
  tx.current = Directions.TO_CLIENT;
  for (const [name, id] of CERTIFICATE_TEXTS) {
    const text = textOf(tx, id);
    if (text !== null) out[name] = text;
  }
  if (tx.resumed && tx.sides[Directions.TO_CLIENT].chain === null) out.session_resumed = true;
  if (tx.serverName !== '') out.sni = tx.serverName;
  out.version = versionName(tx.sides[Directions.TO_CLIENT].version);
  const leaf = tx.sides[Directions.TO_CLIENT].chain?.leaf;
  if (leaf) {
    out.notbefore = timeText(leaf.notBefore);
    out.notafter = timeText(leaf.notAfter);
  }
  addFingerprint(out, tx, Directions.TO_SERVER, 'ja3');
  addFingerprint(out, tx, Directions.TO_CLIENT, 'ja3s');
  const { hello } = tx.sides[Directions.TO_SERVER];
  if (hello?.client) out.ja4 = ja4(hello, false);
  tx.current = current;
  return out;
}

function addFingerprint(
  out: Record<string, unknown>,
  tx: TlsTransaction,
  direction: Direction,
  name: string,
): void {
  const { hello } = tx.sides[direction];
  if (hello === null || hello.random < 0) return;
  const string = ja3Text(hello);
  out[name] = { hash: ja3Hash(string), string: string.slice(0, DESCRIBED) };
}
