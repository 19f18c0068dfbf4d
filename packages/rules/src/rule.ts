import { type Place, type Rule, RuleError, type RuleHeader, type RuleOption } from './ast';
import { type Classification, STANDARD_CLASSIFICATION } from './classification';
import { parseHeader } from './header';
import { parseOptions } from './options';
import { RuleText } from './position';
import { decodeText, parseInteger, parseList } from './values';
import type { Variables } from './variables';

/** What a rule is read against. */
export interface RuleContext {
  readonly variables: Variables;
  /** Default: the classes that Suricata ships. */
  readonly classes?: Classification;
  /** Name of the file, for messages. Default: `<text>`. */
  readonly file?: string;
}

/** Something about a rule that does not keep it from working. */
export interface RuleNotice {
  readonly file: string;
  readonly line: number;
  readonly sid: number;
  readonly reason: string;
}

export const DEFAULT_PRIORITY = 3;

/** Stands for the file's name where a rule does not come from a file. */
const UNNAMED = '<text>';

/** Longer than any real rule by far, short enough that no rule takes long. */
const MAXIMUM_LENGTH = 65536;

/** The options read last. Whoever works on a rule asks for them several times in a row. */
let optionsRead: { rule: RuleText; options: readonly RuleOption[] } | null = null;

/**
 * Options of a rule that is known to be well-formed, read from its text when they are asked for. Tens of thousands of
 * rules are kept for their messages and classes long after they are compiled; their options would take three times
 * the memory of their text.
 */
function optionsOf(rule: RuleText): readonly RuleOption[] {
  if (optionsRead?.rule !== rule) optionsRead = { rule, options: parseOptions(rule, ...optionsSpan(rule)) };
  return optionsRead.options;
}

/** @returns offsets behind the opening and at the closing parenthesis */
function optionsSpan(rule: RuleText): [number, number] {
  const source = rule.text;
  const opened = source.indexOf('(');
  if (opened < 0) throw rule.error("the rule has no options, expected '('", source.length);
  const closed = source.trimEnd().length - 1;
  if (closed <= opened || source[closed] !== ')') {
    throw rule.error("the rule does not end with ')'", Math.max(closed, 0));
  }
  return [opened + 1, closed];
}

class ParsedRule implements Rule {
  readonly sid: number;
  readonly gid: number;
  readonly rev: number;
  readonly msg: string;
  readonly classtype: string | null;
  readonly priority: number;

  constructor(
    readonly header: RuleHeader,
    identity: Identity,
    readonly file: string,
    private readonly source: RuleText,
  ) {
    this.sid = identity.sid;
    this.gid = identity.gid;
    this.rev = identity.rev;
    this.msg = identity.msg;
    this.classtype = identity.classtype;
    this.priority = identity.priority;
  }

  get options(): readonly RuleOption[] {
    return optionsOf(this.source);
  }

  get text(): string {
    return this.source.text;
  }

  get place(): Place {
    return this.source.place(0);
  }

  get metadata(): ReadonlyMap<string, readonly string[]> {
    const metadata = new Map<string, string[]>();
    for (const { keyword, value, valuePlace } of this.options) {
      if (keyword !== 'metadata' || value === null) continue;
      for (const { text } of parseList(value, valuePlace)) {
        if (text === '') continue;
        const blank = text.search(/\s/);
        const key = blank < 0 ? text : text.slice(0, blank);
        let values = metadata.get(key);
        if (!values) {
          values = [];
          metadata.set(key, values);
        }
        if (blank >= 0) values.push(text.slice(blank).trimStart());
      }
    }
    return metadata;
  }

  get references(): readonly string[] {
    const references: string[] = [];
    for (const { keyword, value } of this.options) {
      if (keyword === 'reference' && value) references.push(decodeText(value));
    }
    return references;
  }
}

/** The options that say what a rule is called and how grave it is. The rest says what it matches. */
interface Identity {
  sid: number;
  gid: number;
  rev: number;
  msg: string;
  classtype: string | null;
  priority: number;
}

function readIdentity(
  rule: RuleText,
  options: readonly RuleOption[],
  context: RuleContext,
  notices: RuleNotice[],
) {
  const classes = context.classes ?? STANDARD_CLASSIFICATION;
  const identity: Identity = { sid: 0, gid: -1, rev: -1, msg: '', classtype: null, priority: -1 };
  let classPriority = -1;
  const notice = (reason: string, place: Place) =>
    notices.push({ file: context.file ?? UNNAMED, line: place.line, sid: rule.sid(), reason });
  const number = (option: RuleOption, minimum: number, maximum?: number): number => {
    const limits = { what: option.keyword, minimum, ...(maximum !== undefined && { maximum }) };
    return parseInteger(decodeText(required(option)), option.valuePlace, limits);
  };
  const once = (option: RuleOption, seen: boolean) => {
    if (seen) throw new RuleError(`'${option.keyword}' is given twice`, option.place);
  };
  for (const option of options) {
    switch (option.keyword) {
      case 'msg':
        identity.msg = decodeText(required(option));
        break;
      case 'sid':
        once(option, identity.sid > 0);
        identity.sid = number(option, 1);
        break;
      case 'gid':
        once(option, identity.gid >= 0);
        identity.gid = number(option, 0);
        break;
      case 'rev':
        once(option, identity.rev >= 0);
        identity.rev = number(option, 0);
        break;
      case 'priority':
        once(option, identity.priority >= 0);
        identity.priority = number(option, 0, 255);
        break;
      case 'classtype': {
        const name = required(option).toLowerCase();
        const known = classes.get(name);
        if (!known) notice(`unknown classtype '${name}', priority ${DEFAULT_PRIORITY} is used`, option.place);
        const priority = known?.priority ?? DEFAULT_PRIORITY;
        if (identity.classtype !== null) {
          notice("'classtype' is given twice, the more urgent one is used", option.place);
        }
        if (identity.classtype === null || priority < classPriority) {
          identity.classtype = name;
          classPriority = priority;
        }
        break;
      }
    }
  }
  if (identity.sid === 0) throw rule.error("the rule has no 'sid'", 0);
  if (identity.gid < 0) identity.gid = 1;
  if (identity.rev < 0) identity.rev = 0;
  if (identity.priority < 0) identity.priority = classPriority < 0 ? DEFAULT_PRIORITY : classPriority;
  return identity;
}

function required({ keyword, value, place }: RuleOption): string {
  if (value === null || value === '') throw new RuleError(`'${keyword}' needs a value`, place);
  return value;
}

function readRule(rule: RuleText, context: RuleContext, notices: RuleNotice[]): Rule {
  const source = rule.text;
  if (source.length > MAXIMUM_LENGTH) {
    throw rule.error(`the rule is longer than ${MAXIMUM_LENGTH} characters`, 0);
  }
  const opened = source.indexOf('(');
  const header = parseHeader(rule, opened < 0 ? source.length : opened, context.variables);
  const options = parseOptions(rule, ...optionsSpan(rule));
  const identity = readIdentity(rule, options, context, notices);
  return new ParsedRule(header, identity, context.file ?? UNNAMED, rule);
}

/**
 * Reads one rule.
 * @param text one rule without line breaks, or a RuleText that knows where its parts stand in a file
 * @param notices gets what is odd about the rule but no error
 * @throws RuleError
 */
export function parseRule(text: string | RuleText, context: RuleContext, notices: RuleNotice[] = []): Rule {
  const rule = typeof text === 'string' ? new RuleText(text, 1, 1) : text;
  try {
    return readRule(rule, context, notices);
  } catch (error) {
    if (!(error instanceof RuleError) || error.sid !== 0) throw error;
    throw new RuleError(error.message, error.place, rule.sid());
  }
}
