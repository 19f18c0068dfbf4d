import { RuleError, type RuleOption } from '@portcullis/rules';
import { EXPRESSION_BUFFERS } from '../buffer-names';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Expression, ExpressionCompiler, ExpressionOptions } from '../expression';
import type { Keyword } from '../keyword';
import { invalid, required } from '../option-value';

/** Fails like an expression that has reached a limit: neither found nor known to be missing. */
const NEVER: Expression = { exec: () => -1 };

/** Start and end of the match; groups are not asked for. */
const place = new Int32Array(2);
/** The same, and of its groups. */
const places = new Int32Array(64);
/** Bytes of a group that an alert tells. */
const MOST_CAPTURED = 256;

/** A group whose text alerts tell: by its number, or by its name in the expression. */
interface AlertGroup {
  readonly name: string;
  readonly group: number | string;
}

/** A regular expression. Compiled at its first use: most expressions of a rule set never run. */
export class ExpressionStep extends BufferStep {
  private compiled: Expression | null = null;
  /** A later step counts from where this one matched. */
  private relativeNext = false;
  /** See `ExpressionAllowance`. */
  private slowUntil = 0;

  constructor(
    private readonly compiler: ExpressionCompiler,
    private readonly pattern: string,
    private readonly options: ExpressionOptions,
    private readonly isRelative: boolean,
    private readonly negated: boolean,
    private readonly groups: readonly AlertGroup[] | null = null,
  ) {
    super();
  }

  /** What the groups that alerts tell of have matched last, by their names. */
  captured: Readonly<Record<string, string>> = {};

  /** Alerts tell of groups. */
  get captures(): boolean {
    return this.groups !== null;
  }

  override get relative(): boolean {
    return this.isRelative;
  }

  override get anchor(): boolean {
    return true;
  }

  override followedBy(): void {
    this.relativeNext = true;
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    const position = evaluation.position;
    evaluation.expressionStart = 0;
    for (;;) {
      if (!this.search(evaluation)) return 0;
      if (!this.relativeNext) return evaluation.run(at + 1);
      const next = evaluation.expressionStart;
      const outcome = evaluation.run(at + 1);
      if (outcome !== 0) return outcome;
      // Negated: there is no place of a match to go on from.
      if (next === 0) return 0;
      evaluation.position = position;
      evaluation.expressionStart = next;
    }
  }

  /** Rules are loaded with expressions that were checked; one that was not and is wrong must not end the worker. */
  private compile(): Expression {
    try {
      return this.compiler.compile(this.pattern, this.options);
    } catch {
      return NEVER;
    }
  }

  private search(evaluation: Evaluation): boolean {
    this.compiled ??= this.compile();
    const { start, end } = evaluation;
    const subject = this.isRelative ? start + evaluation.position : start;
    const from = evaluation.expressionStart > 0 ? start + evaluation.expressionStart : subject;
    if (from > end || from < subject) return false;
    if (!evaluation.spend(end - from)) return false;
    const found = this.groups === null ? place : places;
    const pairs = this.exec(this.compiled, evaluation, subject, from, found);
    if (pairs > 0) {
      if (this.negated) return false;
      evaluation.position = found[1] - start;
      evaluation.expressionStart = found[0] + 1 - start;
      if (this.groups !== null) this.capture(this.groups, this.compiled, evaluation.bytes, pairs);
      return true;
    }
    if (this.negated) return pairs === 0;
    evaluation.open = true;
    return false;
  }

  private capture(
    groups: readonly AlertGroup[],
    { captureNames }: Expression,
    bytes: Uint8Array,
    pairs: number,
  ): void {
    const captured: Record<string, string> = {};
    for (const { name, group } of groups) {
      const number = typeof group === 'number' ? group : (captureNames?.indexOf(group) ?? -1);
      if (number < 0 || number >= pairs || 2 * number + 1 >= places.length) continue;
      const start = places[2 * number];
      const end = Math.min(places[2 * number + 1], start + MOST_CAPTURED);
      if (start >= 0 && end >= start)
        captured[name] = Buffer.from(bytes.subarray(start, end)).toString('utf8');
    }
    this.captured = captured;
  }

  /** @returns below 0: neither found nor known to be missing */
  private exec(
    compiled: Expression,
    evaluation: Evaluation,
    subject: number,
    from: number,
    found: Int32Array,
  ): number {
    const { allowance, bytes, end } = evaluation;
    if (allowance === null) return compiled.exec(bytes, subject, end, from, found);
    const begun = allowance.begin(this.slowUntil);
    if (begun < 0) return -1;
    const pairs = compiled.exec(bytes, subject, end, from, found);
    this.slowUntil = allowance.charge(begun);
    return pairs;
  }
}

/** Letters that say how an expression is read. */
const OPTION_LETTERS: ReadonlyMap<string, keyof ExpressionOptions> = new Map([
  ['i', 'caseless'],
  ['s', 'dotAll'],
  ['m', 'multiline'],
  ['x', 'extended'],
  ['A', 'anchored'],
  ['E', 'dollarEndOnly'],
  ['G', 'ungreedy'],
]);

interface WrittenExpression {
  readonly negated: boolean;
  readonly pattern: string;
  /** Where the pattern begins in the option's value. */
  readonly index: number;
  readonly letters: string;
  readonly lettersIndex: number;
  /** Names that groups are to be known by: `, flow:name, pkt:name`. */
  readonly captures: string;
}

/** Takes `!"/…/letters"` apart. */
function written(option: RuleOption): WrittenExpression {
  const value = required(option);
  const form = /^(!?)\s*("?)\s*\/(.*)\/([a-zA-Z]*)((?:\s*,[^"]*)?)"?$/s.exec(value);
  if (!form || (form[2] === '"') !== value.endsWith('"')) {
    throw invalid(option, 'must be written "/expression/letters"');
  }
  const index = value.indexOf('/') + 1;
  return {
    negated: form[1] === '!',
    pattern: form[3],
    index,
    letters: form[4],
    lettersIndex: index + form[3].length + 1,
    captures: form[5],
  };
}

const MOST_CAPTURES = 8;

/**
 * Groups whose text alerts tell: `(?P<alert_name>…)`, or in their order behind the expression as `alert:name`. What else
 * groups are called is checked; no keyword here asks for what they have matched.
 */
function alertGroups(option: RuleOption, pattern: string, captures: string, at: number): AlertGroup[] {
  const groups: AlertGroup[] = [];
  for (const [, name] of pattern.matchAll(/\(\?P?<alert_(\w+)>/g))
    groups.push({ name, group: `alert_${name}` });
  if (captures.trim() === '') return groups;
  const names = captures.split(',').slice(1);
  if (names.length > MOST_CAPTURES) throw invalid(option, `names more than ${MOST_CAPTURES} groups`, at);
  for (const [i, name] of names.entries()) {
    const form = /^\s*(flow|pkt|alert):([\w-]+)\s*$/.exec(name);
    if (!form) throw invalid(option, `"${name.trim()}" is not flow:name, pkt:name or alert:name`, at);
    if (form[1] === 'alert') groups.push({ name: form[2], group: i + 1 });
  }
  return groups;
}

/** `pcre:[!]"/expression/letters"`: letters `i s m x A E G`, `R` relative, `B` raw, `O` no limits of its own, or a buffer. */
export const pcre: Keyword = {
  names: ['pcre'],
  parse(option, rule) {
    const { negated, pattern, index, letters, lettersIndex, captures } = written(option);
    const groups = alertGroups(option, pattern, captures, lettersIndex + letters.length);
    const options: ExpressionOptions = {};
    let relative = false;
    let buffer: string | null = null;
    for (let i = 0; i < letters.length; i++) {
      const letter = letters[i];
      const flag = OPTION_LETTERS.get(letter);
      const named = EXPRESSION_BUFFERS.get(letter);
      if (flag) options[flag] = true;
      else if (letter === 'R') relative = true;
      else if (named) {
        if (buffer !== null && buffer !== named) throw invalid(option, 'names two buffers', lettersIndex + i);
        buffer = named;
      } else if (letter !== 'B' && letter !== 'O') {
        throw invalid(option, `unknown letter "${letter}"`, lettersIndex + i);
      }
    }
    const { expressions, checkExpressions } = rule.environment;
    const error = checkExpressions ? expressions.check(pattern, options) : null;
    if (error) {
      throw new RuleError(`pcre: ${error.message}`, {
        line: option.valuePlace.line,
        column: option.valuePlace.column + index + error.position,
      });
    }
    const step = new ExpressionStep(
      expressions,
      pattern,
      options,
      relative,
      negated,
      groups.length > 0 ? groups : null,
    );
    if (buffer === null) rule.add(step);
    else rule.addTo(option, buffer, step);
  },
};
