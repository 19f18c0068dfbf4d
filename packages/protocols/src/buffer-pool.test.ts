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
