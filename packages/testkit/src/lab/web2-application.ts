/** The same application behind HTTP/2 without TLS, on Node's own server with as few limits as it can be given. */
import {
  constants,
  createServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { Duplex, PassThrough } from 'node:stream';
import type { Reading } from './agent-protocol';
import {
  ContentDecoding,
  MAX_BODY,
  type Onlooker,
  readingsOfBody,
  readingsOfTarget,
} from './application-reading';

const MOST_FIELDS = 65_535;
const LARGEST_FRAME = 1 << 20;
/** What clients may open, send and make the server keep. */
const LENIENT = {
  maxHeaderListPairs: MOST_FIELDS,
  maxSessionMemory: 256,
  maxSessionInvalidFrames: 100_000,
  settings: {
    headerTableSize: 65_536,
    maxHeaderListSize: 1 << 24,
    maxFrameSize: LARGEST_FRAME,
    maxConcurrentStreams: 1 << 20,
    initialWindowSize: 1 << 20,
  },
} as const;

/** @returns takes a connection */
export function web2Application({ reached, busy }: Onlooker) {
  const server = createServer(LENIENT);
  const connections = new WeakMap<Http2Session, Duplex>();
  let latest: Duplex;
  server.on('session', (session) => {
    connections.set(session, latest);
    session.on('error', () => {});
  });
  server.on(
    'stream',
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _: number, rawHeaders: string[]) => {
      // First of all: a session that is over already has streams that say so.
      stream.on('error', () => {});
      const connection = connections.get(stream.session as Http2Session);
      if (connection === undefined) return;
      const tell = (place: Reading['place'], text: string) => reached(connection, { place, text });
      tell('uri', readingsOfTarget(headers[':path'] ?? '').join('\n'));
      tell('header', rawHeaders.join('\n'));
      const decoding = new ContentDecoding(
        [headers['content-encoding'] ?? []].flat().join(),
        (body) => tell('body', readingsOfBody(body).join('\n')),
        (change) => busy(connection, change),
      );
      let length = 0;
      stream.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length <= MAX_BODY) decoding.write(chunk);
      });
      stream.on('trailers', (_fields: object, _: number, raw: string[]) => tell('header', raw.join('\n')));
      stream.on('end', () => {
        if (stream.destroyed || stream.headersSent) return;
        stream.respond({ ':status': constants.HTTP_STATUS_OK });
        stream.end('seen\n');
      });
    },
  );
  server.on('sessionError', () => {});
  return (socket: Duplex) => {
    latest = socket;
    // A session takes a socket's bytes away from all others that listen.
    const stand = Duplex.from({ readable: socket.pipe(new PassThrough()), writable: socket });
    stand.on('error', () => {});
    server.emit('connection', stand);
  };
}
