import type { BufferDefinition } from '@portcullis/protocols';
import { type Rule, RuleError, type ThresholdConfig } from '@portcullis/rules';
import { BufferCatalog } from './buffer-catalog';
import { compileRule } from './compile-rule';
import { CompiledRule } from './compiled-rule';
import type { CompiledRuleSet } from './compiled-rule-set';
import { type ExpressionCompiler, pcreCompiler } from './expression';
import { DataSets } from './lists/data-set';
import type { GeoDatabase } from './lists/geo-database';
import type { IpReputation } from './lists/ip-reputation';
import { ListFiles } from './lists/list-files';
import type { NameTable } from './name-table';
import { planRules } from './plan-rules';
import { keywordOf } from './registry';
import { requirementsMet } from './requirements';
import type { CompileEnvironment } from './rule-builder';
import { HeaderLists } from './rule-header';
import { type ActionOrder, actionRanks, STANDARD_ACTION_ORDER, sortByKey } from './rule-order';
import { RuleOutline } from './rule-outline';
import { RuleTable } from './rule-table';
import { SlotTable } from './slot-table';
import { ThresholdEntries } from './threshold-entries';

export interface CompileOptions {
  /** Buffer tables of all protocols there are. */
  readonly buffers: readonly BufferDefinition[];
  /** Application protocols, in the order of their numbers, which count from 1. */
  readonly protocols: readonly string[];
  /** Outlives the rule set. */
  readonly names: NameTable;
  /** Default: PCRE2 with limits. */
  readonly expressions?: ExpressionCompiler;
  /** Sets that rules ask for and add to; they outlive the rule set. Absent: each rule set has its own. */
  readonly dataSets?: DataSets;
  /** Lists that rules name, as they were read when these rules were prepared; others are read. */
  readonly files?: ListFiles;
  /** Where data sets are kept from one run to the next (`state`); absent: beside the rules. */
  readonly dataDirectory?: string;
  /** For `iprep`; absent: rules that ask for it are refused. */
  readonly reputation?: IpReputation;
  /** For `geoip`; absent: rules that ask for it are refused. */
  readonly geo?: GeoDatabase;
  /** What a threshold.config says. */
  readonly thresholds?: ThresholdConfig;
  /** Names of the events that parsers can give, in any case; absent: names are not checked. */
  readonly events?: readonly string[];
  /** Default: as Suricata's. */
  readonly actionOrder?: ActionOrder;
  /**
   * Compile every regular expression to see that it can be (default). Where another thread has done so for the same
   * rules it may be left out, which makes up half the work; an expression that cannot be compiled then never matches.
   */
  readonly checkExpressions?: boolean;
}

/** A rule that cannot be used, and why. */
export interface FailedRule {
  readonly rule: Rule;
  readonly error: RuleError;
  /** It asks for what is neither in it nor in the other rules: another time it may be there. */
  readonly asksOutward: boolean;
}

export interface CompileResult {
  readonly ruleset: CompiledRuleSet;
  /** By number of a rule in the set: its place among those that were given. */
  readonly places: Int32Array;
  /** Rules that ask for files or data sets, by number, in the order in which they were given. */
  readonly outward: readonly number[];
  readonly failed: FailedRule[];
  /** Rules that ask for what this engine does not have (`requires`), and are therefore not used. */
  readonly skipped: readonly Rule[];
}

/** Told while rules are compiled. */
export interface CompileProgress {
  readonly done: number;
  readonly total: number;
}

/** Longest slice between two yields, milliseconds. */
const SLICE = 1;
let generations = 0;

/** Numbers of rule sets, unique in this thread. */
export function nextGeneration(): number {
  return ++generations;
}

export function compileEnvironment(options: CompileOptions): CompileEnvironment {
  return {
    buffers: new BufferCatalog(options.buffers, options.protocols),
    names: options.names,
    expressions: options.expressions ?? pcreCompiler,
    checkExpressions: options.checkExpressions ?? true,
    files: options.files ?? new ListFiles(),
    dataDirectory: options.dataDirectory ?? null,
    dataSets: options.dataSets ?? new DataSets(),
    reputation: options.reputation ?? null,
    geo: options.geo ?? null,
    thresholds: options.thresholds ? new ThresholdEntries(options.thresholds) : null,
    events: options.events ? new Set(options.events.map((name) => name.toLowerCase())) : null,
    actionRanks: actionRanks(options.actionOrder ?? STANDARD_ACTION_ORDER),
  };
}

/**
 * Compiles every rule, to see that it can be and where it belongs. Yields after each millisecond or two of work, so that
 * a worker can inspect packets meanwhile. What comes of a rule is let go again and made anew when it is first a
 * candidate: see `RuleTable`. Patterns are not compiled here: see `prepareDatabases`.
 */
export function* compileRules(
  rules: readonly Rule[],
  options: CompileOptions,
): Generator<CompileProgress, CompileResult> {
  const environment = compileEnvironment(options);
  const slots = new SlotTable(environment.buffers);
  const lists = new HeaderLists();
  const failed: FailedRule[] = [];
  const outlines: RuleOutline[] = [];
  const progress = { done: 0, total: rules.length };
  let pause = performance.now() + SLICE;
  const skipped: Rule[] = [];
  for (let place = 0; place < rules.length; place++) {
    const rule = rules[place];
    try {
      if (!requirementsMet(rule, environment)) skipped.push(rule);
      else {
        const draft = compileRule(rule, environment, slots, lists);
        outlines.push(new RuleOutline(draft, place, asksOutward(rule, environment)));
      }
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      const named = error.sid === 0 ? new RuleError(error.message, error.place, rule.sid) : error;
      failed.push({ rule, error: named, asksOutward: asksOutward(rule, environment) });
    }
    progress.done++;
    if (performance.now() >= pause) {
      yield progress;
      pause = performance.now() + SLICE;
    }
  }
  slots.close();
  const steps = finish(rules, outlines, { slots, lists, environment });
  for (;;) {
    const step = steps.next();
    if (step.done) return { ...step.value, failed, skipped };
    if (performance.now() >= pause) {
      yield progress;
      pause = performance.now() + SLICE;
    }
  }
}

function* finish(
  rules: readonly Rule[],
  outlines: readonly RuleOutline[],
  parts: RuleParts,
): Generator<void, Pick<CompileResult, 'ruleset' | 'places' | 'outward'>> {
  const { slots, lists, environment } = parts;
  const sorted = yield* sortByKey(outlines);
  const places = new Int32Array(sorted.length);
  for (let number = 0; number < sorted.length; number++) {
    sorted[number].number = number;
    places[number] = sorted[number].place;
    if (number % 1024 === 0) yield;
  }
  const plan = yield* planRules(sorted, slots.all, environment.buffers);
  const outward = outlines.filter((outline) => outline.asksOutward);
  yield;
  const again: RuleParts = { slots, lists, environment: { ...environment, checkExpressions: false } };
  const table = new RuleTable(
    sorted.length,
    (number) => makeRule(rules[places[number]], number, again).compiled,
  );
  const ruleset: CompiledRuleSet = {
    ...plan,
    generation: nextGeneration(),
    rules: table,
    addressSetCount: lists.addressSets.length,
  };
  return { ruleset, places, outward: outward.map(({ number }) => number) };
}

/** What rules of a set share. */
export interface RuleParts {
  readonly slots: SlotTable;
  readonly lists: HeaderLists;
  readonly environment: CompileEnvironment;
}

/**
 * Makes a rule of which it is known that it can be made. One that cannot, because a file that it names is gone since,
 * never matches: packets must not wait for somebody to mend it.
 */
export function makeRule(
  rule: Rule,
  number: number,
  { environment, slots, lists }: RuleParts,
): { compiled: CompiledRule; error: RuleError | null } {
  let compiled: CompiledRule;
  let failure: RuleError | null = null;
  try {
    compiled = compileRule(rule, environment, slots, lists).compiled;
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    failure = error;
    compiled = new CompiledRule(rule);
    compiled.transports = 0;
  }
  compiled.number = number;
  return { compiled, error: failure };
}

/** The rule asks for what is neither in it nor in the other rules: a file, a set of data. */
export function asksOutward(rule: Rule, environment: CompileEnvironment): boolean {
  return rule.options.some(({ keyword }) => keywordOf(keyword, environment.buffers)?.outward === true);
}

/** `compileRules` in one go, for tests and tools. */
export function compileRulesNow(rules: readonly Rule[], options: CompileOptions): CompileResult {
  const steps = compileRules(rules, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
