import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | null = null;

/** All of this thread's garbage, now. */
export function collectGarbage(): void {
  if (collect === null) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}

/** Bytes in use. What was there before is garbage bit by bit: collected until nothing more comes of it. */
function used(): number {
  let before = Number.POSITIVE_INFINITY;
  for (;;) {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const now = heapUsed + arrayBuffers;
    if (now > before * 0.999) return now;
    before = now;
  }
}

const ATTEMPTS = 5;

/**
 * What one of `count` objects takes that are all there, in bytes, beside what all of them share. What others have left behind
 * goes at any time: what is not within `[least, most]` is measured again, some times.
 */
export function bytesOfEach(
  count: number,
  make: () => unknown,
  least = 0,
  most = Number.POSITIVE_INFINITY,
): number {
  for (let attempt = 1; ; attempt++) {
    const all = new Array<unknown>(count).fill(null);
    make();
    const before = used();
    for (let i = 0; i < count; i++) all[i] = make();
    const each = (used() - before) / all.length;
    if ((each >= least && each <= most) || attempt === ATTEMPTS) return each;
  }
}
