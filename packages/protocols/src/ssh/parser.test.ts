import { bytesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';

import { Transport } from '../transaction';
import { createSsh } from './definition';
import { hasshHash } from './hassh';
import { KEY_EXCHANGE_BYTES, type SshParser } from './parser';

const ssh = createSsh();
const TO_SERVER = 0;
const TO_CLIENT = 1;
const KEXINIT = 20;
const NEWKEYS = 21;

/** A message with padding. */
function packet(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt32BE(body.length + 2 + 8);
  head[4] = 8;
  head[5] = type;
  return Buffer.concat([head, body, Buffer.alloc(8)]);
}

function keyExchange(prefix: string): Buffer {
  const lists = Array.from({ length: 10 }, (_, i) => {
    const text = bytesOf(`${prefix}${i},x`);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, text]);
  });
  return packet(KEXINIT, Buffer.concat([Buffer.alloc(16, 5), ...lists, Buffer.alloc(5)]));
}

const FULL: Piece[] = [
  [TO_CLIENT, bytesOf('SSH-2.0-OpenSSH_8.0 Debian-1\r\n')],
  [TO_SERVER, Buffer.concat([bytesOf('SSH-1.99-PuTTY\n'), keyExchange('c')])],
  [TO_CLIENT, keyExchange('s')],
  [
    TO_SERVER,
    Buffer.concat([packet(30, Buffer.alloc(40)), packet(NEWKEYS, Buffer.alloc(0)), Buffer.alloc(100, 9)]),
  ],
  [
    TO_CLIENT,
    Buffer.concat([packet(31, Buffer.alloc(400)), packet(NEWKEYS, Buffer.alloc(0)), Buffer.alloc(9, 9)]),
  ],
];

const only = (pieces: readonly Piece[]) => {
  const { transactions } = record(ssh, pieces);
  expect(transactions).toHaveLength(1);
  return transactions[0];
};

test('banners and fingerprints', () => {
  const { buffers, events, progress, ended } = only(FULL);
  expect([events, progress, ended]).toEqual([[], [3, 3], 1]);
  expect(buffers).toEqual({
    '>ssh.proto': '1.99',
    '>ssh.software': 'PuTTY',
    '<ssh.proto': '2.0',
    '<ssh.software': 'OpenSSH_8.0',
    '>ssh.hassh.string': 'c0,x;c2,x;c4,x;c6,x',
    '>ssh.hassh': hasshHash('c0,x;c2,x;c4,x;c6,x'),
    '<ssh.hassh.server.string': 's0,x;s3,x;s5,x;s7,x',
    '<ssh.hassh.server': hasshHash('s0,x;s3,x;s5,x;s7,x'),
  });
});

test('the same wherever it is cut', () => expectSameWhereverCut(ssh, FULL));

test('random changes do no harm', () => expectNothingThrown(ssh, FULL, 60));

test('banners as they are', () => {
  const banner = (text: string) => {
    const { buffers, events } = only([[TO_SERVER, bytesOf(text)]]);
    return [buffers['>ssh.proto'], buffers['>ssh.software'], ...events];
  };
  expect(banner('SSH-2.0-a b c\r\n')).toEqual(['2.0', 'a']);
  expect(banner('SSH-2.0-a-b_c\n')).toEqual(['2.0', 'a-b_c']);
  expect(banner('SSH-2.0-\r\n')).toEqual(['2.0', undefined]);
  expect(banner('SSH-2.0-a')).toEqual([undefined, undefined]);
  expect(banner('SSH-2.0\r\n')).toEqual([undefined, undefined, '>ssh.invalid_banner']);
  expect(banner('SSH--a\r\n')).toEqual([undefined, undefined, '>ssh.invalid_banner']);
  expect(banner('hello\r\n')).toEqual([undefined, undefined, '>ssh.invalid_banner']);
  const long = 'a'.repeat(300);
  expect(banner(`SSH-2.0-${long}\r\n`)).toEqual(['2.0', long.slice(0, 248), '>ssh.long_banner']);
});

test('records that are wrong', () => {
  const banner = bytesOf('SSH-2.0-a\n');
  const events = (bytes: Buffer) => only([[TO_SERVER, Buffer.concat([banner, bytes])]]).events;
  expect(events(Buffer.from([0, 0, 0, 1, 0, 20]))).toEqual(['>ssh.invalid_record']);
  const long = Buffer.from([0, 0, 0, 0, 0, KEXINIT]);
  long.writeUInt32BE(KEY_EXCHANGE_BYTES + 3);
  expect(events(long)).toEqual(['>ssh.long_kex_record']);
  expect(events(packet(KEXINIT, Buffer.alloc(30, 0xff)))).toEqual([]);
});

test('behind the keys nothing is looked at or held', () => {
  const listener = {
    onProgress() {},
    onTransactionEnd() {},
    onEvent() {},
    onUpgrade() {},
    onExpectation() {},
  };
  const parser = ssh.create(listener, Transport.TCP) as SshParser;
  for (const [direction, bytes] of FULL) parser.feed(direction, bytes, 0, bytes.length);
  expect(parser.opaque).toBe(true);
  const held = parser.heldBytes();
  for (let i = 0; i < 50; i++) parser.feed(TO_CLIENT, Buffer.alloc(1000, i), 0, 1000);
  parser.gap(TO_SERVER, 100);
  expect(parser.heldBytes()).toBe(held);
  expect(held).toBeLessThan(1000);
});

test('a gap inside a message that is passed over is nothing, elsewhere it ends the direction', () => {
  const listener = {
    onProgress() {},
    onTransactionEnd() {},
    onEvent() {},
    onUpgrade() {},
    onExpectation() {},
  };
  const parser = createSsh().create(listener, Transport.TCP);
  const head = Buffer.concat([bytesOf('SSH-2.0-a\n'), packet(30, Buffer.alloc(100)).subarray(0, 20)]);
  parser.feed(TO_SERVER, head, 0, head.length);
  parser.gap(TO_SERVER, 50);
  expect(parser.opaque).toBe(false);
  parser.gap(TO_SERVER, 500);
  parser.gap(TO_CLIENT, 5);
  expect(parser.opaque).toBe(true);
});

test('recognised by its first four bytes', () => {
  const flow = { transport: Transport.TCP, clientPort: 1, serverPort: 2 };
  const probe = (text: string) => ssh.probe(TO_CLIENT, bytesOf(text), 0, text.length, flow);
  expect([probe(''), probe('SS'), probe('SSH-'), probe('SSX'), probe('ssh-')]).toEqual([0, 0, 1, -1, -1]);
});
