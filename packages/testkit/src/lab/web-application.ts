/**
 * A web application on a lenient server: what reaches it after all the decoding that applications do is the truth about
 * evasions within HTTP. Node's own server with `insecureHTTPParser` takes what strict ones refuse.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { Reading } from './agent-protocol';

/** Long fields are among what clients try. */
const MAX_HEADER_SIZE = 256 << 10;
const MAX_BODY = 4 << 20;
/** Layers of content coding that the application undoes. */
const MOST_CODINGS = 8;

const SYNC = { finishFlush: constants.Z_SYNC_FLUSH };

function inflateAny(bytes: Buffer): Buffer {
  try {
    return inflateSync(bytes, SYNC);
  } catch {
    return inflateRawSync(bytes, SYNC);
  }
}

const CODINGS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes, SYNC),
  deflate: inflateAny,
  br: (bytes) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH }),
};

/** A body without its content codings; as far as they can be undone. */
function withoutCodings(body: Buffer, codings: string): Buffer {
  const names = codings
    .toLowerCase()
    .split(',')
    .map((name) => name.trim().replace(/^x-/, ''))
    .filter(Boolean)
    .slice(-MOST_CODINGS);
  let bytes = body;
  try {
    for (const name of names.reverse()) bytes = CODINGS[name]?.(bytes) ?? bytes;
  } catch {
    // A part of a stream may not be decodable yet.
  }
  return bytes;
}

/** Percent-decoding as lenient applications have it: `%41`, `%u0041`, overlong UTF-8; the rest stays. */
function percentDecoded(text: string): string {
  const bytes = text
    .replace(/%u([0-9a-f]{4})/gi, (_, digits: string) => {
      const code = Number.parseInt(digits, 16);
      return String.fromCharCode(code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 : code & 0xff);
    })
    .replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return bytes
    .replace(/[\xc0\xc1][\x80-\xbf]/g, (pair) =>
      String.fromCharCode(((pair.charCodeAt(0) & 0x1f) << 6) | (pair.charCodeAt(1) & 0x3f)),
    )
    .replace(/\xe0[\x80\x81][\x80-\xbf]/g, (three) =>
      String.fromCharCode(((three.charCodeAt(1) & 0x3f) << 6) | (three.charCodeAt(2) & 0x3f)),
    );
}

/** A path as file systems take it. */
function plainPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.replaceAll('\\', '/').split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

/** Everything that an application may read from a request target. */
function readingsOfTarget(target: string): string[] {
  const origin = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const once = percentDecoded(origin);
  const twice = percentDecoded(once);
  const plain = [origin, once, twice].map((text) => plainPath(text.split('?', 1)[0] as string));
  return [target, once, twice, ...plain, once.replaceAll('+', ' ')];
}

function readingsOfBody(body: Buffer): string[] {
  const text = body.toString('latin1');
  return [text, percentDecoded(text)];
}

/** @param reached called with what a request has told so far */
export function webApplication(reached: (connection: Duplex, reading: Reading) => void) {
  const server = createServer(
    {
      insecureHTTPParser: true,
      maxHeaderSize: MAX_HEADER_SIZE,
      requestTimeout: 0,
      headersTimeout: 0,
      requireHostHeader: false,
    },
    (request, response) => {
      listen(request);
      answer(request, response);
    },
  );

  function listen(request: IncomingMessage): void {
    const { socket } = request;
    const chunks: Buffer[] = [];
    let length = 0;
    const codings = request.headers['content-encoding'] ?? '';
    readHead(socket, request);
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BODY) return;
      chunks.push(chunk);
      const text = readingsOfBody(withoutCodings(Buffer.concat(chunks), codings)).join('\n');
      reached(socket, { place: 'body', text });
    });
    request.on('end', () => reached(socket, { place: 'header', text: request.rawTrailers.join('\n') }));
    request.on('error', () => {});
  }

  function readHead(socket: Duplex, { url, rawHeaders }: IncomingMessage): void {
    reached(socket, { place: 'uri', text: readingsOfTarget(url ?? '').join('\n') });
    reached(socket, { place: 'header', text: rawHeaders.join('\n') });
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    request.on('end', () => response.end('seen\n'));
    response.on('error', () => {});
  }

  // A proxy in front of itself: what follows a CONNECT is for the same application.
  server.on('connect', (request: IncomingMessage, socket: Duplex, first: Buffer) => {
    readHead(socket, request);
    socket.write('HTTP/1.1 200 Connected\r\n\r\n');
    if (first.length > 0) socket.unshift(first);
    server.emit('connection', socket);
  });
  server.on('clientError', (_, socket: Duplex) => socket.destroy());
  return server;
}
