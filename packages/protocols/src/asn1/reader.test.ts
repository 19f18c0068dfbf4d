import { Random, rounds, testSeed } from '../../testing/random';
import { Asn1Fault, Asn1Reader, elementSize, Tag } from './reader';

const reader = new Asn1Reader();
const hex = (text: string) => Buffer.from(text.replace(/ /g, ''), 'hex');
const over = (text: string) => {
  const bytes = hex(text);
  return reader.over(bytes, 0, bytes.length);
};

test('elements one after the other, and inside each other', () => {
  over('30 06 02 01 05 04 01 61 05 00');
  expect(reader.next()).toBe(true);
  expect([reader.first, reader.length, reader.constructed]).toEqual([Tag.SEQUENCE, 6, true]);
  const inner = new Asn1Reader().inside(reader);
  expect(inner.take(Tag.OCTET_STRING)).toBe(false);
  expect(inner.take(Tag.INTEGER)).toBe(true);
  expect(inner.integer()).toBe(5);
  expect(inner.take(Tag.OCTET_STRING)).toBe(true);
  expect(inner.holds(hex('61'))).toBe(true);
  expect(inner.done).toBe(true);
  expect(inner.next()).toBe(false);
  expect(inner.fault).toBe(Asn1Fault.NONE);
  expect(reader.take(Tag.NULL)).toBe(true);
  expect(reader.done).toBe(true);
});

test.each([
  ['30', Asn1Fault.TRUNCATED],
  ['30 05 02 01', Asn1Fault.TRUNCATED],
  ['30 82 01', Asn1Fault.TRUNCATED],
  ['30 80 00 00', Asn1Fault.MALFORMED],
  ['30 85 00 00 00 00 00', Asn1Fault.MALFORMED],
  ['30 84 ff ff ff ff 00', Asn1Fault.TRUNCATED],
  ['1f ff ff ff ff 01 00', Asn1Fault.MALFORMED],
  ['1f 81', Asn1Fault.TRUNCATED],
])('%s is refused', (text, fault) => {
  expect(over(text).next()).toBe(false);
  expect(reader.fault).toBe(fault);
  expect(reader.next()).toBe(false);
  expect(reader.peek()).toBe(-1);
});

test('numbers', () => {
  for (const [text, value] of [
    ['02 01 7f', 127],
    ['02 01 ff', -1],
    ['02 02 00 80', 128],
    ['02 04 ff ff ff 7f', -129],
    ['02 06 7f ff ff ff ff ff', 0x7fffffffffff],
  ] as const) {
    over(text).next();
    expect(reader.integer()).toBe(value);
  }
  over('02 00').next();
  expect(reader.integer()).toBeNaN();
  over('02 07 01 00 00 00 00 00 00').next();
  expect(reader.integer()).toBeNaN();
});

test('object identifiers', () => {
  for (const [text, value] of [
    ['06 03 55 04 03', '2.5.4.3'],
    ['06 09 2a 86 48 86 f7 0d 01 09 01', '1.2.840.113549.1.9.1'],
    ['06 02 88 37', '2.999'],
    ['06 02 2a 86', ''],
    ['06 00', ''],
  ]) {
    over(text).next();
    expect(reader.objectIdentifier()).toBe(value);
  }
});

test('high tag numbers', () => {
  over('7f 81 01 02 05 00').next();
  expect([reader.tagClass, reader.number, reader.constructed, reader.length]).toEqual([1, 129, true, 2]);
});

/** The same by recursion over arrays: what `next` accepts, and where it ends. */
function slowSize(bytes: number[]): number | null {
  const [first, ...afterTag] = bytes;
  if (first === undefined) return null;
  let rest = afterTag;
  let used = 1;
  if ((first & 31) === 31) {
    const last = rest.findIndex((c) => c < 128);
    if (last < 0 || last > 3) return null;
    rest = rest.slice(last + 1);
    used += last + 1;
  }
  const [length, ...afterLength] = rest;
  if (length === undefined) return null;
  if (length < 128) return length <= afterLength.length ? used + 1 + length : null;
  const count = length - 128;
  if (count < 1 || count > 4 || count > afterLength.length) return null;
  const size = Number(`0x${Buffer.from(afterLength.slice(0, count)).toString('hex')}`);
  return size <= afterLength.length - count ? used + 1 + count + size : null;
}

test('random bytes are read as by the slow twin', () => {
  const seed = testSeed();
  const random = new Random(seed);
  let accepted = 0;
  for (let round = 0; round < rounds(4000, 20_000); round++) {
    const bytes = Uint8Array.from({ length: random.next(12) }, (_, i) =>
      i < 6 && random.next(2) === 0
        ? random.pick([0, 1, 2, 3, 0x1f, 0x7f, 0x80, 0x81, 0x82, 0x84])
        : random.next(256),
    );
    const wanted = slowSize([...bytes]);
    const taken = reader.over(bytes, 0, bytes.length).next();
    const size = taken ? reader.at : null;
    const framed = wanted === null ? wanted : elementSize(bytes, 0, bytes.length);
    if (size !== wanted || framed !== wanted) {
      expect({ seed, round, bytes, size, framed }).toEqual({
        seed,
        round,
        bytes,
        size: wanted,
        framed: wanted,
      });
    }
    if (wanted !== null) accepted++;
  }
  expect(accepted).toBeGreaterThan(rounds(200, 1000));
});
