import { bytesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { Transport } from '../transaction';
import { createRfb } from './definition';

const rfb = createRfb();
const TO_SERVER = 0;
const TO_CLIENT = 1;

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const text = (value: string) => Buffer.concat([u32(value.length), bytesOf(value)]);
const version = (minor: number) => bytesOf(`RFB 003.00${minor}\n`);
const desktop = Buffer.concat([Buffer.alloc(20), text('desktop.localdomain')]);

const FULL: Piece[] = [
  [TO_CLIENT, version(8)],
  [TO_SERVER, version(8)],
  [TO_CLIENT, Buffer.from([2, 1, 2])],
  [TO_SERVER, Buffer.from([2])],
  [TO_CLIENT, Buffer.alloc(16, 1)],
  [TO_SERVER, Buffer.alloc(16, 2)],
  [TO_CLIENT, u32(0)],
  [TO_SERVER, Buffer.from([1])],
  [TO_CLIENT, desktop],
  [TO_SERVER, Buffer.alloc(20)],
  [TO_CLIENT, Buffer.alloc(500)],
];

const only = (pieces: readonly Piece[]) => {
  const { transactions } = record(rfb, pieces);
  expect(transactions).toHaveLength(1);
  const { buffers, events, progress, ended } = transactions[0];
  expect(ended).toBe(1);
  return { buffers, events, progress };
};

test('a handshake with a password', () => {
  expect(only(FULL)).toEqual({
    buffers: {
      '>rfb.sectype': '\0\0\0\x02',
      '<rfb.secresult': '\0\0\0\0',
      '<rfb.name': 'desktop.localdomain',
    },
    events: [],
    progress: [1, 1],
  });
});

test('the same wherever it is cut', () => expectSameWhereverCut(rfb, FULL.slice(0, 9)));

test('random changes do no harm', () => expectNothingThrown(rfb, FULL, 60));

test('older versions', () => {
  const { buffers } = only([
    [TO_CLIENT, version(3)],
    [TO_SERVER, version(3)],
    [TO_CLIENT, u32(1)],
    [TO_SERVER, Buffer.from([1])],
    [TO_CLIENT, desktop],
  ]);
  expect(buffers).toMatchObject({ '>rfb.sectype': '\0\0\0\x01', '<rfb.name': 'desktop.localdomain' });
});

test('failures', () => {
  const failed = only([
    ...FULL.slice(0, 6),
    [TO_CLIENT, Buffer.concat([u32(1), text('wrong password')])],
  ] as Piece[]);
  expect([failed.buffers['<rfb.secresult'], failed.events]).toEqual(['\0\0\0\x01', []]);
  const unknown = only([...FULL.slice(0, 6), [TO_CLIENT, u32(77)]] as Piece[]);
  expect(unknown.events).toEqual(['<rfb.unknown_security_result']);
  const other = only([...FULL.slice(0, 3), [TO_SERVER, Buffer.from([19])]] as Piece[]);
  expect([other.buffers['>rfb.sectype'], other.events]).toEqual([
    '\0\0\0\x13',
    ['>rfb.unimplemented_security_type'],
  ]);
  expect(only([[TO_CLIENT, bytesOf('HTTP/1.1 200')]]).events).toEqual(['<rfb.malformed_message']);
  expect(only([FULL[0], [TO_CLIENT, bytesOf('x')]] as Piece[]).events).toEqual(['<rfb.confused_state']);
  const long = only([
    ...FULL.slice(0, 8),
    [TO_CLIENT, Buffer.concat([Buffer.alloc(20), u32(1 << 20)])],
  ] as Piece[]);
  expect(long.events).toEqual(['<rfb.malformed_message']);
});

test('recognised by its version', () => {
  const flow = { transport: Transport.TCP, clientPort: 1, serverPort: 5900 };
  const probe = (value: string) => rfb.probe(TO_CLIENT, bytesOf(value), 0, value.length, flow);
  expect([probe('RFB 003'), probe('RFB'), probe('RFB x'), probe('')]).toEqual([1, 0, -1, 0]);
});
