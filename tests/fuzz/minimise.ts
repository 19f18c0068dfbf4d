import { decodeRecords, encodeRecords } from './records';
import type { Shape } from './target';

const MOST_TRIES = 3000;

/**
 * Makes an input smaller as long as it goes on failing in the same way: whole records first, then stretches of bytes,
 * then single bytes to something plain.
 *
 * @param fails runs an input. @returns whether it fails as the first one did
 * @param seconds after which what has been reached is enough
 */
export async function minimise(
  input: Uint8Array,
  shape: Shape,
  fails: (input: Uint8Array) => Promise<boolean>,
  seconds: number,
): Promise<Uint8Array> {
  const deadline = Date.now() + seconds * 1000;
  let tries = 0;
  let best = input;
  const better = async (candidate: Uint8Array): Promise<boolean> => {
    if (++tries > MOST_TRIES || Date.now() > deadline || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  if (shape === 'records') {
    for (let at = decodeRecords(best).length - 1; at >= 0; at--) {
      const records = decodeRecords(best);
      records.splice(at, 1);
      await better(encodeRecords(records));
    }
    for (let at = 0; at < decodeRecords(best).length; at++) {
      for (let size = decodeRecords(best)[at]?.bytes.length ?? 0; size >= 1; size >>= 1) {
        for (let from = 0; ; ) {
          const records = decodeRecords(best);
          const record = records[at];
          if (record === undefined || from + size > record.bytes.length) break;
          records[at] = { kind: record.kind, bytes: without(record.bytes, from, size) };
          if (!(await better(encodeRecords(records)))) from += size;
        }
      }
    }
  } else {
    for (let size = best.length; size >= 1; size >>= 1) {
      for (let from = 0; from + size <= best.length; )
        if (!(await better(without(best, from, size)))) from += size;
    }
  }
  for (let at = 0; at < best.length; at++) {
    const plain = Uint8Array.from(best);
    if (plain[at] === 0x61 || plain[at] === 0) continue;
    plain[at] = shape === 'text' ? 0x61 : 0;
    await better(plain);
  }
  return best;
}

function without(bytes: Uint8Array, from: number, size: number): Uint8Array {
  const out = new Uint8Array(bytes.length - size);
  out.set(bytes.subarray(0, from));
  out.set(bytes.subarray(from + size), from);
  return out;
}
