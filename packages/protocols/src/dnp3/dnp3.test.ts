import { frame, message } from '../../testing/dnp3/frames';
import { Random, testSeed } from '../../testing/random';
import { type Piece, record, split } from '../../testing/recorder';
import { type ProbedFlow, Transport } from '../transaction';
import { createDnp3 } from './definition';
import { checksum } from './frames';

const dnp3 = createDnp3();
/** A read of class 1 and of analog inputs 0 to 3. */
const READ = [0xc0, 1, 60, 2, 6, 30, 1, 0, 0, 3];
/** Its answer: indications, and two analog inputs. */
const ANSWER = [0xc0, 129, 0x80, 0x02, 30, 2, 0, 0, 1, 1, 9, 0, 1, 8, 0, 1, 1, 0, 0, 9, 0xff, 1];

test('the checksum is that of the standard', () => {
  const bytes = Buffer.from('056405c001000004', 'hex');
  // e9 21 as in IEEE 1815-2012, clause 9.2.4.
  expect(checksum(bytes, 0, bytes.length)).toBe(0x21e9);
});

test('requests and responses are transactions of their own', () => {
  const { transactions, events } = record(dnp3, [
    [0, message(READ)],
    [1, message(ANSWER, 0x44)],
    [0, message([0xc1, 0])],
    [0, frame(Buffer.alloc(0), 0xc9)],
  ]);
  const text = (bytes: readonly number[]) => Buffer.from(bytes).toString('latin1');
  expect(events).toEqual([]);
  expect(transactions).toEqual([
    {
      id: 0,
      buffers: {
        '>dnp3.data': text(READ),
        '>dnp3_data': text(READ),
        '>dnp3.func': '\x01',
        '>dnp3_func': '\x01',
        '>dnp3.obj': text([60, 2, 30, 1]),
      },
      events: [],
      progress: [1, 0],
      ended: 1,
    },
    {
      id: 1,
      buffers: {
        '<dnp3.data': text(ANSWER),
        '<dnp3_data': text(ANSWER),
        '<dnp3.func': '\x81',
        '<dnp3_func': '\x81',
        '<dnp3.ind': text([0x80, 0x02]),
        '<dnp3.obj': text([30, 2, 1, 1]),
      },
      events: [],
      progress: [0, 1],
      ended: 1,
    },
  ]);
});

test('a message may come in several frames', () => {
  const long = Buffer.from([
    0xc0,
    2,
    ...Array.from({ length: 60 }, (_, i) => [110, 9, 0, i, i, ...Buffer.from('nine char')]).flat(),
  ]);
  const { transactions } = record(dnp3, [[0, message(long)]]);
  expect(transactions).toHaveLength(1);
  expect(transactions[0].buffers['>dnp3.data']).toBe(long.toString('latin1'));
  expect(transactions[0].buffers['>dnp3.obj']).toHaveLength(120);
  expect(transactions[0].events).toEqual([]);
});

test.each<[string, number[], string]>([
  ['a range that ends before it begins', [0xc0, 2, 30, 1, 0, 9, 3], 'malformed'],
  ['points beyond the end', [0xc0, 2, 30, 1, 0, 0, 3, 1], 'malformed'],
  ['an unknown object', [0xc0, 2, 77, 7, 7, 1, 1, 1], 'unknown_object'],
  ['too many points', [0xc0, 1, 30, 1, 8, 0xff, 0xff], 'too_many_points'],
])('event: %s', (_name, application, event) => {
  const { transactions } = record(dnp3, [[0, message(application)]]);
  expect(transactions[0].events).toEqual([`>dnp3.${event}`]);
});

test.each([
  ['a reserved range', [0xc0, 2, 30, 1, 0x0f]],
  ['a byte that is left over', [0xc1, 21, 60, 2, 6, 0xed]],
])('no event: %s', (_name, application) => {
  const { transactions } = record(dnp3, [[0, message(application)]]);
  expect(transactions[0].events).toEqual([]);
  expect(transactions[0].buffers['>dnp3.obj']).toHaveLength(2);
});

test('a message without end is cut off', () => {
  const endless = message(Buffer.alloc(16_000, 1));
  const { transactions } = record(dnp3, [[0, endless]]);
  expect(transactions[0].events).toEqual(['>dnp3.too_long_reassembly']);
  expect(transactions[0].buffers['>dnp3.data']).toHaveLength(12_288);
});

test('frames that are broken', () => {
  const events = (bytes: Buffer) => record(dnp3, [[0, bytes]]).events;
  const good = message(READ);
  const link = Buffer.from(good);
  link[8] ^= 1;
  expect(events(link)).toEqual(['>dnp3.bad_link_crc']);
  const data = Buffer.from(good);
  data[12] ^= 1;
  expect(events(data)).toEqual(['>dnp3.bad_transport_crc']);
  expect(events(frame(Buffer.from([0xc0, 0xc0])))).toEqual(['>dnp3.len_too_small']);
  expect(record(dnp3, [[0, Buffer.concat([data, good])]]).transactions).toHaveLength(1);
  expect(record(dnp3, [[0, Buffer.concat([Buffer.from('text'), good])]]).transactions).toHaveLength(0);
});

test('however the bytes are cut, and whatever they are', () => {
  const random = new Random(testSeed());
  const pieces: Piece[] = [
    [0, Buffer.concat([message(READ), message(Buffer.alloc(700, 0)), message([0xc2, 13])])],
    [1, Buffer.concat([message(ANSWER, 0x44), message(ANSWER, 0x44)])],
  ];
  const whole = record(dnp3, pieces).summary();
  try {
    for (let run = 0; run < 25; run++)
      expect(record(dnp3, split(pieces, random, 30)).summary()).toEqual(whole);
    for (let run = 0; run < 120; run++) {
      const bytes = Array.from({ length: 2 + random.next(60) }, () => random.next(random.next(2) ? 256 : 12));
      record(dnp3, [[random.next(2) as 0 | 1, message(bytes)]]);
      const broken = Buffer.from(pieces[random.next(2)][1]);
      for (let i = random.next(6); i > 0; i--) broken[random.next(broken.length)] = random.next(256);
      record(dnp3, [[random.next(2) as 0 | 1, broken]]);
    }
  } catch (error) {
    throw new Error(`SEED=${random.seed}: ${error}`);
  }
});

test('told by its bytes', () => {
  const flow: ProbedFlow = { transport: Transport.TCP, serverPort: 9000, clientPort: 40000 };
  const probe = (bytes: Buffer) => dnp3.probe(0, bytes, 0, bytes.length, flow);
  expect(probe(message(READ))).toBe(1);
  for (let i = 0; i < 10; i++) expect(probe(message(READ).subarray(0, i))).toBe(0);
  expect(probe(Buffer.from([5, 0x64, 5, 1, 2, 3, 4, 5, 6, 7]))).toBe(-1);
  expect(probe(Buffer.from([5, 1, 0]))).toBe(-1);
  expect(probe(Buffer.from('GET /'))).toBe(-1);
});
