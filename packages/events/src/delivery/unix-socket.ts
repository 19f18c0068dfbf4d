import { createConnection } from 'node:net';
import { StreamTransport } from './stream-transport';

/** Each event a JSON line, to whoever listens on a UNIX stream socket. */
export function unixSocketTransport(path: string): StreamTransport {
  return new StreamTransport({
    name: `socket ${path}`,
    connect: () => createConnection({ path }),
    render: (line) => Buffer.from(`${line}\n`, 'utf8'),
  });
}
