import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { MAX_FEED, MAX_LINE } from './limits';

const LF = 0x0a;
const CR = 0x0d;
const READ_BYTES = 1 << 20;

/** The feed as a whole cannot be used; the message says why. */
export class FeedError extends Error {
  readonly code = 'FEED_UNUSABLE';
}

/**
 * Reads a file line by line, however large it is, with a buffer of one size. Lines that are too long are handed over
 * with `end` -1.
 *
 * @param onLine gets bytes that are valid during the call, without line end and (in the first line) byte order mark;
 *   `number` counts from 1
 * @throws FeedError where it cannot be read
 */
export function eachLine(
  path: string,
  onLine: (bytes: Uint8Array, start: number, end: number, number: number) => void,
): void {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new FeedError((error as Error).message);
  }
  try {
    const { size } = fstatSync(file);
    if (size > MAX_FEED) throw new FeedError(`${size} bytes are more than ${MAX_FEED}`);
    const buffer = new Uint8Array(MAX_LINE + READ_BYTES);
    let held = 0;
    let number = 0;
    /** The rest of a line of which the beginning was too long already. */
    let skipping = false;
    const line = (start: number, end: number) => {
      if (skipping) {
        skipping = false;
        return;
      }
      number++;
      let from = start;
      if (number === 1 && buffer[start] === 0xef && buffer[start + 1] === 0xbb && buffer[start + 2] === 0xbf)
        from = Math.min(start + 3, end);
      const to = end > from && buffer[end - 1] === CR ? end - 1 : end;
      onLine(buffer, from, to - from > MAX_LINE ? -1 : to, number);
    };
    for (let total = 0; total <= MAX_FEED; ) {
      const count = readSync(file, buffer, held, buffer.length - held, null);
      if (count === 0) break;
      total += count;
      const end = held + count;
      let start = 0;
      for (let at = buffer.indexOf(LF, held); at >= 0 && at < end; at = buffer.indexOf(LF, start)) {
        line(start, at);
        start = at + 1;
      }
      held = end - start;
      if (held > MAX_LINE) {
        if (!skipping) line(start, end);
        skipping = true;
        held = 0;
      } else buffer.copyWithin(0, start, end);
    }
    if (held > 0) line(0, held);
  } catch (error) {
    if (error instanceof FeedError) throw error;
    throw new FeedError((error as Error).message);
  } finally {
    closeSync(file);
  }
}
