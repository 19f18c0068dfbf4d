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

/** Records of other types, which OpenSSL does not pass over before a hello. */
const OTHERS = [
  [21, Buffer.from([1, 90])],
  [21, Buffer.from([1, 100])],
  [21, Buffer.from([1, 0])],
  [21, Buffer.from([1])],
  [21, Buffer.from([100])],
  [20, Buffer.from([1])],
  [24, Buffer.from([1, 0, 0])],
  [21, Buffer.alloc(0)],
  [22, Buffer.from([0, 0, 0, 0])],
] as const;

function inRecords(hello: Buffer, random: Random): Buffer {
  const longest = random.pick([1, 2, 4, 6, 30, 200, hello.length]);
  const minor = random.pick([0, 1, 1, 3, 3, 4, 9, 255]);
  const empty = random.pick([0, 0, 0.1, 0.5]);
  const records: Buffer[] = [];
  const add = (content: Buffer, type = HANDSHAKE) => {
    const { length } = content;
    records.push(Buffer.from([type, 3, minor, length >> 8, length & 255]), content);
  };
  const others = random.next(3) === 0 ? 1 + random.next(4) : 0;
  for (let n = 0; n < others; n++) {
    const [type, content] = random.pick(OTHERS);
    add(content, type);
  }
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

/** As observed with crypto/tls of Go 1.19 and GnuTLS 3.7, which are not asked here. */
describe('what other servers read', () => {
  const tls = createTls();
  const recordOf = (type: number, content: Buffer, version = [3, 3]) =>
    Buffer.concat([Buffer.from([type, ...version, content.length >> 8, content.length & 255]), content]);
  const warning = recordOf(21, Buffer.from([1, 90]));
  const change = recordOf(20, Buffer.from([1]));
  const seen = (...records: readonly Buffer[]) => {
    const bytes = Buffer.concat(records);
    const about = { transport: Transport.TCP, clientPort: 1, serverPort: 443 };
    if (tls.probe(0, bytes, 0, bytes.length, about) !== 1) return 'not TLS';
    return record(tls, [[0, bytes]]).transactions[0].buffers['>tls.sni'];
  };

  test('Go: behind warnings, in between, and in records of any version', async () => {
    const hello = (await clientHello()).subarray(HEADER);
    const whole = recordOf(HANDSHAKE, hello);
    expect(seen(warning, whole)).toBe(NAME);
    expect(seen(...Array(15).fill(warning), whole)).toBe(NAME);
    for (const version of [
      [2, 0],
      [0, 0],
      [1, 9],
      [15, 255],
      [4, 4],
    ])
      expect(seen(recordOf(HANDSHAKE, hello, version))).toBe(NAME);
    const halves = (between: Buffer) =>
      seen(
        recordOf(HANDSHAKE, hello.subarray(0, 50)),
        between,
        recordOf(HANDSHAKE, hello.subarray(50), [7, 9]),
      );
    expect(halves(warning)).toBe(NAME);
    expect(seen(recordOf(HANDSHAKE, hello, [16, 0]))).toBe('not TLS');
  });

  test('GnuTLS: behind any number of messages that change the cipher, and in between', async () => {
    const hello = (await clientHello()).subarray(HEADER);
    expect(seen(change, recordOf(HANDSHAKE, hello))).toBe(NAME);
    expect(seen(...Array(300).fill(change), recordOf(HANDSHAKE, hello))).toBe(NAME);
    const halves = [recordOf(HANDSHAKE, hello.subarray(0, 50)), recordOf(HANDSHAKE, hello.subarray(50))];
    expect(seen(change, halves[0] as Buffer, change, halves[1] as Buffer)).toBe(NAME);
  });
});
