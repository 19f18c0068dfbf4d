import { Random, testSeed } from '../../testing/random';
import { type Piece, record, split } from '../../testing/recorder';
import { type ProbedFlow, Transport } from '../transaction';
import { createPgsql } from './definition';

const pgsql = createPgsql();

function opening(code: number, more = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(8 + more.length, 0);
  bytes.writeUInt32BE(code, 4);
  return Buffer.concat([bytes, more]);
}

function message(type: string, contents: string): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.write(type, 0, 'latin1');
  bytes.writeUInt32BE(4 + contents.length, 1);
  return Buffer.concat([bytes, Buffer.from(contents, 'latin1')]);
}

const TLS = opening(80877103);
const START = opening(196608, Buffer.from('user\0me\0\0'));
const say = (text: string): Piece => [1, Buffer.from(text, 'latin1')];

test('queries are shown, other messages passed over', () => {
  const { transactions } = record(pgsql, [
    [0, TLS],
    say('N'),
    [0, START],
    say('R\0\0\0\x08\0\0\0\0'),
    [0, Buffer.concat([message('p', 'secret\0'), message('Q', 'SELECT 1;\0')])],
    [0, message('Q', 'no zero')],
    [0, message('X', '')],
  ]);
  expect(transactions.map(({ buffers }) => buffers)).toEqual([
    { '>pgsql.query': 'SELECT 1;' },
    { '>pgsql.query': 'no zero' },
  ]);
});

test('TLS begins behind the answer', () => {
  const hello: Piece = [0, Buffer.from('\x16\x03\x01', 'latin1')];
  expect(record(pgsql, [[0, TLS], say('S'), hello])).toMatchObject({
    upgrades: [{ protocol: 'tls', at: 9 }],
    transactions: [],
  });
  expect(record(pgsql, [[0, TLS], say('N'), say('S')]).upgrades).toEqual([]);
  expect(record(pgsql, [[0, opening(80877104)], say('S'), hello]).upgrades).toEqual([]);
  expect(record(pgsql, [[0, START], say('S')]).upgrades).toEqual([]);
});

test('however the bytes are cut, and whatever they are', () => {
  const random = new Random(testSeed());
  const client = Buffer.concat([START, message('Q', 'SELECT 1;\0'), message('Q', 'DELETE FROM t;\0')]);
  const whole = record(pgsql, [[0, client]]).summary();
  expect(whole).toMatchObject({ transactions: { length: 2 } });
  try {
    for (let run = 0; run < 30; run++)
      expect(record(pgsql, split([[0, client]], random, 9)).summary()).toEqual(whole);
    for (let run = 0; run < 200; run++) {
      const bytes = Buffer.from(client);
      for (let i = random.next(6); i > 0; i--) bytes[random.next(bytes.length)] = random.next(256);
      record(pgsql, [[0, bytes], say('S'), [0, bytes]]);
    }
  } catch (error) {
    throw new Error(`SEED=${random.seed}: ${error}`);
  }
});

test('told by its bytes', () => {
  const flow: ProbedFlow = { transport: Transport.TCP, serverPort: 9000, clientPort: 40000 };
  const probe = (bytes: Buffer) => pgsql.probe(0, bytes, 0, bytes.length, flow);
  expect(probe(TLS)).toBe(1);
  expect(probe(START)).toBe(1);
  for (let i = 0; i < 8; i++) expect(probe(TLS.subarray(0, i))).toBe(0);
  expect(probe(opening(80877103, Buffer.from('more')))).toBe(-1);
  expect(probe(Buffer.from([0, 0, 0, 85, 0xff, 0x53, 0x4d, 0x42]))).toBe(-1);
});
