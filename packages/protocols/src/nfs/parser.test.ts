import { bytesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { Transport } from '../transaction';
import { createNfs } from './definition';
import { MOST_FILES, MOST_WAITING } from './parser';

const nfs = createNfs();
const word = (value: number) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
const long = (value: number) => [...word(0), ...word(value)];
const opaque = (data: Buffer | string) => {
  const bytes = typeof data === 'string' ? bytesOf(data) : data;
  return [...word(bytes.length), ...bytes, ...Array(-bytes.length & 3).fill(0)];
};
const call = (xid: number, version: number, procedure: number, args: number[]) =>
  Buffer.from([
    ...word(xid), ...word(0), ...word(2), ...word(100_003), ...word(version), ...word(procedure), ...word(1), ...opaque('cred'),
    ...word(0), ...word(0), ...args,
  ]); // biome-ignore format: a call
const reply = (xid: number, results: number[]) =>
  Buffer.from([...word(xid), ...word(1), ...word(0), ...word(0), ...word(0), ...word(0), ...results]);
/** Over TCP, in fragments of at most `size` bytes. */
function marked(message: Buffer, size = message.length): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    const last = at + size >= message.length;
    parts.push(Buffer.from(word((last ? 0x80000000 : 0) + part.length)), part);
  }
  return Buffer.concat(parts);
}

const content = bytesOf('planted content '.repeat(600));
const version3: [0 | 1, Buffer][] = [
  [0, call(1, 3, 0, [])],
  [1, reply(1, [])],
  [0, call(2, 3, 3, [...opaque('dirhandle'), ...opaque('evil.sh')])],
  [1, reply(2, [...word(0), ...opaque('filehandle'), ...word(0), ...word(0)])],
  [0, call(3, 3, 6, [...opaque('filehandle'), ...long(0), ...word(content.length)])],
  [
    1,
    reply(3, [
      ...word(0),
      ...word(1),
      ...Array(84).fill(0),
      ...word(content.length),
      ...word(1),
      ...opaque(content),
    ]),
  ],
  [
    0,
    call(4, 3, 7, [
      ...opaque('filehandle'),
      ...long(0),
      ...word(5000),
      ...word(0),
      ...opaque(content.subarray(0, 5000)),
    ]),
  ],
  [1, reply(4, [...word(0)])],
  [
    0,
    call(5, 3, 7, [
      ...opaque('filehandle'),
      ...long(5000),
      ...word(4600),
      ...word(0),
      ...opaque(content.subarray(5000)),
    ]),
  ],
  [0, call(6, 3, 21, [...opaque('filehandle'), ...long(0), ...word(0)])],
  [0, call(7, 3, 17, [...opaque('dirhandle'), ...Array(24).fill(0)])],
];
const version2: [0 | 1, Buffer][] = [
  [0, call(1, 2, 4, [...Array(32).fill(1), ...opaque('old.txt')])],
  [1, reply(1, [...word(0), ...Array(32).fill(7), ...Array(68).fill(0)])],
  [0, call(2, 2, 6, [...Array(32).fill(7), ...word(0), ...word(100), ...word(100)])],
  [1, reply(2, [...word(0), ...Array(68).fill(0), ...opaque('v2 data')])],
  [0, call(3, 2, 8, [...Array(32).fill(7), ...word(0), ...word(0), ...word(3), ...opaque('new')])],
];
const version4: [0 | 1, Buffer][] = [
  [0, call(1, 4, 1, [
    ...opaque('tag'), ...word(0), ...word(3), ...word(22), ...opaque('dir'), ...word(18), ...word(0), ...word(1), ...word(0), ...long(1),
    ...opaque('owner'), ...word(0), ...word(0), ...opaque('v4.bin'), ...word(10),
  ])],
  [1, reply(1, [
    ...word(0), ...opaque('tag'), ...word(3), ...word(22), ...word(0), ...word(18), ...word(0), ...Array(40).fill(0), ...word(1), ...word(0),
    ...word(0), ...word(10), ...word(0), ...opaque('fh4'),
  ])],
  [0, call(2, 4, 1, [...opaque(''), ...word(0), ...word(2), ...word(22), ...opaque('fh4'), ...word(38), ...Array(16).fill(0), ...long(0), ...word(2), ...opaque('v4 data')])],
  [0, call(3, 4, 1, [...opaque(''), ...word(0), ...word(2), ...word(22), ...opaque('dir'), ...word(28), ...opaque('gone')])],
]; // biome-ignore format: messages

const overTcp = (messages: [0 | 1, Buffer][], size?: number): Piece[] =>
  messages.map(([direction, message]) => [direction, marked(message, size)]);

function files(pieces: Piece[], transport: Transport = Transport.TCP) {
  const { transactions, events } = record(nfs, pieces, transport);
  expect(events).toEqual([]);
  expect(transactions.every(({ ended }) => ended === 1)).toBe(true);
  const found: string[] = [];
  for (const { buffers } of transactions) {
    for (const side of ['>', '<']) {
      const data = buffers[`${side}file.data[0]`];
      if (data !== undefined) found.push(`${side}${buffers[`${side}file.name[0]`]} ${data}`);
    }
  }
  return found;
}
const numbers = (pieces: Piece[]) =>
  record(nfs, pieces).transactions.flatMap(({ buffers }) =>
    buffers['>nfs.version'] === undefined
      ? []
      : `${buffers['>nfs.version'].charCodeAt(3)}:${buffers['>nfs.procedure'].charCodeAt(3)}`,
  );

test('version 3: procedures, and a file that is read and written', () => {
  expect(numbers(overTcp(version3))).toEqual(['3:0', '3:3', '3:7', '3:17']);
  const whole = content.toString('latin1');
  expect(files(overTcp(version3))).toEqual([`<evil.sh ${whole}`, `>evil.sh ${whole}`]);
  expect(files(overTcp(version3, 6000))).toEqual([`<evil.sh ${whole}`, `>evil.sh ${whole}`]);
});

test('versions 2 and 4', () => {
  expect(files(version2, Transport.UDP)).toEqual(['<old.txt v2 data', '>old.txt new']);
  expect(files(overTcp(version4))).toEqual(['>v4.bin v4 data']);
  expect(numbers(overTcp(version4))).toEqual(['4:38', '4:28']);
});

test('cuts do not matter', () => {
  expectSameWhereverCut(nfs, overTcp(version3));
  expectSameWhereverCut(nfs, overTcp(version4));
});

test('mutations do no harm', () => {
  for (const messages of [version2, version3, version4]) {
    expectNothingThrown(nfs, overTcp(messages, 3000), 40);
    expectNothingThrown(nfs, messages, 40, Transport.UDP);
  }
});

test('what waits is bounded, and so are files', () => {
  const calls = Array.from({ length: MOST_WAITING + 9 }, (_, i): [0 | 1, Buffer] => [
    0,
    call(i, 3, 1, opaque('h')),
  ]);
  expect(record(nfs, overTcp(calls)).transactions.every(({ ended }) => ended === 1)).toBe(true);
  const writes = Array.from({ length: MOST_FILES + 4 }, (_, i): [0 | 1, Buffer] => [
    0,
    call(i, 3, 7, [...opaque(`h${i}`), ...long(0), ...word(1), ...word(0), ...opaque('x')]),
  ]);
  expect(files(overTcp(writes))).toHaveLength(MOST_FILES + 4);
});

test('what is NFS and what is not', () => {
  const probe = (bytes: Buffer, transport: Transport, direction: 0 | 1 = 0, serverPort = 2049) =>
    nfs.probe(direction, bytes, 0, bytes.length, { transport, clientPort: 800, serverPort });
  const [, first] = version3[0];
  expect(probe(first, Transport.UDP)).toBe(1);
  expect(probe(marked(first), Transport.TCP)).toBe(1);
  expect(probe(marked(first).subarray(0, 10), Transport.TCP)).toBe(0);
  expect(probe(marked(version3[1][1]), Transport.TCP, 1)).toBe(1);
  expect(probe(marked(version3[1][1]), Transport.TCP, 1, 9999)).toBe(-1);
  expect(probe(bytesOf('\x80\0\0\x28 something else'), Transport.TCP)).toBe(-1);
});
