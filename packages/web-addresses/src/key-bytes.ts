/** Bytes of addresses four at a time: hashing and comparing them is most of a look-up that finds something. */

/** Bytes that must be readable behind the last one of what is hashed or compared. */
export const SLACK = 4;

const LITTLE = true;

/** The first `count` (1 to 3) bytes of a word. */
function firstBytes(word: number, count: number): number {
  return word & ((1 << (count << 3)) - 1);
}

/** One part of a key, with the state of what stands before it. */
export function hashPart(
  bytes: DataView,
  from: number,
  to: number,
  state: number,
  multiplier: number,
): number {
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const mixed = Math.imul(state ^ bytes.getInt32(at, LITTLE), multiplier);
    state = mixed ^ (mixed >>> 15);
  }
  if (at === to) return state;
  const mixed = Math.imul(state ^ firstBytes(bytes.getInt32(at, LITTLE), to - at), multiplier);
  return mixed ^ (mixed >>> 15);
}

/** What makes a hash of the state behind the last part (the finaliser of MurmurHash3). */
export function hashEnd(state: number): number {
  let hash = state ^ (state >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Whether `length` bytes are the same here and there. */
export function sameBytes(a: DataView, atA: number, b: DataView, atB: number, length: number): boolean {
  let done = 0;
  for (; done + 4 <= length; done += 4)
    if (a.getInt32(atA + done, LITTLE) !== b.getInt32(atB + done, LITTLE)) return false;
  if (done === length) return true;
  const differ = a.getInt32(atA + done, LITTLE) ^ b.getInt32(atB + done, LITTLE);
  return firstBytes(differ, length - done) === 0;
}
