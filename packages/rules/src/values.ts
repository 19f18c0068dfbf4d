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

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1024],
  ['kib', 1024],
  ['mb', 1024 ** 2],
  ['mib', 1024 ** 2],
  ['gb', 1024 ** 3],
  ['gib', 1024 ** 3],
]);

/** A number of bytes: `500`, `100kb`, `1mb`, `2gb` (powers of 1024, as in Suricata). Limits default to 0 … 2⁵³−1. */
export function parseSize(value: string, place: Place, limits: IntegerLimits): number {
  const text = value.trim();
  const found = /^(\d{1,16}|0x[0-9a-f]{1,13})[ \t]{0,8}([a-z]{0,3})$/i.exec(text);
  const unit = found ? UNITS.get(found[2].toLowerCase()) : undefined;
  if (!found || unit === undefined) {
    throw new RuleError(
      `${limits.what} has to be a size like 500, 100kb or 1mb, not '${text.slice(0, 40)}'`,
      place,
    );
  }
  const size = Number(found[1]) * unit;
  if (!Number.isSafeInteger(size)) throw new RuleError(`${limits.what} is too large`, place);
  return checkLimits(size, place, { maximum: Number.MAX_SAFE_INTEGER, ...limits });
}

/** How a number is compared with `value` (and `upper`). `<>` holds strictly between the two, `!<>` outside them. */
export interface Comparison {
  readonly operator: '=' | '!=' | '<' | '<=' | '>' | '>=' | '<>' | '!<>';
  readonly value: number;
  /** The second number of `<>` and `!<>`, else equal to `value`. */
  readonly upper: number;
}

/** `10`, `=10`, `!10`, `!=10`, `>10`, `>=10`, `<10`, `<=10`, `10<>20`, `10-20`, `!10-20`; sizes take units. */
export function parseComparison(value: string, place: Place, limits: IntegerLimits): Comparison {
  const text = value.trim();
  const range = /^(!?)([^<>=!-]{1,24})(?:<>|-)([^<>=!-]{1,24})$/.exec(text);
  if (range) {
    const lower = parseSize(range[2], place, limits);
    const upper = parseSize(range[3], place, limits);
    if (upper <= lower + 1 && range[1] === '') {
      throw new RuleError(`no ${limits.what} lies between ${lower} and ${upper}`, place);
    }
    if (upper <= lower) throw new RuleError(`range '${text.slice(0, 40)}' ends before it begins`, place);
    return { operator: range[1] === '' ? '<>' : '!<>', value: lower, upper };
  }
  const found = /^(!=|>=|<=|!|=|>|<)?(.{0,48})$/s.exec(text);
  if (!found) throw new RuleError(`'${text.slice(0, 40)}' is not a comparison`, place);
  const number = parseSize(found[2], place, limits);
  const written = found[1] ?? '=';
  const operator = (written === '!' ? '!=' : written) as Comparison['operator'];
  return { operator, value: number, upper: number };
}

export function comparisonHolds(comparison: Comparison, number: number): boolean {
  const { operator, value, upper } = comparison;
  switch (operator) {
    case '=':
      return number === value;
    case '!=':
      return number !== value;
    case '<':
      return number < value;
    case '<=':
      return number <= value;
    case '>':
      return number > value;
    case '>=':
      return number >= value;
    case '<>':
      return number > value && number < upper;
    case '!<>':
      return number <= value || number >= upper;
  }
}
