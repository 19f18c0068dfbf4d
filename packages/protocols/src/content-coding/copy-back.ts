import type { ByteSink } from './inflate';

/** From so many bytes on, the engine's own loops are worth their call. */
const LONG_COPY = 48;

/**
 * Writes `count` bytes more, which stand `distance` bytes before the end; where that is fewer, what has just been written is
 * repeated. There must be room for them.
 */
export function copyBack(sink: ByteSink, count: number, distance: number): void {
  const { bytes, end } = sink;
  const stop = end + count;
  // A bomb is made of long runs of one byte.
  if (count >= LONG_COPY && distance === 1) bytes.fill(bytes[end - 1], end, stop);
  else if (count >= LONG_COPY && distance >= count) bytes.copyWithin(end, end - distance, stop - distance);
  else for (let at = end; at < stop; at++) bytes[at] = bytes[at - distance];
  sink.end = stop;
}
