/** A client may cut its hello into records as it likes: what a real server (OpenSSL, in Node.js) reads is read here, too. */
import { type AddressInfo, connect, createServer } from 'node:net';
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls';
import { Random, rounds, testSeed } from '../../testing/random';
import { record } from '../../testing/recorder';
import { Transport } from '../transaction';
import { createTls } from './definition';

const NAME = 'wanted.example';
const HANDSHAKE = 22;
const HEADER = 5;

/** Record header and hello of a client of today. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = createServer((socket) =>
      socket.once('data', (bytes) => {
        resolve(bytes);
        socket.destroy();
        server.close();
      }),
    );
    server.listen(0, '127.0.0.1', () => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      tlsConnect({ socket, servername: NAME }).on('error', () => {});
    });
  });
}

/** Whether a server reads the name. */
function serverReads(bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createTlsServer({
      SNICallback: (name, done) => {
        resolve(name === NAME);
        done(null);
      },
    });
    server.on('tlsClientError', () => {
      resolve(false);
      server.close();
    });
    server.listen(0, '127.0.0.1', () => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('close', () => server.close());
      socket.end(bytes);
    });
  });
}

function inRecords(hello: Buffer, random: Random): Buffer {
  const longest = random.pick([1, 2, 4, 6, 30, 200, hello.length]);
  const minor = random.pick([0, 1, 1, 3, 3, 4, 9, 255]);
  const empty = random.pick([0, 0, 0.1, 0.5]);
  const records: Buffer[] = [];
  const add = (content: Buffer) => {
    const { length } = content;
    records.push(Buffer.from([HANDSHAKE, 3, minor, length >> 8, length & 255]), content);
  };
  for (let at = 0; at < hello.length; ) {
    if (random.next(100) < empty * 100) add(Buffer.alloc(0));
    const length = 1 + random.next(longest);
    add(hello.subarray(at, at + length));
    at += length;
  }
  return Buffer.concat(records);
}

test('whatever a server reads', async () => {
  const seed = testSeed();
  const random = new Random(seed);
  const tls = createTls();
  const hello = (await clientHello()).subarray(HEADER);
  let read = 0;
  const count = rounds(60, 2000);
  for (let round = 0; round < count; round++) {
    const bytes = inRecords(hello, random);
    if (!(await serverReads(bytes))) continue;
    read++;
    const about = { transport: Transport.TCP, clientPort: 1, serverPort: 443 };
    const { transactions } = record(tls, [[0, bytes]]);
    const found = tls.probe(0, bytes, 0, bytes.length, about) === 1 && transactions[0].buffers['>tls.sni'];
    if (found !== NAME) throw new Error(`SEED=${seed} round ${round}: ${bytes.toString('hex')}`);
  }
  expect(read).toBeGreaterThan(count / 3);
});
