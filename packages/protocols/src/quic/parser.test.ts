import { cryptoFrame, type SealFields, seal } from '../../testing/quic/seal';
import { Random, testSeed } from '../../testing/random';
import { bytesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown } from '../../testing/robustness';
import {
  clientHello,
  groups,
  MessageType as M,
  message,
  pointFormats,
  protocols,
  serverHello,
  serverName,
  supportedVersions,
} from '../../testing/tls/messages';
import { Transport } from '../transaction';
import { CryptoStream } from './crypto-stream';
import { createQuic } from './definition';
import { CONNECTIONS, CRYPTO_BYTES, CRYPTO_PIECES } from './limits';

const quic = createQuic();
const TO_SERVER = 0;
const TO_CLIENT = 1;
const connection = Buffer.from('8394c8f03e515708', 'hex');
const PADDING = Buffer.alloc(1000);
const HELLO = message(
  M.CLIENT_HELLO,
  clientHello({
    ciphers: [0x1301],
    extensions: [
      serverName('quic.example.org'),
      groups([29]),
      pointFormats([0]),
      protocols(['h3']),
      supportedVersions([0x0304]),
    ],
  }),
);
const ANSWER = message(M.SERVER_HELLO, serverHello({ ciphers: [0x1301] }));

const run = (pieces: readonly Piece[]) => record(quic, pieces, Transport.UDP);
const initial = (frames: readonly Buffer[], fields: Partial<SealFields> = {}) =>
  seal({ connection, ...fields }, Buffer.concat(frames));

test('the packet of a server that RFC 9001 prints (appendix A.3)', () => {
  const answer = Buffer.from(
    'cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee',
    'hex',
  );
  const { transactions } = run([
    [TO_SERVER, initial([cryptoFrame(0, HELLO), PADDING])],
    [TO_CLIENT, answer],
  ]);
  expect(transactions.map(({ events }) => events)).toEqual([[], []]);
  expect(transactions[1].buffers).toMatchObject({
    '<quic.version': '\0\0\0\x01',
    '<ja3s.string': '771,4865,51-43',
  });
});

test.each([0x00000001, 0x6b3343cf, 0xff00001d, 0xff000017])('hellos of version %d', (version) => {
  const { transactions } = run([
    [TO_SERVER, initial([cryptoFrame(0, HELLO), PADDING], { version, number: 2, numberBytes: 1 })],
    [
      TO_CLIENT,
      initial([cryptoFrame(0, ANSWER)], {
        version,
        server: true,
        destination: Buffer.alloc(0),
        numberBytes: 4,
      }),
    ],
    [TO_SERVER, initial([Buffer.from([1])], { version })],
  ]);
  expect(transactions.map(({ events }) => events)).toEqual([[], []]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(version);
  expect(transactions[0].buffers).toMatchObject({
    '>quic.version': bytes.toString('latin1'),
    '>quic.sni': 'quic.example.org',
    '>ja3.string': '771,4865,0-10-11-16-43,29,0',
  });
  expect(transactions[0].buffers['>ja4.hash']).toMatch(/^q13d0105h3_/);
  expect(transactions[1].buffers['<ja3s.string']).toBe('771,4865,');
});

test('a hello in pieces, in any order, within and over packets', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < 15; round++) {
    const cuts = [0, HELLO.length];
    for (let i = 0; i < 5; i++) cuts.push(random.next(HELLO.length));
    cuts.sort((a, b) => a - b);
    const frames = cuts.slice(1).map((end, i) => cryptoFrame(cuts[i], HELLO.subarray(cuts[i], end)));
    for (let i = frames.length - 1; i > 0; i--) {
      const other = random.next(i + 1);
      [frames[i], frames[other]] = [frames[other], frames[i]];
    }
    const split = random.next(frames.length);
    const { transactions } = run([
      [TO_SERVER, initial([...frames.slice(0, split), PADDING])],
      [TO_SERVER, initial([PADDING, ...frames.slice(split)], { number: 1 })],
    ]);
    const names = transactions.map(({ buffers }) => buffers['>quic.sni']);
    expect({ seed, round, name: names.at(-1) }).toEqual({ seed, round, name: 'quic.example.org' });
  }
});

test('the bytes of CRYPTO frames are put in order as by a bitmap', () => {
  const seed = testSeed();
  const random = new Random(seed);
  const all = Buffer.from(Array.from({ length: 200 }, () => random.next(256)));
  for (let round = 0; round < 100; round++) {
    const stream = new CryptoStream();
    const have = new Uint8Array(all.length);
    for (let i = 0; i < 12; i++) {
      const start = random.next(all.length);
      const end = Math.min(all.length, start + random.next(60));
      const added = stream.add(start, all, start, end);
      have.fill(1, start, end);
      const gap = have.indexOf(0);
      const length = gap < 0 ? all.length : gap;
      const same = stream.length === length && all.compare(stream.bytes, 0, length, 0, length) === 0;
      if (!added || !same) throw new Error(`SEED=${seed} round ${round}, piece ${i}`);
    }
  }
});

test('bounds of CRYPTO frames', () => {
  const stream = new CryptoStream();
  const byte = Buffer.from([1]);
  expect(stream.add(CRYPTO_BYTES, byte, 0, 1)).toBe(false);
  let refused = false;
  for (let i = 1; i < CRYPTO_PIECES + 2 && !refused; i++) refused = !stream.add(i * 10, byte, 0, 1);
  expect(refused).toBe(true);
  const { transactions } = run([[TO_SERVER, initial([cryptoFrame(CRYPTO_BYTES, byte), PADDING])]]);
  expect(transactions[0].events).toEqual(['>quic.crypto_frag_too_long']);
});

test('what cannot be undone or read is told once, and what follows is looked at', () => {
  const good = initial([cryptoFrame(0, HELLO), PADDING]);
  const damaged = Buffer.from(good);
  damaged[damaged.length - 1] ^= 1;
  const told = (...packets: Buffer[]) =>
    run(packets.map((packet): Piece => [TO_SERVER, packet])).transactions.map(({ buffers, events }) => [
      buffers['>quic.sni'],
      ...events,
    ]);
  const named = ['quic.example.org'];
  expect(told(damaged, damaged, good)).toEqual([[undefined, '>quic.failed_decrypt'], [undefined], named]);
  const other = initial([cryptoFrame(0, message(8, Buffer.alloc(10))), PADDING], {
    connection: Buffer.from('somebody'),
  });
  expect(told(other, good)).toEqual([[undefined, '>quic.error_on_data'], named]);
  // Bytes of no connection, which servers pass over.
  expect(told(good.subarray(0, 6), Buffer.from([0xc0, 1]), good)).toEqual([named]);
});

test('connections between the same ends are told by their identifiers', () => {
  const hello = (name: string) =>
    message(M.CLIENT_HELLO, clientHello({ ciphers: [0x1301], extensions: [serverName(name)] }));
  const first = (name: string, identifier: string) =>
    initial([cryptoFrame(0, hello(name)), PADDING], { connection: Buffer.from(identifier) });
  const half = hello('half.example');
  const { transactions } = run([
    [TO_SERVER, first('one.example', 'identif1')],
    // The same again, and an acknowledgement: nothing new.
    [TO_SERVER, first('one.example', 'identif1')],
    [TO_SERVER, initial([Buffer.from([1]), PADDING], { connection: Buffer.from('identif1'), number: 2 })],
    [TO_SERVER, first('two.example', 'identif2')],
    [TO_SERVER, initial([cryptoFrame(0, half.subarray(0, 20)), PADDING])],
    [TO_SERVER, first('three.example', 'identif3')],
  ]);
  expect(transactions.map(({ buffers }) => buffers['>quic.sni'])).toEqual([
    'one.example',
    'two.example',
    undefined,
    'three.example',
  ]);
});

describe('connections whose packets come in turns', () => {
  const hello = (name: string) =>
    message(M.CLIENT_HELLO, clientHello({ ciphers: [0x1301], extensions: [serverName(name)] }));
  /** The first and the second half of a hello, in two packets. */
  const halves = (number: number) => {
    const bytes = hello(`name${number}.example`);
    const fields = { connection: Buffer.from(`identif${number}`) };
    return [
      initial([cryptoFrame(0, bytes.subarray(0, 20)), PADDING], fields),
      initial([cryptoFrame(20, bytes.subarray(20)), PADDING], { ...fields, number: 1 }),
    ];
  };
  const names = ({ transactions }: ReturnType<typeof run>) =>
    transactions.map(({ buffers }) => buffers['>quic.sni']).filter((name) => name !== undefined);

  test('are put together each by itself', () => {
    const all = Array.from({ length: CONNECTIONS }, (_, number) => halves(number));
    const turns = [...all.map(([first]) => first), ...all.map(([, second]) => second)];
    expect(names(run(turns.map((packet) => [TO_SERVER, packet])))).toEqual(
      all.map((_, number) => `name${number}.example`),
    );
  });

  test('more of them than are followed are told of; those whose hello was seen make room', () => {
    const all = Array.from({ length: CONNECTIONS + 1 }, (_, number) => halves(number));
    const [[first, second], ...others] = all;
    const pieces = (packets: readonly Buffer[]) => packets.map((packet): Piece => [TO_SERVER, packet]);
    const events = ({ transactions }: ReturnType<typeof run>) => transactions.flatMap((each) => each.events);
    const begun = others.map(([half]) => half);
    expect(events(run(pieces([first, second, ...begun])))).toEqual([]);
    expect(events(run(pieces([first, ...begun])))).toEqual(['>quic.too_many_connections']);
  });

  test('each has its answer', () => {
    const answer = (number: number) =>
      initial([cryptoFrame(0, ANSWER)], { connection: Buffer.from(`identif${number}`), server: true });
    const { transactions } = run([
      ...[...halves(1), ...halves(2)].map((packet): Piece => [TO_SERVER, packet]),
      [TO_CLIENT, answer(1)],
      [TO_CLIENT, answer(1)],
      [TO_CLIENT, answer(2)],
    ]);
    const answers = transactions.filter(({ buffers }) => buffers['<ja3s.string'] !== undefined);
    expect(answers).toHaveLength(2);
    expect(transactions.flatMap(({ events }) => events)).toEqual([]);
  });

  test('one of an older version behind one that is protected', () => {
    const old = Buffer.concat([bytesOf('\xc3Q046\x50'), connection, Buffer.alloc(4 + 12 + 20)]);
    const { transactions } = run([
      [TO_SERVER, initial([cryptoFrame(0, HELLO), PADDING])],
      [TO_SERVER, old],
    ]);
    expect(transactions.map(({ buffers }) => buffers['>quic.version'])).toEqual(['\0\0\0\x01', 'Q046']);
  });

  test('a hello behind early data in the same datagram', () => {
    const early = Buffer.concat([
      Buffer.from('d00000000108', 'hex'),
      connection,
      Buffer.from([0, 20]),
      PADDING,
    ]);
    const datagram = Buffer.concat([early.subarray(0, 16 + 20), initial([cryptoFrame(0, HELLO), PADDING])]);
    expect(names(run([[TO_SERVER, datagram]]))).toEqual(['quic.example.org']);
  });
});

test('a hello in a great many pieces, behind packets of nothing', () => {
  const frames: Buffer[] = [];
  for (const odd of [1, 0])
    for (let at = odd; at < HELLO.length; at += 2) frames.push(cryptoFrame(at, HELLO.subarray(at, at + 1)));
  const nothing = Array.from({ length: 20 }, (_, number) => initial([Buffer.alloc(4)], { number }));
  const { transactions } = run([[TO_SERVER, Buffer.concat([...nothing, initial(frames, { number: 20 })])]]);
  expect(transactions.at(-1)?.buffers['>quic.sni']).toBe('quic.example.org');
});

test('after a Retry the keys come from the new identifier', () => {
  const retry = Buffer.concat([
    Buffer.from('f00000000100', 'hex'),
    Buffer.from([4, 1, 2, 3, 4]),
    Buffer.alloc(30),
  ]);
  const again = Buffer.from('01020304', 'hex');
  const { transactions } = run([
    [TO_SERVER, initial([cryptoFrame(0, HELLO), PADDING])],
    [TO_CLIENT, retry],
    [
      TO_SERVER,
      initial([cryptoFrame(0, HELLO), PADDING], { connection: again, token: Buffer.from('token') }),
    ],
  ]);
  expect(transactions.map(({ buffers, events }) => [buffers['>quic.sni'], events])).toEqual([
    ['quic.example.org', []],
    [undefined, []],
    ['quic.example.org', []],
  ]);
});

describe("Google's QUIC", () => {
  /** Tags with their values; what stands before each end is its value. */
  const chlo = (tags: readonly (readonly [string, string])[]) => {
    const table: Buffer[] = [];
    let end = 0;
    for (const [tag, value] of tags) {
      end += value.length;
      const row = Buffer.alloc(8);
      row.write(tag, 0, 'latin1');
      row.writeUInt32LE(end, 4);
      table.push(row);
    }
    const head = Buffer.alloc(8);
    head.write('CHLO', 0, 'latin1');
    head.writeUInt16LE(tags.length, 4);
    return Buffer.concat([head, ...table, ...tags.map(([, value]) => bytesOf(value))]);
  };
  const TAGS = chlo([
    ['PAD', '----'],
    ['SNI', 'www.example.org'],
    ['UAID', 'Agent/1'],
    ['VER', 'Q046'],
  ]);
  const stream = (data: Buffer) =>
    Buffer.concat([Buffer.from([0xa0, 1, data.length >> 8, data.length & 0xff]), data]);

  test.each([
    ['Q046', Buffer.concat([bytesOf('\xc3Q046\x50'), connection, Buffer.alloc(4 + 12)]), '46'],
    ['Q044', Buffer.concat([bytesOf('\xffQ044\x50'), connection, Buffer.alloc(4 + 12)]), '44'],
    ['Q043', Buffer.concat([bytesOf('\x09'), connection, bytesOf('Q043\x01'), Buffer.alloc(12)]), '43'],
  ])('tags of %s', (name, head, version) => {
    const { transactions } = run([[TO_SERVER, Buffer.concat([head, stream(TAGS), Buffer.alloc(20)])]]);
    expect(transactions[0].events).toEqual([]);
    expect(transactions[0].buffers).toMatchObject({
      '>quic.sni': 'www.example.org',
      '>quic.ua': 'Agent/1',
      '>quic.cyu.string[0]': `${version},PAD-SNI-UAID-VER`,
    });
    // Only a long header shows its version.
    expect(transactions[0].buffers['>quic.version']).toBe(name === 'Q043' ? undefined : name);
  });

  test('the published fingerprint', () => {
    const tags = ['PAD', 'SNI', 'VER', 'CCS', 'PDMD', 'ICSL', 'MIDS', 'CFCW', 'SFCW'].map(
      (tag) => [tag, 'x'] as const,
    );
    const head = Buffer.concat([bytesOf('\x09'), connection, bytesOf('Q043\x01'), Buffer.alloc(12)]);
    const { transactions } = run([[TO_SERVER, Buffer.concat([head, stream(chlo(tags))])]]);
    expect(transactions[0].buffers['>quic.cyu.hash[0]']).toBe('e030dea1f2eea44ac7db5fe4de792acd');
  });
});

test('recognised by its header', () => {
  const probe = (bytes: Buffer, serverPort = 443) =>
    quic.probe(TO_SERVER, bytes, 0, bytes.length, { transport: Transport.UDP, clientPort: 5000, serverPort });
  const packet = initial([cryptoFrame(0, HELLO), PADDING]);
  expect([probe(packet), probe(packet, 9999), probe(packet.subarray(0, 40))]).toEqual([1, 1, -1]);
  expect(probe(Buffer.from('4000000000000000', 'hex'))).toBe(-1);
  expect(probe(Buffer.from('0000000000000000', 'hex'))).toBe(-1);
  const unknown = Buffer.from(packet);
  unknown.writeUInt32BE(0x1a2a3a4a, 1);
  expect([probe(unknown), probe(unknown, 9999)]).toEqual([-1, -1]);
  const padded = initial([cryptoFrame(0, HELLO), Buffer.alloc(1200)]);
  padded.writeUInt32BE(0x1a2a3a4a, 1);
  expect([probe(padded), probe(padded, 9999)]).toEqual([1, -1]);
});

test('random changes do no harm', () => {
  const pieces: Piece[] = [
    [TO_SERVER, initial([cryptoFrame(20, HELLO.subarray(20)), PADDING])],
    [TO_CLIENT, initial([cryptoFrame(0, ANSWER)], { server: true })],
    [TO_SERVER, initial([cryptoFrame(0, HELLO.subarray(0, 20)), PADDING], { number: 1 })],
  ];
  expectNothingThrown(quic, pieces, 100, Transport.UDP);
});
