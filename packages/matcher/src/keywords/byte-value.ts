import type { RuleOption } from '@portcullis/rules';
import type { Evaluation } from '../evaluation';
import { type Argument, invalid } from '../option-value';
import type { RuleBuilder } from '../rule-builder';

/** How a number is written in the buffer. */
export interface NumberForm {
  /** As digits, in `base`; 0: by its prefix as in C. */
  text: boolean;
  base: 0 | 8 | 10 | 16;
  little: boolean;
  /** In the byte order that the DCERPC message says it has. */
  dce: boolean;
}

/** Digits of the longest 64-bit number: octal with a leading 0. */
export const MAX_TEXT_BYTES = 23;
export const MAX_BINARY_BYTES = 8;

/** The number last read by `readNumber`, as two unsigned words. One reader runs at a time. */
export const readValue = { high: 0, low: 0 };

/**
 * Reads a number of `count` bytes at `place` of the buffer (checked by the caller to lie in it) into `readValue`.
 * @returns bytes that the number takes, 0 where there is none
 */
export function readNumber(evaluation: Evaluation, place: number, count: number, form: NumberForm): number {
  const { bytes } = evaluation;
  const at = evaluation.start + place;
  if (form.text) return readDigits(bytes, at, count, form.base);
  const little = form.dce ? evaluation.context.dceLittleEndian : form.little;
  let high = 0;
  let low = 0;
  for (let i = 0; i < count; i++) {
    high = (high << 8) | (low >>> 24);
    low = (low << 8) | bytes[little ? at + count - 1 - i : at + i];
  }
  readValue.high = high >>> 0;
  readValue.low = low >>> 0;
  return count;
}

/** As C's strtoull: blanks, a sign, a base prefix, digits up to the first that is none. */
function readDigits(bytes: Uint8Array, at: number, count: number, base: number): number {
  const end = at + count;
  let i = at;
  while (i < end && (bytes[i] === 0x20 || (bytes[i] >= 9 && bytes[i] <= 13))) i++;
  let negative = false;
  if (i < end && (bytes[i] === 0x2b || bytes[i] === 0x2d)) negative = bytes[i++] === 0x2d;
  let radix = base;
  const zero = i < end && bytes[i] === 0x30;
  const hexPrefix = zero && i + 2 < end && (bytes[i + 1] | 0x20) === 0x78 && digitOf(bytes[i + 2]) < 16;
  if (radix === 0) radix = hexPrefix ? 16 : zero ? 8 : 10;
  if (radix === 16 && hexPrefix) i += 2;
  let high = 0;
  let low = 0;
  const first = i;
  for (; i < end; i++) {
    const digit = digitOf(bytes[i]);
    if (digit >= radix) break;
    const sum = low * radix + digit;
    low = sum % 0x100000000;
    high = high * radix + Math.floor(sum / 0x100000000);
    if (high > 0xffffffff) {
      // Too large for 64 bits: the largest there is, as strtoull.
      high = 0xffffffff;
      low = 0xffffffff;
    }
  }
  if (i === first) return 0;
  if (negative) {
    low = -low >>> 0;
    high = (low === 0 ? -high : ~high) >>> 0;
  }
  readValue.high = high;
  readValue.low = low;
  return i - at;
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 255;
}

/** Keeps the bits of `mask` of the value read and moves them down to bit 0. */
export function applyMask(mask: number): void {
  readValue.high = 0;
  readValue.low = (readValue.low & mask) >>> 0;
  let shift = 0;
  while (shift < 32 && ((mask >>> shift) & 1) === 0) shift++;
  if (shift < 32) readValue.low >>>= shift;
}

/** A number of a rule, or the variable that holds it. */
export interface Operand {
  readonly value: number;
  /** -1 where it is a number. */
  readonly variable: number;
}

/** Reads `12`, `-4`, `0x1f`, or the name of a variable. */
export function operand(
  option: RuleOption,
  rule: RuleBuilder,
  argument: Argument,
  minimum: number,
  maximum: number,
): Operand {
  if (/^[A-Za-z_]/.test(argument.text)) return { value: 0, variable: rule.variable(option, argument) };
  return { value: number(option, argument, minimum, maximum), variable: -1 };
}

/** A number, decimal or `0x…`. */
export function number(option: RuleOption, argument: Argument, minimum: number, maximum: number): number {
  if (!/^[+-]?(?:0[xX][0-9a-fA-F]{1,16}|\d{1,20})$/.test(argument.text)) {
    throw invalid(option, `"${argument.text}" is not a number`, argument.index);
  }
  const negative = argument.text.startsWith('-');
  const magnitude = Number(argument.text.replace(/^[+-]/, ''));
  const value = negative ? -magnitude : magnitude;
  if (value < minimum || value > maximum) {
    throw invalid(option, `${argument.text} is not between ${minimum} and ${maximum}`, argument.index);
  }
  return value;
}

/** A number or variable as a place: the low 32 bits, signed. */
export function placeOf(evaluation: Evaluation, source: Operand): number {
  return source.variable >= 0 ? evaluation.low[source.variable] | 0 : source.value;
}

/** Where a jump counts from. */
export type JumpBase = 'here' | 'start' | 'end';

/** What stands behind the fixed arguments of `byte_test`, `byte_jump`, `byte_extract`. */
export interface ByteOptions {
  readonly relative: boolean;
  readonly form: NumberForm;
  /** 0: none. */
  readonly mask: number;
  readonly multiplier: number;
  /** To a multiple of so many bytes; 0: as it is. */
  readonly align: number;
  readonly base: JumpBase;
  readonly postOffset: Operand;
}

/** Words of `ByteOptions` beside those of the number's form, which all keywords take. */
export type ByteWord = 'bitmask' | 'multiplier' | 'align' | 'align N' | 'base' | 'post_offset';

/**
 * Reads the words behind the fixed arguments.
 * @param known the words that the keyword takes
 */
export function byteOptions(
  option: RuleOption,
  rule: RuleBuilder,
  parts: readonly Argument[],
  known: readonly ByteWord[],
): ByteOptions {
  const form: NumberForm = { text: false, base: 0, little: false, dce: false };
  const seen = new Set<string>();
  let relative = false;
  let mask = 0;
  let multiplier = 1;
  let align = 0;
  let base: JumpBase = 'here';
  let postOffset: Operand = { value: 0, variable: -1 };
  for (const { text, index } of parts) {
    const [word, argument = ''] = text.split(/\s+/, 2);
    const given = { text: argument, index: index + text.length - argument.length };
    if (seen.has(word)) throw invalid(option, `"${word}" stands twice`, index);
    seen.add(word);
    const takes = (name: ByteWord) => known.includes(name);
    if (word === 'multiplier' && takes('multiplier')) multiplier = number(option, given, 1, 65_535);
    else if (word === 'post_offset' && takes('post_offset')) {
      postOffset = operand(option, rule, given, -65_535, 65_535);
    } else if (word === 'bitmask' && takes('bitmask')) mask = number(option, given, 1, 0xffffffff);
    else if (word === 'align' && takes('align N')) {
      align = number(option, given, 2, 4);
      if (align === 3) throw invalid(option, 'aligns to 2 or 4 bytes', given.index);
    } else if (text === 'align' && takes('align')) align = 4;
    else if (text === 'from_beginning' && takes('base')) base = 'start';
    else if (text === 'from_end' && takes('base')) base = 'end';
    else if (text === 'relative') relative = true;
    else if (!takeForm(form, text)) throw invalid(option, `unknown word "${text}"`, index);
  }
  const order = ['big', 'little', 'dce'].filter((word) => seen.has(word));
  if (order.length > 1) throw invalid(option, `"${order[0]}" and "${order[1]}" exclude each other`);
  const bases = ['hex', 'dec', 'oct'].filter((word) => seen.has(word));
  if (bases.length > 1) throw invalid(option, `"${bases[0]}" and "${bases[1]}" exclude each other`);
  if (bases.length > 0 && !form.text) throw invalid(option, `"${bases[0]}" is for "string"`);
  if (form.dce && form.text) throw invalid(option, '"dce" and "string" exclude each other');
  if (form.dce) rule.requireProtocol('dcerpc');
  return { relative, form, mask, multiplier, align, base, postOffset };
}

/** Takes the words that say how a number is written. @returns false where `word` is none of them */
export function takeForm(form: NumberForm, word: string): boolean {
  switch (word) {
    case 'string':
      form.text = true;
      return true;
    case 'hex':
      form.base = 16;
      return true;
    case 'dec':
      form.base = 10;
      return true;
    case 'oct':
      form.base = 8;
      return true;
    case 'big':
      form.little = false;
      return true;
    case 'little':
      form.little = true;
      return true;
    case 'dce':
      form.dce = true;
      return true;
    default:
      return false;
  }
}

/** Checks a constant count of bytes against the form. */
export function checkCount(option: RuleOption, argument: Argument, count: Operand, form: NumberForm): void {
  if (count.variable >= 0) return;
  const most = form.text ? MAX_TEXT_BYTES : MAX_BINARY_BYTES;
  if (count.value < 1 || count.value > most) {
    throw invalid(
      option,
      `cannot read ${count.value} bytes ${form.text ? 'as a string' : 'without "string"'}: 1 to ${most}`,
      argument.index,
    );
  }
}
