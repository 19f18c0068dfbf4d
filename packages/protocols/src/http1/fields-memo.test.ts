/** Heads that take over fields from a memo, against heads that read every byte. */
import { Random, testSeed } from '../../testing/random';
import { BufferPool } from '../buffer-pool';
import { ROW } from './field-table';
import { FieldsMemo } from './fields-memo';
import { Head, HeadStatus } from './head';
import { DEFAULT_LIMITS } from './limits';

const SEED = testSeed();
const NAMES = ['Host', 'Accept', 'accept', 'Cookie', 'X-One', 'x-two', 'Content-Length', 'User-Agent'];
/** Hardly ever anything else: what is ordinary is to be kept. */
const ODD_LINES = [
  'no colon\r\n',
  ': nameless\r\n',
  'Host: alone\n',
  'Host: alone\r',
  ' folded\r\n',
  'Na me: v\r\n',
  'A :b\r\n',
];

class SeenMemo extends FieldsMemo {
  found = 0;
  override find(bytes: Uint8Array, start: number, end: number): number {
    const entry = super.find(bytes, start, end);
    if (entry >= 0) this.found++;
    return entry;
  }
}

class NoMemo extends FieldsMemo {
  override find(): number {
    return -1;
  }
}

function block(random: Random): string {
  let text = '';
  for (let field = 1 + random.next(9); field > 0; field--) {
    if (random.next(40) === 0) text += random.pick(ODD_LINES);
    else
      text += `${random.pick(NAMES)}:${random.pick(['', ' '])}${'v'.repeat(random.next(12))}${random.next(50)}\r\n`;
  }
  return `${text}${random.pick(['\r\n', '\r\n', '\r\n', '\n', '\r\r\n', ''])}`;
}

/** Longer than what its entry is found by, and nothing to tell of it: whatever the seed, many of these are taken over. */
function ordinaryBlock(random: Random): string {
  const field = (name: string) => `${name}: ${'v'.repeat(10 + random.next(10))}${random.next(50)}\r\n`;
  return `${['Host', 'Accept', 'Cookie', 'X-One', 'x-two', 'User-Agent'].map(field).join('')}\r\n`;
}

/** What a head says after each of the pieces that it comes in. */
function read(memo: FieldsMemo, text: string, pieces: readonly number[], response: boolean, closed: boolean) {
  const head = new Head(DEFAULT_LIMITS, new BufferPool(), memo);
  const bytes = Buffer.from(`..${text}`, 'latin1');
  const told: unknown[] = [];
  let at = 2;
  for (const end of pieces) {
    if (at === 2) head.begin(bytes, at, end, response);
    else head.append(bytes, at, end);
    at = end;
    let status: number = HeadStatus.START_LINE;
    if (head.lineEnd < 0) status = head.scanStartLine(false);
    if (status === HeadStatus.START_LINE) status = head.scanFields(closed && end === bytes.length);
    const { count, flags, length, blockStart, blockEnd, lineEnd } = head;
    told.push({ status, count, flags, length, blockStart, blockEnd, lineEnd });
    told.push([...head.rows.subarray(0, count * ROW)], [...head.firstOf]);
    if (status !== HeadStatus.INCOMPLETE) break;
  }
  return told;
}

test(`fields that are taken over are those that reading finds (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const memo = new SeenMemo();
  const blocks = Array.from({ length: 20 }, (_, n) => (n < 10 ? block(random) : ordinaryBlock(random)));
  for (let n = 0; n < 4000; n++) {
    const response = random.next(2) === 0;
    const line = response ? 'HTTP/1.1 200 OK\r\n' : `GET /${'a'.repeat(random.next(30))} HTTP/1.1\r\n`;
    const text = `${line}${random.pick(blocks)}${random.pick(['', 'body', '\r\nGET', ' x'])}`;
    const last = text.length + 2;
    const pieces = random.next(4) === 0 ? [3 + random.next(last - 3), last] : [last];
    const closed = random.next(4) === 0;
    const expected = read(new NoMemo(), text, pieces, response, closed);
    const told = read(memo, text, pieces, response, closed);
    if (JSON.stringify(told) !== JSON.stringify(expected))
      expect({ seed: SEED, text, told }).toEqual({ seed: SEED, text, told: expected });
  }
  expect(memo.found).toBeGreaterThan(100);
});

test('a block that differs in one byte, or is not there in whole, is read', () => {
  const memo = new SeenMemo();
  const fields = 'Host: example\r\nUser-Agent: one and the same\r\nAccept: text/html\r\n\r\n';
  const text = `GET / HTTP/1.1\r\n${fields}`;
  const whole = [text.length + 2];
  for (let n = 0; n < 3; n++) read(memo, text, whole, false, false);
  expect(memo.found).toBe(1);
  for (let at = 16; at < text.length - 4; at++) {
    const other = `${text.slice(0, at)}#${text.slice(at + 1)}`;
    expect(read(memo, other, whole, false, false)).toEqual(read(new NoMemo(), other, whole, false, false));
    const cut = [2 + at, text.length + 2];
    expect(read(memo, text, cut, false, false)).toEqual(read(new NoMemo(), text, cut, false, false));
  }
  expect(memo.found).toBe(1);
});

test('longer blocks are not kept', () => {
  const memo = new SeenMemo();
  const text = `GET / HTTP/1.1\r\nCookie: ${'c'.repeat(1100)}\r\n\r\n`;
  for (let n = 0; n < 4; n++) read(memo, text, [text.length + 2], false, false);
  expect(memo.found).toBe(0);
});
