import type { Transform } from '../transform';

/**
 * A part of the buffer. Numbers below 0 count from its end: an offset to begin at, a length to stop before. With
 * `truncate` what lies outside of the buffer is left out, else nothing is left of it.
 * @param length null: to the end
 */
export function subslice(offset: number, length: number | null, truncate: boolean): Transform {
  return {
    key: `subslice:${offset},${length},${truncate}`,
    outputBound: (size) => size,
    apply(input, start, end, output, at) {
      const size = end - start;
      if (Math.abs(offset) > size && !truncate) return at;
      let first = offset >= 0 ? Math.min(offset, size) : size + Math.max(offset, -size);
      let last = size;
      if (length !== null) {
        last = length < 0 ? size + length : first + length;
        if ((last < 0 || last > size) && !truncate) return at;
        last = Math.max(0, Math.min(last, size));
      }
      if (last < first) [first, last] = [last, first];
      for (let i = start + first; i < start + last; i++) output[at++] = input[i];
      return at;
    },
  };
}
