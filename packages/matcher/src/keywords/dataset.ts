import { isAbsolute, join, normalize, sep } from 'node:path';
import type { RuleOption } from '@portcullis/rules';
import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { valuesOfFile } from '../lists/data-file';
import { DataSet, type DataType, DEFAULT_MEMCAP } from '../lists/data-set';
import { valueOfBytes } from '../lists/data-values';
import type { ValueTable } from '../lists/value-table';
import { type Argument, argumentsOf, invalid } from '../option-value';
import type { RuleBuilder } from '../rule-builder';

const TYPES: readonly string[] = ['string', 'md5', 'sha256', 'ipv4', 'ip', 'ipv6'];
const COMMANDS = ['set', 'unset', 'isset', 'isnotset'] as const;
type Command = (typeof COMMANDS)[number];
const FORMATS: readonly string[] = ['csv', 'json', 'ndjson', 'jsonline'];
const LARGEST_REPUTATION = 65_535;
const DOT = '.';

class DataSetStep extends BufferStep {
  constructor(
    private readonly set: DataSet,
    private readonly command: Command,
    private readonly subdomains: boolean,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    if (!evaluation.complete) {
      // A part of a value is another value.
      evaluation.open = true;
      return 0;
    }
    const { set } = this;
    const value = valueOfBytes(set.type, evaluation.bytes, evaluation.start, evaluation.end);
    return this.matches(value) ? evaluation.run(at + 1) : -1;
  }

  private matches(value: string | null): boolean {
    const { set } = this;
    switch (this.command) {
      case 'isset':
        return value !== null && this.has(value);
      case 'isnotset':
        return value === null || !this.has(value);
      case 'set':
        return value !== null && set.add(value);
      case 'unset':
        return value !== null && set.remove(value);
    }
  }

  /** With `match subdomain` a name is in the set where a domain above it is. */
  private has(value: string): boolean {
    const { set } = this;
    if (set.has(value)) return true;
    if (!this.subdomains) return false;
    for (let dot = value.indexOf(DOT); dot >= 0; dot = value.indexOf(DOT, dot + 1)) {
      if (set.has(value.slice(dot)) || set.has(value.slice(dot + 1))) return true;
    }
    return false;
  }
}

class ReputationStep extends BufferStep {
  constructor(
    private readonly set: DataSet,
    private readonly holds: (reputation: number) => boolean,
  ) {
    super();
  }

  inspect(evaluation: Evaluation, at: number): Outcome {
    if (!evaluation.complete) {
      evaluation.open = true;
      return 0;
    }
    const { set } = this;
    const value = valueOfBytes(set.type, evaluation.bytes, evaluation.start, evaluation.end);
    const reputation = value === null ? undefined : set.reputation(value);
    return reputation !== undefined && this.holds(reputation) ? evaluation.run(at + 1) : -1;
  }
}

/** What stands behind the name of a set. */
class SetWords {
  private readonly given = new Map<string, Argument>();

  constructor(
    private readonly option: RuleOption,
    parts: readonly Argument[],
  ) {
    for (const { text, index } of parts) {
      const form = /^(\w+)\s+(\S.*)$/s.exec(text);
      if (!form || !WORDS.includes(form[1])) throw invalid(option, `unknown word "${text}"`, index);
      if (this.given.has(form[1])) throw invalid(option, `"${form[1]}" stands twice`, index);
      this.given.set(form[1], { text: form[2], index: index + text.length - form[2].length });
    }
  }

  get(word: string): Argument | undefined {
    return this.given.get(word);
  }

  oneOf(word: string, values: readonly string[]): string | undefined {
    const argument = this.given.get(word);
    if (argument && !values.includes(argument.text)) {
      throw invalid(this.option, `there is no ${word} "${argument.text}"`, argument.index);
    }
    return argument?.text;
  }

  size(word: string): number | undefined {
    const argument = this.given.get(word);
    if (!argument) return undefined;
    const form = /^(\d{1,12})([kmg]b)?$/i.exec(argument.text);
    const unit = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }[form?.[2]?.toLowerCase() ?? ''] ?? 1;
    const value = Number(form?.[1]) * unit;
    if (!form || value < 1) throw invalid(this.option, `"${argument.text}" is not a size`, argument.index);
    return value;
  }
}

const WORDS: readonly string[] = [
  'type',
  'load',
  'save',
  'state',
  'memcap',
  'hashsize',
  'match',
  'format',
  'value_key',
  'array_key',
  'context_key',
  'remove_key',
];

/** A file that is written lies in the engine's own data directory, not wherever a rule says. */
function savePath(option: RuleOption, argument: Argument): string {
  const path = normalize(argument.text);
  if (isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`)) {
    throw invalid(
      option,
      'a file that is written has a path without .. below the data directory',
      argument.index,
    );
  }
  return path;
}

/** The set of that name: the one there is, or one as the words say. */
function setOf(
  option: RuleOption,
  rule: RuleBuilder,
  name: Argument,
  words: SetWords,
  reputations: boolean,
): DataSet {
  const { dataSets, files } = rule.environment;
  const written = words.oneOf('type', TYPES);
  const type = (written === 'ipv6' ? 'ip' : written) as DataType | undefined;
  const known = dataSets.get(name.text);
  if (known) {
    if (type && type !== known.type)
      throw invalid(option, `set ${name.text} is of type ${known.type}`, name.index);
    return known;
  }
  if (!type) throw invalid(option, `there is no set ${name.text} yet: needs "type"`, name.index);
  const memcap = words.size('memcap') ?? DEFAULT_MEMCAP;
  words.size('hashsize');
  const save = words.get('save') ?? words.get('state');
  const savedTo = save ? savePath(option, save) : null;
  const load = words.get('load') ?? words.get('state');
  let loaded: ValueTable | null = null;
  if (load) {
    const format = words.oneOf('format', FORMATS) ?? 'csv';
    // What is to be kept from one run to the next is not there at the first one.
    const optional = words.get('load') === undefined;
    const { dataDirectory } = rule.environment;
    const path =
      optional && savedTo !== null && dataDirectory !== null
        ? join(dataDirectory, savedTo)
        : files.path(rule.rule.file, load.text);
    const keys = { value: words.get('value_key')?.text ?? null, array: words.get('array_key')?.text ?? null };
    loaded = valuesOfFile(option, files, path, { type, format, keys, reputations, optional });
    if (loaded.bytes.length > memcap)
      throw invalid(option, `${path} does not fit the set's memcap of ${memcap} bytes`, load.index);
  }
  const { learnt } = dataSets;
  const set = new DataSet({ name: name.text, type, memcap, savePath: savedTo, loaded, learnt });
  dataSets.add(set);
  return set;
}

function nameOf(option: RuleOption, name: Argument | undefined): Argument {
  if (!name || !/^\S{1,63}$/.test(name.text)) throw invalid(option, 'needs a name of at most 63 characters');
  return name;
}

/**
 * `dataset:set|unset|isset|isnotset,name[,type T][,load F|save F|state F][,memcap N][,hashsize N][,format F …]`:
 * whether the buffer is in a set; `set` and `unset` match where they have changed it.
 */
export const dataset: Keyword = {
  names: ['dataset'],
  outward: true,
  parse(option, rule) {
    const [command, name, ...rest] = argumentsOf(option);
    if (!(COMMANDS as readonly string[]).includes(command.text)) {
      throw invalid(option, `unknown command "${command.text}"`, command.index);
    }
    if (rule.inPayload) throw invalid(option, 'needs a sticky buffer before it');
    const words = new SetWords(option, rest);
    const match = words.oneOf('match', ['exact', 'subdomain']);
    const set = setOf(option, rule, nameOf(option, name), words, false);
    rule.add(new DataSetStep(set, command.text as Command, match === 'subdomain'));
  },
};

/** `datarep:name,>|<|==,N[,type T][,load F]…`: the buffer is in a set, with such a reputation. */
export const datarep: Keyword = {
  names: ['datarep'],
  outward: true,
  parse(option, rule) {
    const [name, operator, value, ...rest] = argumentsOf(option);
    if (!value) throw invalid(option, 'needs a name, an operator and a number');
    const number = Number(value.text);
    if (!/^\d{1,5}$/.test(value.text) || number > LARGEST_REPUTATION) {
      throw invalid(option, `"${value.text}" is not a number from 0 to ${LARGEST_REPUTATION}`, value.index);
    }
    if (rule.inPayload) throw invalid(option, 'needs a sticky buffer before it');
    let holds: (reputation: number) => boolean;
    if (operator.text === '>') holds = (reputation) => reputation > number;
    else if (operator.text === '<') holds = (reputation) => reputation < number;
    else if (operator.text === '==') holds = (reputation) => reputation === number;
    else throw invalid(option, `"${operator.text}" is not >, < or ==`, operator.index);
    const set = setOf(option, rule, nameOf(option, name), new SetWords(option, rest), true);
    rule.add(new ReputationStep(set, holds));
  },
};
