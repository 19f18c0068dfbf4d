/** What one client of an attack sends, and what is answered: to be played for very many of them. */
import { gzipSync } from 'node:zlib';
import { type ConversationPacket, TcpConversation } from '@portcullis/testkit';
import { FIRST_CLIENT, SILENT_SERVER } from './many-clients';

/** The port that rules look at. */
export const PORT = 80;
const FIRST_PORT = 20_000;
const MSS = 1400;

interface Wishes {
  readonly family?: 4 | 6;
  /** Default: the one that only a crowd's other half answers for. */
  readonly server?: string;
  readonly window?: number;
  /** Distinguishes conversations that the same clients begin. */
  readonly clientPort?: number;
}

function conversation({ family = 4, server, window, clientPort }: Wishes = {}): TcpConversation {
  return new TcpConversation({
    client: FIRST_CLIENT[family],
    server: server ?? SILENT_SERVER[family],
    clientPort: clientPort ?? FIRST_PORT,
    serverPort: PORT,
    mss: MSS,
    ...(window !== undefined && { window }),
  });
}

/** SYNs that nobody takes back: the answer goes to an address that has not asked. */
export function syn(wishes?: Wishes): readonly ConversationPacket[] {
  return conversation(wishes).handshake().packets.slice(0, 1);
}

/** Answered, and never acknowledged. */
export function halfOpen(wishes?: Wishes): readonly ConversationPacket[] {
  return conversation(wishes).handshake().packets.slice(0, 2);
}

/** Opened, and silent from then on. */
export function idle(wishes?: Wishes): readonly ConversationPacket[] {
  return conversation(wishes).handshake().packets;
}

/** All but the first byte, of which the receiver has to keep everything. */
export function hoarding(segments: number, wishes?: Wishes): readonly ConversationPacket[] {
  const opened = conversation(wishes).handshake();
  // Every second one is left out, so that no two can be joined.
  for (let i = 0; i < segments; i++)
    opened.segment('client', { offset: 1 + i * 2 * MSS, payload: Buffer.alloc(MSS, 0x61 + (i % 26)) });
  return opened.packets;
}

/** A request a byte at a time, to a server that has announced room for one. */
export function tinyWindows(wishes?: Wishes): readonly ConversationPacket[] {
  const opened = conversation({ window: 1, ...wishes }).handshake();
  for (const byte of 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n') opened.client(byte);
  for (const byte of 'HTTP/1.1 204 No Content\r\n\r\n') opened.server(byte);
  return opened.packets;
}

/** A request whose head never ends: its beginning, or after `rounds` pieces more of it. */
export function slowRequest(rounds: number, piece: number, wishes?: Wishes): readonly ConversationPacket[] {
  const opened = conversation(wishes).handshake().client('POST /slow HTTP/1.1\r\nHost: slow\r\n');
  for (let round = 0; round < rounds; round++)
    opened.client(`X-${round}: ${'a'.repeat(Math.max(1, piece - 8))}\r\n`);
  return opened.packets;
}

function request(head: string, body: Uint8Array | string, wishes?: Wishes): readonly ConversationPacket[] {
  const bytes = Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);
  return conversation(wishes)
    .handshake()
    .client(bytes)
    .server('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    .close().packets;
}

/** A body that a thousand times as many bytes have been packed into, and those again. */
export function bomb(wishes?: Wishes): readonly ConversationPacket[] {
  const inner = gzipSync(Buffer.alloc(64 << 20), { level: 9 });
  const body = gzipSync(inner, { level: 9 });
  return request(
    `POST /bomb HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip, gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
    body,
    wishes,
  );
}

/** More header fields and parameters than anybody needs. */
export function headerFlood(wishes?: Wishes): readonly ConversationPacket[] {
  const parameters = Array.from({ length: 2000 }, (_, i) => `p${i}=%41`).join('&');
  const fields = Array.from({ length: 3000 }, (_, i) => `a${i % 700}: ${i}`).join('\r\n');
  return request(`GET /?${parameters} HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`, '', wishes);
}

/** One request with this body. */
export function post(body: Uint8Array | string, wishes?: Wishes): readonly ConversationPacket[] {
  const length = Buffer.from(body).length;
  return request(`POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`, body, wishes);
}

/** One request for this path. */
export function get(path: string, wishes?: Wishes): readonly ConversationPacket[] {
  return request(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, '', wishes);
}

/** Requests for this path on one connection, in packets full of them. */
export function alerts(path: string, wishes?: Wishes): readonly ConversationPacket[] {
  const opened = conversation(wishes).handshake();
  for (let i = 0; i < 10; i++)
    opened
      .client(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(20))
      .server('HTTP/1.1 204 No Content\r\n\r\n'.repeat(20));
  return opened.packets;
}
