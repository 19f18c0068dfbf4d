import { readFileSync } from 'node:fs';
import { RuleError } from './ast';
import { isAction } from './header';
import { RuleText } from './position';
import { isForOtherVersion } from './requires';
import { parseRule, type RuleContext } from './rule';
import { RuleSet } from './rule-set';

export interface ParseRulesOptions {
  /** The generator yields after this many lines. Default 200, about 5 ms of work. */
  readonly linesPerStep?: number;
  readonly switches?: RuleSwitches;
}

/** Signatures that are to be the other way than their files have them, by sid. */
export interface RuleSwitches {
  readonly disabled: ReadonlySet<number>;
  /** Counts for rules that are commented out. */
  readonly enabled: ReadonlySet<number>;
}

/** A logical line: a physical one, or several joined by backslashes at their ends. */
class LineReader {
  private at = 0;
  /** Number of physical lines read. */
  lines = 0;

  constructor(private readonly text: string) {}

  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** Skips blanks at both ends. @returns start and end offsets in the file's text */
  private physicalLine(): [number, number] {
    const { text } = this;
    let start = this.at;
    const newline = text.indexOf('\n', start);
    let end = newline < 0 ? text.length : newline;
    this.at = end + 1;
    this.lines++;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    return [start, end];
  }

  /** @returns null for an empty line */
  next(): RuleText | null {
    const { text } = this;
    const lineStart = this.at;
    let [start, end] = this.physicalLine();
    if (start === end) return null;
    const column = start - lineStart + 1;
    const line = this.lines;
    // A comment does not continue: its backslash is part of the comment.
    if (text[end - 1] !== '\\' || text[start] === '#')
      return new RuleText(text.slice(start, end), line, column);
    const parts: string[] = [];
    const continuations: { offset: number; line: number; column: number }[] = [];
    let length = 0;
    let continued = true;
    while (continued) {
      continued = text[end - 1] === '\\' && end > start;
      const part = text.slice(start, continued ? end - 1 : end);
      parts.push(part);
      length += part.length;
      if (!continued || this.done) break;
      const nextStart = this.at;
      [start, end] = this.physicalLine();
      continuations.push({ offset: length, line: this.lines, column: start - nextStart + 1 });
    }
    return new RuleText(parts.join(''), line, column, continuations);
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d;
}

const NO_SWITCHES: RuleSwitches = { disabled: new Set(), enabled: new Set() };

/** A rule as it stands in a file. */
export interface RuleLine {
  readonly rule: RuleText;
  /** False for a comment that is a rule: `# alert …`. */
  readonly active: boolean;
}

/** @returns null for what is no rule */
function readRuleLine(line: RuleText | null): RuleLine | null {
  if (line === null || line.text[0] === ';') return null;
  if (line.text[0] !== '#') return { rule: line, active: true };
  const { text } = line;
  const found = /^(#[# \t]{0,16})([a-z]{4,10})[ \t]/i.exec(text);
  if (found === null || !isAction(found[2]) || !text.endsWith(')') || !text.includes('(')) return null;
  const mark = (found[1] as string).length;
  const place = line.place(mark);
  return { rule: new RuleText(text.slice(mark), place.line, place.column), active: false };
}

/** Whether a rule counts, by its file and by what was said against that. */
export function isOn({ rule, active }: RuleLine, { disabled, enabled }: RuleSwitches): boolean {
  if (active) return disabled.size === 0 || !disabled.has(rule.sid());
  return enabled.size > 0 && enabled.has(rule.sid()) && !disabled.has(rule.sid());
}

/** Every rule of a text, also those that are commented out, as they stand there. */
export function* ruleLines(text: string): Generator<RuleLine> {
  const reader = new LineReader(withoutByteOrderMark(text));
  while (!reader.done) {
    const line = readRuleLine(reader.next());
    if (line !== null) yield line;
  }
}

function withoutByteOrderMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/**
 * Reads the rules of a text and gives control back every few milliseconds: yields the number of lines read so far.
 * What is wrong with a rule is in the set's `errors`, and the others go on; it never throws for the text's sake.
 * @param into the set that gets the rules; give the same one for several files
 */
export function* parseRules(
  text: string,
  context: RuleContext,
  into: RuleSet = new RuleSet(),
  options: ParseRulesOptions = {},
): Generator<number, RuleSet, void> {
  const { linesPerStep = 200, switches = NO_SWITCHES } = options;
  const file = context.file ?? '<text>';
  const reader = new LineReader(withoutByteOrderMark(text));
  let pause = linesPerStep;
  while (!reader.done) {
    if (reader.lines >= pause) {
      pause = reader.lines + linesPerStep;
      yield reader.lines;
    }
    const line = readRuleLine(reader.next());
    if (line === null) continue;
    if (!isOn(line, switches)) {
      into.disabled++;
      continue;
    }
    const { rule } = line;
    if (isForOtherVersion(rule.text)) {
      into.skipped++;
      continue;
    }
    try {
      into.add(parseRule(rule, context, into.notices));
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      into.refuse(file, error);
    }
  }
  return into;
}

/** `parseRules` in one go. */
export function parseRuleText(text: string, context: RuleContext, into: RuleSet = new RuleSet()): RuleSet {
  const steps = parseRules(text, context, into);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * Reads a rule file. The messages name `path`.
 * @throws the error of the file system where the file cannot be read
 */
export function loadRuleFile(path: string, context: RuleContext, into: RuleSet = new RuleSet()): RuleSet {
  return parseRuleText(readFileSync(path, 'utf8'), { ...context, file: path }, into);
}
