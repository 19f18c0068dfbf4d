import { type Place, RuleError } from './ast';
import { parseQuoted, placeAfter } from './values';

/** The pattern of a `content`. */
export interface ContentPattern {
  readonly negated: boolean;
  readonly bytes: Uint8Array;
}

const MAXIMUM_LENGTH = 65535;

/** What a file's bytes become where they are not UTF-8: which bytes they were is lost. */
const REPLACEMENT_CHARACTER = 0xfffd;

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x41 && code <= 0x46) return code - 0x41 + 10;
  if (code >= 0x61 && code <= 0x66) return code - 0x61 + 10;
  return -1;
}

/**
 * The bytes of a pattern text: plain characters (as UTF-8), `|0d 0a|` for bytes, `\"` `\;` `\:` `\\` escaped.
 * @param place of the text's first character
 */
export function decodePattern(text: string, place: Place): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '|') {
      at = decodeHex(text, at, bytes, place);
    } else if (character === '\\') {
      const escaped = text[++at] ?? '';
      if (escaped === '' || !'";:\\'.includes(escaped)) {
        throw new RuleError(
          `'\\${escaped}' is not an escape; only \\" \\; \\: and \\\\ are, other bytes are written as |5c|`,
          placeAfter(place, at - 1),
        );
      }
      bytes.push(escaped.charCodeAt(0));
    } else if (character === '"') {
      throw new RuleError('a double quote within a content is written as \\"', placeAfter(place, at));
    } else {
      const code = text.codePointAt(at) as number;
      if (code === REPLACEMENT_CHARACTER) {
        throw new RuleError(
          'bytes that are not UTF-8 are written in hexadecimal, |ff|',
          placeAfter(place, at),
        );
      }
      if (code < 0x80) bytes.push(code);
      else {
        for (const byte of Buffer.from(String.fromCodePoint(code))) bytes.push(byte);
        if (code > 0xffff) at++;
      }
    }
  }
  if (bytes.length === 0) throw new RuleError('the content is empty', place);
  if (bytes.length > MAXIMUM_LENGTH) {
    throw new RuleError(`the content is longer than ${MAXIMUM_LENGTH} bytes`, place);
  }
  return Uint8Array.from(bytes);
}

/** @returns the offset of the closing `|` */
function decodeHex(text: string, opened: number, bytes: number[], place: Place): number {
  let high = -1;
  for (let at = opened + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x7c) {
      if (high >= 0) throw new RuleError('a byte has two hexadecimal digits', placeAfter(place, at - 1));
      return at;
    }
    if (code === 0x20) continue;
    const digit = hexDigit(code);
    if (digit < 0) throw new RuleError(`'${text[at]}' is not a hexadecimal digit`, placeAfter(place, at));
    if (high < 0) {
      high = digit;
    } else {
      bytes.push(high * 16 + digit);
      high = -1;
    }
  }
  throw new RuleError("the '|' that opens the hexadecimal bytes is not closed", placeAfter(place, opened));
}

/**
 * Decodes the value of `content` (and of keywords that are written like it): `"abc|0d 0a|def"`, `!"abc"`.
 * @param place `valuePlace` of the option
 */
export function decodeContent(value: string, place: Place): ContentPattern {
  const quoted = parseQuoted(value, place);
  return { negated: quoted.negated, bytes: decodePattern(quoted.text, quoted.place) };
}
