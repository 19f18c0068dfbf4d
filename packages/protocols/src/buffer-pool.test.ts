import { BufferPool, PooledBytes } from './buffer-pool';

test('gives what was given back', () => {
  const pool = new BufferPool();
  const buffer = pool.take(700);
  expect(buffer.length).toBe(1024);
  pool.give(buffer);
  expect(pool.take(513)).toBe(buffer);
  expect(pool.take(513)).not.toBe(buffer);
  expect(pool.take(0).length).toBe(512);
  expect(pool.take(BufferPool.LARGEST).length).toBe(BufferPool.LARGEST);
  expect(() => pool.take(BufferPool.LARGEST + 1)).toThrow(RangeError);
});

test('keeps no more than its limit', () => {
  const pool = new BufferPool(1000);
  const buffer = pool.take(1024);
  pool.give(buffer);
  expect(pool.take(1024)).not.toBe(buffer);
});

test('buffers of a size that was wanted once make room for those that are wanted now', () => {
  const pool = new BufferPool(1 << 20);
  const small = Array.from({ length: 2048 }, () => pool.take(512));
  for (const buffer of small) pool.give(buffer);
  const large = pool.take(300_000);
  pool.give(large);
  expect(pool.take(300_000)).toBe(large);
  pool.give(large);
  // Half a megabyte of each is what there is room for: two of the large ones would leave nothing for others.
  pool.give(new Uint8Array(1 << 19));
  expect(pool.take(300_000)).toBe(large);
  expect(pool.take(300_000)).not.toBe(large);
  const kept = new Set(small);
  expect(Array.from({ length: 1024 }, () => pool.take(512)).every((buffer) => kept.has(buffer))).toBe(true);
  expect(kept.has(pool.take(512))).toBe(false);
});

test('a buffer beyond the limit is not kept, whatever else is', () => {
  const pool = new BufferPool(2000);
  pool.give(pool.take(512));
  const large = pool.take(4096);
  pool.give(large);
  expect(pool.take(4096)).not.toBe(large);
});

test('bytes grow up to their limit', () => {
  const pool = new BufferPool();
  const bytes = new PooledBytes(pool, 3000);
  expect(bytes.append(new Uint8Array(2000).fill(1), 0, 2000)).toBe(2000);
  expect(bytes.append(new Uint8Array(2000).fill(2), 0, 2000)).toBe(1000);
  expect(bytes.append(new Uint8Array(10), 0, 10)).toBe(0);
  expect(bytes.reserve()).toBe(bytes.end);
  expect(bytes.bytes.slice(1999, 2001)).toEqual(new Uint8Array([1, 2]));
  const { bytes: held } = bytes;
  bytes.clear();
  expect(pool.take(held.length)).toBe(held);
});
