/**
 * Forms of values that many keywords share. Each takes the value's text and place and points its errors at the
 * exact character.
 */

import { type Place, RuleError } from './ast';

/** The place `offset` characters further on the same line. */
export function placeAfter(place: Place, offset: number): Place {
  return { line: place.line, column: place.column + offset };
}

/** A value without its quotes. */
export interface QuotedValue {
  /** There was a `!` before the quote. */
  readonly negated: boolean;
  /** The text between the quotes, escapes still in it. */
  readonly text: string;
  /** Where that text begins. */
  readonly place: Place;
}

/** Reads `"text"` or `!"text"`. */
export function parseQuoted(value: string, place: Place): QuotedValue {
  let at = 0;
  const negated = value[0] === '!';
  if (negated) {
    at++;
    while (value[at] === ' ' || value[at] === '\t') at++;
  }
  if (value[at] !== '"')
    throw new RuleError('the value has to stand in double quotes', placeAfter(place, at));
  if (value.length < at + 2 || !value.endsWith('"')) {
    throw new RuleError('the closing double quote is missing', placeAfter(place, value.length));
  }
  return { negated, text: value.slice(at + 1, -1), place: placeAfter(place, at + 1) };
}

/** Text for people (`msg`): quotes are optional, a backslash stands for the character behind it. */
export function decodeText(value: string): string {
  const quoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"');
  const text = quoted ? value.slice(1, -1) : value;
  return text.includes('\\') ? text.replace(/\\(.)/g, '$1') : text;
}

/** An item of a comma list. */
export interface ListItem {
  readonly text: string;
  readonly place: Place;
}

/** Splits at commas outside quotes, trims the items. An empty item stays, so that keywords can refuse it. */
export function parseList(value: string, place: Place): ListItem[] {
  const items: ListItem[] = [];
  let quoted = false;
  let start = 0;
  for (let at = 0; at <= value.length; at++) {
    const character = value[at];
    if (character === '\\') {
      at++;
      if (at < value.length) continue;
    }
    if (character === '"') quoted = !quoted;
    if (at < value.length && (character !== ',' || quoted)) continue;
    const raw = value.slice(start, at);
    const text = raw.trimStart();
    items.push({ text: text.trimEnd(), place: placeAfter(place, start + raw.length - text.length) });
    start = at + 1;
  }
  return items;
}

export interface IntegerLimits {
  /** How messages name the value: `depth`. */
  readonly what: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

function checkLimits(number: number, place: Place, limits: IntegerLimits): number {
  const { what, minimum = 0, maximum = 0xffff_ffff } = limits;
  if (number < minimum || number > maximum) {
    throw new RuleError(`${what} has to be from ${minimum} to ${maximum}, not ${number}`, place);
  }
  return number;
}

/** Decimal or `0x` hexadecimal, with a sign where the limits allow one. Limits default to 0 … 2³²−1. */
export function parseInteger(value: string, place: Place, limits: IntegerLimits): number {
  const text = value.trim();
  const found = /^([+-]?)(\d{1,16}|0x[0-9a-f]{1,13})$/i.exec(text);
  if (!found)
    throw new RuleError(`${limits.what} has to be a whole number, not '${text.slice(0, 40)}'`, place);
  const magnitude = Number(found[2]);
  if (!Number.isSafeInteger(magnitude)) throw new RuleError(`${limits.what} is too large`, place);
  return checkLimits(found[1] === '-' && magnitude > 0 ? -magnitude : magnitude, place, limits);
}
