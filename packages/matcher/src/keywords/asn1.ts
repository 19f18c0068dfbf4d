import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { integer, invalid, required } from '../option-value';

/** Objects looked at in one buffer, as Suricata's `asn1-max-frames`. */
const MOST_OBJECTS = 256;
const DEEPEST = 16;
const LARGEST = 0x7fffffff;

const CONSTRUCTED = 0x20;
const CLASS_AND_NUMBER = 0xdf;
const BIT_STRING = 3;
const REAL = 9;
/** Digits of a REAL that are more than any number needs. */
const LONGEST_REAL = 256;

interface Checks {
  readonly bitStringOverflow: boolean;
  readonly doubleOverflow: boolean;
  /** -1: any length. */
  readonly oversize: number;
}

/** Walks BER (X.690 §8.1) and looks for objects that overrun decoders known to be weak. */
class Walk {
  private objects = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly checks: Checks,
  ) {}

  /** @returns true where an object in `bytes[start, end)` fails a check */
  finds(start: number, end: number, depth: number): boolean {
    let at = start;
    while (at < end) {
      if (++this.objects > MOST_OBJECTS) return false;
      const { bytes, checks } = this;
      const identifier = bytes[at++];
      if ((identifier & 0x1f) === 0x1f) {
        while (at < end && (bytes[at] & 0x80) !== 0) at++;
        at++;
      }
      if (at >= end) return false;
      const first = bytes[at++];
      let length = first;
      let indefinite = false;
      if (first >= 0x80) {
        const count = first & 0x7f;
        indefinite = count === 0;
        if (count > 8 || at + count > end) return false;
        length = 0;
        for (let i = 0; i < count; i++) length = length * 256 + bytes[at++];
      }
      const available = indefinite ? end - at : Math.min(length, end - at);
      if (!indefinite && this.fails(identifier, at, length, available)) return true;
      if (checks.oversize >= 0 && !indefinite && length > checks.oversize) return true;
      if ((identifier & CONSTRUCTED) !== 0) {
        if (depth < DEEPEST && this.finds(at, at + available, depth + 1)) return true;
      }
      at += available;
      if (indefinite) return false;
    }
    return false;
  }

  private fails(identifier: number, at: number, length: number, available: number): boolean {
    const { bytes, checks } = this;
    const tag = identifier & CLASS_AND_NUMBER;
    if (available === 0) return false;
    if (checks.bitStringOverflow && tag === BIT_STRING && (identifier & CONSTRUCTED) === 0) {
      // The first byte says how many bits of the last are unused: more than there are is an overrun.
      if (bytes[at] >> 3 > length - 1) return true;
    }
    if (checks.doubleOverflow && tag === REAL) {
      const form = bytes[at] & 0xc0;
      if ((form === 0 || form === 0x40) && length > LONGEST_REAL) return true;
    }
    return false;
  }
}

class Asn1Step extends BufferStep {
  constructor(
    private readonly checks: Checks,
    private readonly offset: number,
    private readonly isRelative: boolean,
  ) {
    super();
  }

  override get relative(): boolean {
    return this.isRelative;
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const from = (this.isRelative ? evaluation.position : 0) + this.offset;
    if (from < 0 || from >= evaluation.length) {
      evaluation.open = true;
      return 0;
    }
    if (!evaluation.spend(evaluation.length - from)) return -1;
    const walk = new Walk(evaluation.bytes, this.checks);
    if (walk.finds(evaluation.start + from, evaluation.end, 0)) return evaluation.run(at + 1);
    evaluation.open = true;
    return 0;
  }
}

/** `asn1:[bitstring_overflow][, double_overflow][, oversize_length N][, absolute_offset N|, relative_offset N]` */
export const asn1: Keyword = {
  names: ['asn1'],
  parse(option, rule) {
    const checks = { bitStringOverflow: false, doubleOverflow: false, oversize: -1 };
    let offset = 0;
    let relative = false;
    let placed = false;
    const value = required(option);
    // Words are parted by commas or blanks, a word and its number by a blank.
    const pattern =
      /(bitstring_overflow|double_overflow)|(oversize_length|absolute_offset|relative_offset)[\s,]+([+-]?\d+)|[^\s,]+/g;
    for (const found of value.matchAll(pattern)) {
      const index = found.index;
      if (found[1] === 'bitstring_overflow') checks.bitStringOverflow = true;
      else if (found[1] === 'double_overflow') checks.doubleOverflow = true;
      else if (found[2] === undefined) throw invalid(option, `unknown word "${found[0]}"`, index);
      else {
        const argument = { text: found[3], index: index + found[0].length - found[3].length };
        if (found[2] === 'oversize_length') checks.oversize = integer(option, argument, 0, LARGEST);
        else {
          if (placed) throw invalid(option, 'takes one offset', index);
          placed = true;
          relative = found[2] === 'relative_offset';
          offset = integer(option, argument, relative ? -65_535 : 0, 65_535);
        }
      }
    }
    if (!checks.bitStringOverflow && !checks.doubleOverflow && checks.oversize < 0) {
      throw invalid(option, 'needs something to look for');
    }
    rule.add(new Asn1Step(checks, offset, relative));
  },
};
