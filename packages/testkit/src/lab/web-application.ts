/**
 * A web application on a lenient server: what reaches it after all the decoding that applications do is the truth about
 * evasions within HTTP. Node's own server with `insecureHTTPParser` takes what strict ones refuse.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  ContentDecoding,
  MAX_BODY,
  type Onlooker,
  readingsOfBody,
  readingsOfTarget,
} from './application-reading';

/** Long fields are among what clients try. */
const MAX_HEADER_SIZE = 256 << 10;
/** @returns takes a connection */
export function webApplication({ reached, busy }: Onlooker) {
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
    let length = 0;
    const decoding = new ContentDecoding(
      request.headers['content-encoding'] ?? '',
      (body) => reached(socket, { place: 'body', text: readingsOfBody(body).join('\n') }),
      (change) => busy(socket, change),
    );
    readHead(socket, request);
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_BODY) decoding.write(chunk);
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
  return (socket: Duplex) => {
    server.emit('connection', socket);
  };
}
