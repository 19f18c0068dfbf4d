import { constants, deflateRawSync } from 'node:zlib';
import { Random, testSeed } from '../../testing/random';
import { bytesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { BufferPool } from '../buffer-pool';
import { createWebsocket } from './definition';
import { MessageInflater } from './message-inflater';
import { LONGEST_PAYLOAD } from './parser';

const websocket = createWebsocket();

function frame(first: number, payload: Buffer, mask?: number[]): Buffer {
  const { length } = payload;
  const size =
    length < 126
      ? [length]
      : length < 65_536
        ? [126, length >> 8, length & 255]
        : [127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255];
  if (mask === undefined) return Buffer.concat([Buffer.from([first, ...size]), payload]);
  size[0] |= 0x80;
  return Buffer.concat([Buffer.from([first, ...size, ...mask]), payload.map((c, i) => c ^ mask[i & 3])]);
}
/** As RFC 7692 wants it: flushed, without the last four bytes. */
const deflated = (text: string, dictionary?: Buffer) =>
  deflateRawSync(bytesOf(text), {
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(dictionary && { dictionary }),
  }).subarray(0, -4);

const first = 'the same words, the same words';
const conversation: Piece[] = [
  [0, Buffer.concat([frame(0x81, bytesOf('hello'), [1, 2, 3, 0xf4]), frame(0x01, bytesOf('MAL'), [9, 9, 9, 9])])],
  [0, Buffer.concat([frame(0x89, bytesOf('ping'), [0, 0, 0, 0]), frame(0x00, bytesOf('WA')), frame(0x80, bytesOf('RE'))])],
  [1, frame(0xc2, deflated(first))],
  [1, Buffer.concat([frame(0x42, deflated(`${first}!`, bytesOf(first)).subarray(0, 4)), frame(0x80, deflated(`${first}!`, bytesOf(first)).subarray(4))])],
  [1, frame(0x88, Buffer.alloc(0))],
]; // biome-ignore format: frames

test('frames, masked and in fragments, with a control frame between them; compressed messages', () => {
  const { transactions, events } = record(websocket, conversation);
  expect(events).toEqual([]);
  expect(transactions.map(({ buffers }) => buffers['>websocket.payload'] ?? buffers['<websocket.payload'])).toEqual([
    'hello', 'MAL', 'ping', 'WA', 'MALWARE', first, expect.any(String), `${first}!`, undefined,
  ]); // biome-ignore format: a list
  expect(transactions[0].buffers).toEqual({
    '>websocket.payload': 'hello',
    '>websocket.opcode': '\x01',
    '>websocket.flags': '\x80',
    '>websocket.mask': '\x01\x02\x03\xf4',
  });
  expect(transactions[5].buffers['<websocket.flags']).toBe('\xc0');
});

test('cuts do not matter', () => expectSameWhereverCut(websocket, conversation));

test('mutations do no harm', () => expectNothingThrown(websocket, conversation, 200));

test('payloads and messages are bounded', () => {
  const long = Buffer.alloc(LONGEST_PAYLOAD + 10_000, 0x61);
  const { transactions } = record(websocket, [
    [0, frame(0x82, long)],
    [
      0,
      Buffer.concat([
        frame(0x02, long.subarray(0, 60_000)),
        frame(0x80, long.subarray(0, 60_000)),
        frame(0x81, bytesOf('behind')),
      ]),
    ],
    [
      1,
      frame(
        0xc2,
        deflateRawSync(Buffer.alloc(3 << 20), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4),
      ),
    ],
  ]);
  expect(transactions.map(({ buffers }) => (buffers['>websocket.payload'] ?? buffers['<websocket.payload']).length)).toEqual([
    LONGEST_PAYLOAD, 60_000, LONGEST_PAYLOAD, 6, LONGEST_PAYLOAD,
  ]); // biome-ignore format: a list
  expect(transactions.flatMap(({ events }) => events)).toEqual([
    '>websocket.skip_end_of_payload',
    '>websocket.reassembly_limit_reached',
  ]);
});

test('messages that refer to those before them', () => {
  const seed = testSeed();
  const random = new Random(seed);
  const inflater = new MessageInflater(new BufferPool(), 50_000);
  let history = Buffer.alloc(0);
  for (let i = 0; i < 30; i++) {
    const words = Array.from({ length: 1 + random.next(2000) }, () =>
      random.pick(['alpha ', 'beta ', 'gamma ', `${random.next(1000)} `]),
    );
    const message = words.join('');
    const coded = history.length > 0 ? deflated(message, history) : deflated(message);
    expect([seed, Buffer.from(inflater.inflate(coded, 0, coded.length)).toString()]).toEqual([seed, message]);
    history = Buffer.concat([history, bytesOf(message)]).subarray(-32_768);
  }
});
