/** For tests: bytes that Node's own HTTP/2 client and server say to each other, without a network. */

import { connect, type IncomingHttpHeaders, performServerHandshake } from 'node:http2';
import { Duplex } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { Direction } from '../../src/transaction';
import type { Piece } from '../recorder';

/** One end of a connection whose other end it writes to; what goes through is written down. */
class End extends Duplex {
  other!: End;

  constructor(
    private readonly direction: Direction,
    private readonly pieces: Piece[],
  ) {
    super();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.pieces.push([this.direction, Buffer.from(chunk)]);
    this.other.push(chunk);
    done();
  }

  override _final(done: () => void): void {
    this.other.push(null);
    done();
  }
}

export const ALL_CHARACTERS = Array.from({ length: 0x100 - 0x21 }, (_, i) => i + 0x21)
  .filter((c) => c !== 0x7f)
  .map((c) => String.fromCharCode(c))
  .join('');
export const LONG_VALUE = 'v'.repeat(40_000);
export const BODY = '<html>planted</html>'.repeat(50);

/** A GET with a compressed answer, a POST with an echo and trailers, a request with long fields, one that is reset. */
export async function converse(): Promise<Piece[]> {
  const pieces: Piece[] = [];
  const client = new End(0, pieces);
  const server = new End(1, pieces);
  client.other = server;
  server.other = client;
  const settings = { maxHeaderListSize: 262_144 };
  const serverSession = performServerHandshake(server, { settings });
  serverSession.on('stream', (stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {});
    if (headers[':path'] === '/never') {
      stream.close(2);
    } else if (headers[':method'] === 'POST') {
      stream.respond(
        { ':status': 201, 'set-cookie': ['a=1', 'b=2'], server: 'test' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-trailer': 'behind' }));
      stream.pipe(stream);
    } else {
      stream.respond({ ':status': 200, 'content-encoding': 'gzip', 'content-type': 'text/html' });
      stream.end(gzipSync(BODY));
    }
  });
  const session = connect('http://Example.com:8080', {
    createConnection: () => client,
    settings,
    maxSendHeaderBlockLength: 262_144,
  });
  const ask = (headers: Record<string, string | string[]>, body?: string) =>
    new Promise<void>((resolve) => {
      const stream = session.request(headers, { endStream: body === undefined });
      stream.on('error', () => {});
      stream.on('close', resolve);
      stream.resume();
      if (body !== undefined) stream.end(body);
    });
  await ask({
    ':path': '/first?q=1',
    'user-agent': 'probe',
    cookie: ['c=1', 'd=2'],
    'x-all': ALL_CHARACTERS,
  });
  await ask({ ':path': '/upload', ':method': 'POST', 'content-type': 'text/plain' }, 'some body');
  await ask({ ':path': '/long', 'x-long': LONG_VALUE });
  await ask({ ':path': '/never' });
  await new Promise<void>((resolve) => session.close(resolve));
  serverSession.destroy();
  return pieces;
}
