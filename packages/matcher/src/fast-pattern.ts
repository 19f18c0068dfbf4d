import { type ContentPlace, placesOf } from './content-places';
import type { ContentStep } from './keywords/content';
import type { BufferPart } from './rule-builder';
import { LOWER } from './search';

/** Longer patterns are cut: more bytes make the pattern hardly rarer, and streams must be re-read by its length. */
const LONGEST = 20;
/** Shorter patterns are not cut: they would be found too often. */
const SHORTEST = 3;
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

/**
 * What ordinary requests and responses are full of, in lower case. A pattern that is part of this says nothing, however
 * rare its bytes are.
 */
const ORDINARY = [
  'get / http/1.1\r\nhost: www. post / http/1.0\r\nhost: head / http/1.1\r\nhost: http/1.1 200 ok\r\nserver: ',
  '\r\nhost\r\nuser-agent\r\naccept\r\naccept-language\r\naccept-encoding\r\nconnection\r\n\r\n',
  '\r\nhost\r\nconnection\r\ncontent-length\r\naccept\r\nuser-agent\r\ncontent-type\r\naccept-encoding\r\n\r\n',
  '\r\naccept\r\nuser-agent\r\nhost\r\ncookie\r\nreferer\r\ncontent-type\r\ncontent-length\r\ncache-control\r\n\r\n',
  // Heads of programs: curl and ApacheBench, wget, Go, Python, and what else says no more than it must.
  '\r\nhost\r\nuser-agent\r\naccept\r\n\r\n \r\nuser-agent\r\naccept\r\naccept-encoding\r\nhost\r\nconnection\r\n\r\n',
  '\r\nhost\r\nuser-agent\r\naccept-encoding\r\n\r\n \r\nhost\r\nuser-agent\r\naccept-encoding\r\naccept\r\nconnection\r\n\r\n',
  '\r\nhost\r\n\r\n \r\nhost\r\nconnection\r\n\r\n \r\nhost\r\nuser-agent\r\nconnection\r\n\r\n \r\nconnection\r\nhost\r\n\r\n',
  '\r\nconnection: close\r\n\r\n \r\nconnection: keep-alive\r\n\r\n \r\nconnection: keep-alive\r\nuser-agent: \r\naccept: */*\r\n\r\n',
  '\r\nhost: www.\r\nuser-agent: mozilla/5.0 (\r\naccept: */*\r\naccept-language: en-us,en;q=0.5\r\n',
  '\r\naccept-encoding: gzip, deflate, br\r\nconnection: keep-alive\r\ncontent-type: application/x-www-form-urlencoded\r\n',
  '\r\ncontent-length: \r\ncookie: \r\nreferer: https://www.\r\ncache-control: no-cache\r\npragma: no-cache\r\n',
  '\r\naccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n',
  'mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 (khtml, like gecko) chrome/115.0 safari/537.36',
  'mozilla/5.0 (x11; linux x86_64; rv:109.0) gecko/20100101 firefox/115.0 mozilla/4.0 (compatible; msie 6.0; windows nt 5.1)',
  'http://www. https://www. text/plain; charset=utf-8 application/json application/octet-stream image/png text/css',
  '<html><head><title></title><script type="text/javascript"></script><body><div class=""></div></body></html>',
  '.com .net .org .php .html .htm .jpg .png .gif .css .js /index.html /api/v1/ /images/ index.php ?id= &id=',
];
/** What the bits of an ordinary pattern are worth: the longer one is still the better one. */
const ORDINARY_WORTH = 0.12;

/** What the prefilter looks for: part of a content of the rule. */
export interface FastPattern {
  readonly step: ContentStep;
  readonly part: BufferPart;
  readonly bytes: Uint8Array;
  readonly caseless: boolean;
  /** The pattern ends at or before this place of the buffer; 0: anywhere. */
  readonly end: number;
  /** Where it ends at or before such a place: it begins at or behind this one. */
  readonly from: number;
  /** The pattern is the end of the content: where it is found, all of the content is there. */
  readonly atEnd: boolean;
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

function isOrdinary(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('latin1').toLowerCase();
  return ORDINARY.some((sample) => sample.includes(text));
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
    const places = placesOf(part.steps);
    for (const step of contents) {
      if (step.negated) continue;
      const isNamed = named?.step === step;
      const pattern = isNamed
        ? cut(step, part, places.get(step), named.from, named.length)
        : cut(step, part, places.get(step), 0, step.bytes.length);
      // What the rule names counts, unless it is in every other request.
      if (isNamed && !isOrdinary(pattern.bytes)) return pattern;
      if (!best || pattern.bits > best.bits) best = pattern;
    }
  }
  return best;
}

/** The rarest run of at most LONGEST bytes. */
function cut(
  step: ContentStep,
  part: BufferPart,
  place: ContentPlace | undefined,
  from: number,
  length: number,
): FastPattern {
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
  // What the cut leaves is not to be what ordinary traffic is full of, where another one would not be.
  if (length > LONGEST && isOrdinary(step.bytes.subarray(start, start + size))) {
    let best = -1;
    for (let at = from; at + LONGEST <= from + length; at++) {
      if (isOrdinary(step.bytes.subarray(at, at + LONGEST))) continue;
      const bits = rarity(step.bytes, step.caseless, at, at + LONGEST);
      if (bits <= best) continue;
      best = bits;
      start = at;
    }
  }
  const [uncutStart, uncutSize] = [start, size];
  // A run at either end adds little, and costs much where traffic is one long run (of zeros, mostly).
  while (size > SHORTEST && step.bytes[start + size - 1] === step.bytes[start + size - 2]) size--;
  while (size > SHORTEST && step.bytes[start] === step.bytes[start + 1]) {
    start++;
    size--;
  }
  if (isOrdinary(step.bytes.subarray(start, start + size))) {
    start = uncutStart;
    size = uncutSize;
  }
  const bytes = step.bytes.subarray(start, start + size);
  const bound = place !== undefined && place.end > 0 ? place : null;
  return {
    step,
    part,
    bytes,
    caseless: step.caseless,
    end: bound === null ? 0 : bound.end - (step.bytes.length - start - size),
    from: bound === null ? 0 : bound.from + start,
    atEnd: start + size === step.bytes.length,
    bits: rarity(bytes, step.caseless) * (isOrdinary(bytes) ? ORDINARY_WORTH : 1),
  };
}
