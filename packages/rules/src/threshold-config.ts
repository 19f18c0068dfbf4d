import type { AddressExpression } from './ast';
import { ExpressionError } from './group';
import type { Variables } from './variables';

/** What a match is counted by. */
export type TrackedBy = 'by_src' | 'by_dst' | 'by_both' | 'by_rule' | 'by_flow';

/** Actions that a rate filter may put in the place of a rule's own. */
export type RateAction = 'alert' | 'drop' | 'reject' | 'pass';

interface EntryOf<Kind extends string> {
  readonly kind: Kind;
  /** 0: of every group; then `sid` is 0 too. */
  readonly gid: number;
  /** 0: every rule (of the group). */
  readonly sid: number;
  readonly line: number;
}

/** `event_filter` or `threshold`: limits how often a rule tells of its matches. */
export interface EventFilter extends EntryOf<'event_filter'> {
  readonly type: 'limit' | 'threshold' | 'both';
  readonly track: TrackedBy;
  readonly count: number;
  readonly seconds: number;
}

/** `rate_filter`: gives a rule another action while it matches too often, and for `timeout` seconds after. */
export interface RateFilter extends EntryOf<'rate_filter'> {
  readonly track: TrackedBy;
  readonly count: number;
  readonly seconds: number;
  readonly newAction: RateAction;
  readonly timeout: number;
}

/** `suppress`: takes a rule's alerts away, for some addresses or for all (`addresses` null). */
export interface Suppression extends EntryOf<'suppress'> {
  readonly track: 'by_src' | 'by_dst' | 'by_either';
  readonly addresses: AddressExpression | null;
}

export type ThresholdEntry = EventFilter | RateFilter | Suppression;

export interface ThresholdProblem {
  readonly line: number;
  readonly reason: string;
}

export interface ThresholdConfig {
  readonly entries: readonly ThresholdEntry[];
  /** Lines that are not used, and why. */
  readonly problems: readonly ThresholdProblem[];
}

const LONGEST_LINE = 8192;
const MOST = 0xffffffff;
const HEAD =
  /^(event_filter|threshold|rate_filter|suppress)\s+gen_id\s+(\d{1,10})\s*,\s*sig_id\s+(\d{1,10})\s*(?:,\s*(\S.*))?$/s;
const TRACKS: readonly string[] = ['by_src', 'by_dst', 'by_both', 'by_rule', 'by_flow'];
const NEW_ACTIONS: ReadonlyMap<string, RateAction> = new Map([
  ['alert', 'alert'],
  ['log', 'alert'],
  ['drop', 'drop'],
  ['sdrop', 'drop'],
  ['reject', 'reject'],
  ['pass', 'pass'],
]);

/** What keeps a line from being used. */
class LineError extends Error {}

/** The words behind gen_id and sig_id: `type limit, track by_src, count 1`. `ip` takes the rest of the line. */
function wordsOf(text: string): Map<string, string> {
  const words = new Map<string, string>();
  let rest = text;
  while (rest !== '') {
    const ip = /^ip\s+(\S.*)$/s.exec(rest);
    const form = ip ?? /^([a-z_]+)\s+([^,\s]+)\s*(?:,\s*(\S.*))?$/s.exec(rest);
    if (!form) throw new LineError(`'${rest.slice(0, 40)}' is not a word with a value`);
    const [word, value, more] = ip ? ['ip', ip[1].trim(), ''] : [form[1], form[2], form[3] ?? ''];
    if (words.has(word)) throw new LineError(`'${word}' stands twice`);
    words.set(word, value);
    rest = more;
  }
  return words;
}

function taken(words: Map<string, string>, word: string): string {
  const value = words.get(word);
  if (value === undefined) throw new LineError(`'${word}' is missing`);
  words.delete(word);
  return value;
}

function number(words: Map<string, string>, word: string, minimum: number): number {
  const text = taken(words, word);
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value < minimum || value > MOST) {
    throw new LineError(`${word} has to be from ${minimum} to ${MOST}, not '${text}'`);
  }
  return value;
}

function oneOf<T extends string>(words: Map<string, string>, word: string, values: readonly string[]): T {
  const value = taken(words, word);
  if (!values.includes(value))
    throw new LineError(`${word} has to be one of ${values.join(', ')}, not '${value}'`);
  return value as T;
}

function entryOf(text: string, line: number, variables: Variables): ThresholdEntry {
  const head = HEAD.exec(text);
  if (!head)
    throw new LineError("expected 'event_filter|threshold|rate_filter|suppress gen_id N, sig_id N, …'");
  const gid = Number(head[2]);
  const sid = Number(head[3]);
  if (gid === 0 && sid !== 0) throw new LineError('a sig_id needs a gen_id that is not 0');
  const words = wordsOf(head[4] ?? '');
  const place = { gid, sid, line };
  let entry: ThresholdEntry;
  if (head[1] === 'suppress') {
    if (words.size === 0) return { kind: 'suppress', ...place, track: 'by_either', addresses: null };
    const track = oneOf<Suppression['track']>(words, 'track', ['by_src', 'by_dst', 'by_either']);
    entry = { kind: 'suppress', ...place, track, addresses: variables.addresses(taken(words, 'ip')) };
  } else if (head[1] === 'rate_filter') {
    entry = {
      kind: 'rate_filter',
      ...place,
      track: oneOf<TrackedBy>(words, 'track', TRACKS),
      count: number(words, 'count', 1),
      seconds: number(words, 'seconds', 1),
      newAction: NEW_ACTIONS.get(oneOf(words, 'new_action', [...NEW_ACTIONS.keys()])) as RateAction,
      timeout: number(words, 'timeout', 0),
    };
  } else {
    entry = {
      kind: 'event_filter',
      ...place,
      type: oneOf<EventFilter['type']>(words, 'type', ['limit', 'threshold', 'both']),
      track: oneOf<TrackedBy>(words, 'track', TRACKS),
      count: number(words, 'count', 1),
      seconds: number(words, 'seconds', 1),
    };
  }
  for (const word of words.keys()) throw new LineError(`unknown word '${word}'`);
  return entry;
}

/** Physical lines joined where one ends with a backslash, with the number of the first. */
function* logicalLines(text: string): Generator<{ text: string; line: number }> {
  let joined = '';
  let first = 0;
  let number = 0;
  for (const physical of text.split('\n')) {
    number++;
    const line = physical.trim();
    if (joined === '') {
      if (line === '' || line.startsWith('#')) continue;
      first = number;
    }
    if (line.endsWith('\\')) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    yield { text: (joined + line).trim(), line: first };
    joined = '';
  }
  if (joined !== '') yield { text: joined.trim(), line: first };
}

/**
 * Reads a threshold.config: what is done with the matches of rules besides what the rules themselves say. A line that
 * is wrong is a problem, and the others go on.
 */
export function parseThresholdConfig(text: string, variables: Variables): ThresholdConfig {
  const entries: ThresholdEntry[] = [];
  const problems: ThresholdProblem[] = [];
  for (const { text: logical, line } of logicalLines(text)) {
    try {
      if (logical.length > LONGEST_LINE)
        throw new LineError(`the line is longer than ${LONGEST_LINE} characters`);
      entries.push(entryOf(logical, line, variables));
    } catch (error) {
      if (!(error instanceof LineError || error instanceof ExpressionError)) throw error;
      problems.push({ line, reason: error.message });
    }
  }
  return { entries, problems };
}
