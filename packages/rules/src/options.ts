import type { Place, RuleOption } from './ast';
import type { RuleText } from './position';

/** Keeps offsets only: there are hundreds of thousands of options, and a place is asked for only in errors. */
class ParsedOption implements RuleOption {
  constructor(
    readonly keyword: string,
    readonly value: string | null,
    private readonly rule: RuleText,
    private readonly offset: number,
    private readonly valueOffset: number,
  ) {}

  get place(): Place {
    return this.rule.place(this.offset);
  }

  get valuePlace(): Place {
    return this.rule.place(this.valueOffset);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const isBlank = (code: number) => code === 0x20 || code === 0x09;

/** Letters, digits, `.`, `_`, `-`. */
function isKeywordCharacter(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x2e ||
    code === 0x5f ||
    code === 0x2d
  );
}

/** Keywords repeat in every rule: one string each. The names of the language are few, those of hostile files are not. */
const keywordNames = new Map<string, string>();
const KEYWORD_NAMES_KEPT = 1024;

function keywordName(text: string): string {
  const known = keywordNames.get(text);
  if (known !== undefined) return known;
  const name = text.toLowerCase();
  if (keywordNames.size < KEYWORD_NAMES_KEPT) keywordNames.set(text, name);
  return name;
}

/** Whether the quote at `at` closes a quoted text: one behind an odd number of backslashes belongs to it. */
function isClosingQuote(text: string, at: number, opened: number): boolean {
  let backslashes = 0;
  while (at - 1 - backslashes > opened && text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 0;
}

/**
 * Where the value that begins at `start` ends: at the first `;` that is not escaped and, in a quoted value, stands
 * behind a closing quote. A quote within a quoted value does not end it unless a `;` follows, because regular
 * expressions are written with bare quotes in them.
 * @returns the offset of the `;`, -1 where there is none
 */
function valueEnd(text: string, start: number, end: number): number {
  let opened = start;
  if (text[opened] === '!') opened++;
  while (opened < end && isBlank(text.charCodeAt(opened))) opened++;
  const quoted = text.charCodeAt(opened) === QUOTE;
  let at = text.indexOf(';', start);
  for (; at >= 0 && at < end; at = text.indexOf(';', at + 1)) {
    if (text.charCodeAt(at - 1) === BACKSLASH) continue;
    if (!quoted) return at;
    let last = at - 1;
    while (isBlank(text.charCodeAt(last))) last--;
    if (last > opened && text.charCodeAt(last) === QUOTE && isClosingQuote(text, last, opened)) return at;
  }
  return -1;
}

/**
 * Reads `keyword; keyword:value; …`.
 * @param start behind the opening parenthesis
 * @param end at the closing one
 */
export function parseOptions(rule: RuleText, start: number, end: number): RuleOption[] {
  const { text } = rule;
  const options: RuleOption[] = [];
  let at = start;
  for (;;) {
    while (at < end && isBlank(text.charCodeAt(at))) at++;
    if (at >= end) return options;
    const offset = at;
    while (at < end && isKeywordCharacter(text.charCodeAt(at))) at++;
    if (at === offset) throw rule.error(`expected a keyword but found '${text[at]}'`, at);
    const keyword = keywordName(text.slice(offset, at));
    while (at < end && isBlank(text.charCodeAt(at))) at++;
    const next = at < end ? text[at] : '';
    if (next === ';') {
      options.push(new ParsedOption(keyword, null, rule, offset, at));
      at++;
      continue;
    }
    if (next !== ':') {
      throw rule.error(
        next === ''
          ? `'${keyword}' is not ended by ';'`
          : `expected ':' or ';' after '${keyword}' but found '${next}'`,
        at,
      );
    }
    at++;
    while (at < end && isBlank(text.charCodeAt(at))) at++;
    const semicolon = valueEnd(text, at, end);
    if (semicolon < 0) {
      const quoted = /^!?[ \t]*"/.test(text.slice(at, at + 64));
      throw rule.error(
        quoted
          ? `the value of '${keyword}' lacks its closing quote or ';'`
          : `'${keyword}' is not ended by ';'`,
        at,
      );
    }
    let last = semicolon;
    while (last > at && isBlank(text.charCodeAt(last - 1))) last--;
    options.push(new ParsedOption(keyword, text.slice(at, last), rule, offset, at));
    at = semicolon + 1;
  }
}
