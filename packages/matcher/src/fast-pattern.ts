import type { ContentStep } from './keywords/content';
import type { BufferPart } from './rule-builder';
import { LOWER } from './search';

/** Longer patterns are cut: more bytes make the pattern hardly rarer, and streams must be re-read by its length. */
const LONGEST = 20;
/** What one more repetition of the same byte is worth: runs of one byte are common. */
const REPEATED = 1;

/** Bits of information a byte carries in ordinary traffic (text and binary protocols mixed), by estimate. */
const BITS = new Float64Array(256).fill(8);
for (let byte = 0x61; byte <= 0x7a; byte++) BITS[byte] = 5.5;
for (let byte = 0x41; byte <= 0x5a; byte++) BITS[byte] = 6.5;
for (let byte = 0x30; byte <= 0x39; byte++) BITS[byte] = 5.5;
for (const char of 'etaoinsr') BITS[char.charCodeAt(0)] = 4.5;
for (const char of ' ./-=:;,"<>&_\r\n') BITS[char.charCodeAt(0)] = 5;
for (const byte of [0x01, 0x02, 0x03, 0x04]) BITS[byte] = 6;
BITS[0x00] = 3;
BITS[0xff] = 5;

/** What the prefilter looks for: part of a content of the rule. */
export interface FastPattern {
  readonly step: ContentStep;
  readonly part: BufferPart;
  readonly bytes: Uint8Array;
  readonly caseless: boolean;
  /** The pattern ends at or before this place of the buffer; 0: anywhere. */
  readonly end: number;
  /** Estimated bits: every 10 make it a thousand times rarer. */
  readonly bits: number;
}

/** Estimated bits of information in `bytes[from, to)`. */
export function rarity(bytes: Uint8Array, caseless: boolean, from = 0, to = bytes.length): number {
  let bits = 0;
  let previous = -1;
  for (let i = from; i < to; i++) {
    const byte = caseless ? LOWER[bytes[i]] : bytes[i];
    bits += byte === previous ? REPEATED : BITS[byte];
    previous = byte;
  }
  return bits;
}

/**
 * Chooses what the prefilter looks for among the contents of `parts`: the one that the rule names, else the rarest.
 * @returns null where all contents are negated, or there is none
 */
export function chooseFastPattern(
  parts: readonly { part: BufferPart; contents: readonly ContentStep[] }[],
  named: { step: ContentStep; from: number; length: number } | null,
): FastPattern | null {
  let best: FastPattern | null = null;
  for (const { part, contents } of parts) {
    for (const step of contents) {
      if (step.negated) continue;
      if (named?.step === step) return cut(step, part, named.from, named.length);
      const pattern = cut(step, part, 0, step.bytes.length);
      if (!best || pattern.bits > best.bits) best = pattern;
    }
  }
  return best;
}

/** The rarest run of at most LONGEST bytes. */
function cut(step: ContentStep, part: BufferPart, from: number, length: number): FastPattern {
  let start = from;
  let size = length;
  if (length > LONGEST) {
    size = LONGEST;
    let best = -1;
    for (let at = from; at + LONGEST <= from + length; at++) {
      const bits = rarity(step.bytes, step.caseless, at, at + LONGEST);
      if (bits > best) {
        best = bits;
        start = at;
      }
    }
  }
  const bytes = step.bytes.subarray(start, start + size);
  const fixedEnd = step.fixedEnd;
  return {
    step,
    part,
    bytes,
    caseless: step.caseless,
    end: fixedEnd === 0 ? 0 : fixedEnd - (step.bytes.length - start - size),
    bits: rarity(bytes, step.caseless),
  };
}
