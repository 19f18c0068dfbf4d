import { HeldBytes, PAGE_BYTES } from './held-bytes';
import { Random, seeds } from './random.fixture';

/** More than any test makes. */
const HOLES = 1000;

/** The same by one byte a map entry. */
class SlowHeld {
  kept = new Map<number, number>();
  waiting = new Map<number, number>();
  next = 0;

  value(offset: number): number | undefined {
    return this.kept.get(offset) ?? this.waiting.get(offset);
  }

  ranges(): [number, number][] {
    const result: [number, number][] = [];
    for (const offset of [...this.waiting.keys()].sort((a, b) => a - b)) {
      const last = result[result.length - 1];
      if (last !== undefined && last[1] === offset) last[1]++;
      else result.push([offset, offset + 1]);
    }
    return result;
  }
}

test.each(seeds(1))('holds what a map of bytes holds (SEED=%i)', (seed) => {
  const random = new Random(seed);
  const held = new HeldBytes(64 * PAGE_BYTES, 64 * PAGE_BYTES, HOLES);
  for (let life = 0; life < (process.env.PORTCULLIS_LONG ? 5 : 2); life++) {
    const base = random.chance(0.5) ? 0 : 2 ** 40 + random.below(100_000);
    const slow = new SlowHeld();
    slow.next = base;
    const record = held.open(base);
    expect(record).toBeGreaterThan(0);
    for (let round = 0; round < 60; round++) {
      const length = random.between(1, random.chance(0.1) ? 4000 : 200);
      const start = slow.next + (random.chance(0.4) ? 0 : random.below(12_000));
      const end = start + length;
      const source = random.bytes(length + 3);
      const at = random.below(4);
      const agrees = () => {
        for (let offset = start; offset < end; offset++) {
          const value = slow.value(offset);
          if (value !== undefined && value !== source[at + offset - start]) return false;
        }
        return true;
      };
      expect(held.matches(record, source, at, start, end)).toBe(agrees());
      for (let offset = start; offset < end; offset++) {
        const value = slow.value(offset);
        if (value !== undefined) source[at + offset - start] = value;
      }
      expect(held.matches(record, source, at, start, end)).toBe(true);

      if (held.hasRoom(record, start, end, start > slow.next)) {
        held.store(record, source, at, start, end);
        for (let offset = start; offset < end; offset++) {
          const map = start > slow.next ? slow.waiting : slow.kept;
          map.set(offset, source[at + offset - start]);
        }
        if (start > slow.next) {
          held.addRange(record, start, end);
        } else {
          slow.next = end;
          held.setKeptEnd(record, end);
          while (held.firstRange(record) <= slow.next) {
            slow.next = Math.max(slow.next, held.takeRange(record));
            held.setKeptEnd(record, slow.next);
          }
          for (const [offset, value] of [...slow.waiting])
            if (offset < slow.next) {
              slow.waiting.delete(offset);
              slow.kept.set(offset, value);
            }
        }
      }
      const thorough = round % 8 === 0;
      if (thorough) {
        const ranges = slow.ranges();
        expect(held.firstRange(record)).toBe(ranges[0]?.[0] ?? Number.POSITIVE_INFINITY);
        expect(held.lastRangeEnd(record)).toBe(ranges[ranges.length - 1]?.[1] ?? -1);
      }

      if (random.chance(0.3)) {
        const upTo = held.keptStart(record) + random.below(slow.next - held.keptStart(record) + 1);
        held.forget(record, upTo);
        for (const offset of [...slow.kept.keys()]) if (offset < upTo) slow.kept.delete(offset);
      }
      if (random.chance(0.02)) {
        held.dropRanges(record);
        slow.waiting.clear();
      }
      expect(held.isEmpty(record)).toBe(slow.kept.size + slow.waiting.size === 0);
      if (!thorough) continue;
      for (let offset = held.keptStart(record); offset < held.keptEnd(record); ) {
        held.piece(record, offset, held.keptEnd(record));
        for (let index = held.pieceStart; index < held.pieceEnd; index++, offset++) {
          if (held.bytes[index] !== slow.kept.get(offset)) throw new Error(`byte ${offset} differs`);
        }
      }
      const pages = new Set(
        [...slow.kept.keys(), ...slow.waiting.keys()].map((offset) => Math.floor(offset / PAGE_BYTES)),
      );
      // A page may stay for bytes that were forgotten, if others follow in it or will.
      expect(held.usedPages).toBeGreaterThanOrEqual(pages.size);
      expect(held.usedPages).toBeLessThanOrEqual(pages.size + 1);
    }
    held.close(record);
    expect(held.usedPages).toBe(0);
    expect(held.usedRecords).toBe(0);
  }
});

describe('bounds', () => {
  const bytes = new Uint8Array(PAGE_BYTES * 4);

  test('a direction holds no more than its share, the pool no more than all', () => {
    const held = new HeldBytes(8 * PAGE_BYTES, 3 * PAGE_BYTES, HOLES);
    const record = held.open(0);
    expect(held.hasRoom(record, 0, 3 * PAGE_BYTES, false)).toBe(true);
    expect(held.hasRoom(record, 0, 3 * PAGE_BYTES + 1, false)).toBe(false);
    held.store(record, bytes, 0, 0, 2 * PAGE_BYTES);
    expect(held.hasRoom(record, 2 * PAGE_BYTES, 3 * PAGE_BYTES, false)).toBe(true);
    expect(held.hasRoom(record, 2 * PAGE_BYTES, 4 * PAGE_BYTES, false)).toBe(false);
    const others = [held.open(0), held.open(0)];
    for (const other of others) held.store(other, bytes, 0, 0, 3 * PAGE_BYTES);
    expect(held.usedPages).toBe(8);
    expect(held.hasRoom(0, 0, 1, false)).toBe(false);
  });

  test('bytes out of order leave half of the pool to those in order', () => {
    const held = new HeldBytes(8 * PAGE_BYTES, 8 * PAGE_BYTES, HOLES);
    const record = held.open(0);
    expect(held.hasRoom(record, 10, 10 + 3 * PAGE_BYTES, true)).toBe(true);
    expect(held.hasRoom(record, 10, 10 + 4 * PAGE_BYTES, true)).toBe(false);
    expect(held.hasRoom(record, 0, 4 * PAGE_BYTES, false)).toBe(true);
  });

  test('there are as many ranges as pages', () => {
    const held = new HeldBytes(64 * PAGE_BYTES, 64 * PAGE_BYTES, HOLES);
    const record = held.open(0);
    for (let index = 0; index < 63; index++) {
      held.store(record, bytes, 0, 10 + index * 2, 11 + index * 2);
      held.addRange(record, 10 + index * 2, 11 + index * 2);
    }
    expect(held.hasRoom(record, 1000, 1001, true)).toBe(true);
    held.store(record, bytes, 0, 2000, 2001);
    held.addRange(record, 2000, 2001);
    expect(held.hasRoom(record, 1000, 1001, true)).toBe(false);
  });

  test('holes of one direction are limited; what joins a range makes none', () => {
    const held = new HeldBytes(64 * PAGE_BYTES, 64 * PAGE_BYTES, 2);
    const record = held.open(0);
    for (const start of [10, 20]) {
      expect(held.isWithinShare(record, start, start + 5)).toBe(true);
      held.store(record, bytes, 0, start, start + 5);
      held.addRange(record, start, start + 5);
    }
    const within = (start: number, end: number) => held.isWithinShare(record, start, end);
    expect([within(5, 9), within(16, 19), within(26, 30)]).toEqual([false, false, false]);
    expect([within(5, 10), within(15, 19), within(16, 20), within(25, 30)]).toEqual([true, true, true, true]);
  });

  test('an eighth of the share of a direction is left to what fills holes', () => {
    const held = new HeldBytes(64 * PAGE_BYTES, 8 * PAGE_BYTES, HOLES);
    expect(held.isWithinShare(0, PAGE_BYTES, 8 * PAGE_BYTES)).toBe(true);
    expect(held.isWithinShare(0, PAGE_BYTES, 8 * PAGE_BYTES + 1)).toBe(false);
    const record = held.open(0);
    held.store(record, bytes, 0, PAGE_BYTES, 4 * PAGE_BYTES);
    held.addRange(record, PAGE_BYTES, 4 * PAGE_BYTES);
    expect(held.isWithinShare(record, 4 * PAGE_BYTES, 8 * PAGE_BYTES)).toBe(true);
    expect(held.isWithinShare(record, 4 * PAGE_BYTES, 9 * PAGE_BYTES)).toBe(false);
    expect(held.hasRoom(record, 0, PAGE_BYTES, false)).toBe(true);
  });

  test.each([0, 100, 2 ** 31 + 1, Number.NaN])('a memcap of %p is refused', (memcap) => {
    expect(() => new HeldBytes(memcap, PAGE_BYTES, HOLES)).toThrow(RangeError);
  });
});
