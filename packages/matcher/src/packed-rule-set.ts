/**
 * A compiled rule set as one run of bytes that threads share and that can be kept in a file: where the matcher meets
 * which rules, and the text of each rule, from which it is made when it is first a candidate.
 */

import { parseRule, type Rule, type RuleContext, RuleText } from '@portcullis/rules';
import { BufferSlot } from './buffer-slot';
import {
  type CompileOptions,
  type CompileResult,
  compileEnvironment,
  type FailedRule,
  makeRule,
  nextGeneration,
  type RuleParts,
} from './compile-rules';
import type { CompiledRuleSet, RulePlan } from './compiled-rule-set';
import { BytesToWrite, PackedTreeError, packTree, unpackTree } from './packed-tree';
import { type PatternSet, Prefilter, type PrefilterParts } from './prefilter';
import { keywordOf } from './registry';
import type { CompileEnvironment } from './rule-builder';
import { HeaderLists } from './rule-header';
import { RuleTable } from './rule-table';
import { SlotTable } from './slot-table';
import { type Transform, type WrittenTransform, writtenForm } from './transform';

/** Rules as they were written, by number. */
interface PackedTexts {
  /** UTF-8, one behind the other. */
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
  readonly files: readonly string[];
  /** By rule: place in `files`, and where in that file it begins. */
  readonly file: Uint16Array;
  readonly line: Uint32Array;
  readonly column: Uint32Array;
}

interface PackedSlot {
  readonly name: string;
  readonly transforms: readonly WrittenTransform[];
}

/** What the plan refers to; it stands before the plan. */
interface PackedParts {
  readonly slots: readonly PackedSlot[];
  readonly prefilters: readonly PrefilterParts[];
}

type PackedPlan = Omit<RulePlan, 'slots' | 'prefilters'>;

interface PackedRuleSet {
  readonly texts: PackedTexts;
  readonly outward: readonly number[];
  readonly addressSetCount: number;
  readonly parts: unknown;
  readonly slotPatterns: readonly [PatternSet | null, PatternSet | null][];
  readonly plan: PackedPlan;
  readonly about: unknown;
}

/** Objects in the tree that stand for others: a record with one of these keys alone. */
const Stands = { PARTS: '$parts', SLOT: '$slot', PREFILTER: '$prefilter', MAP: '$map', SET: '$set' } as const;

const MOST_FILES = 0xffff;

/**
 * @param rules from which `compiled` was made
 * @param about plain data to be kept with it
 */
export function packRuleSet(
  { ruleset, places, outward }: CompileResult,
  rules: readonly Rule[],
  about: unknown,
): Uint8Array<SharedArrayBuffer> {
  const { generation: _, rules: __, slots, prefilters, addressSetCount, ...plan } = ruleset;
  const tree: Omit<PackedRuleSet, 'texts'> & { texts: ReturnType<typeof packTexts> } = {
    texts: packTexts(Array.from(places, (place) => rules[place])),
    outward,
    addressSetCount,
    parts: {
      [Stands.PARTS]: {
        slots: slots.map(({ name, transforms }) => ({ name, transforms: transforms.map(writtenForm) })),
        prefilters: prefilters.map(({ key, longest, offsets, rules: called, table, bounds, firsts }) => ({
          key,
          longest,
          offsets,
          rules: called,
          table,
          bounds,
          firsts,
        })),
      } satisfies PackedParts,
    },
    slotPatterns: slots.map(({ patterns }) => patterns),
    plan,
    about,
  };
  return packTree(tree, (value) => {
    if (value instanceof BufferSlot) return { [Stands.SLOT]: value.number };
    if (value instanceof Prefilter) return { [Stands.PREFILTER]: value.number };
    if (value instanceof Map) return { [Stands.MAP]: [...value] };
    if (value instanceof Set) return { [Stands.SET]: [...value] };
    return undefined;
  });
}

function packTexts(rules: readonly Rule[]): Omit<PackedTexts, 'bytes'> & { bytes: BytesToWrite } {
  const files = [...new Set(rules.map(({ file }) => file))];
  if (files.length > MOST_FILES) throw new RangeError(`rules of more than ${MOST_FILES} files`);
  const numbers = new Map(files.map((file, number) => [file, number]));
  const ends = new Uint32Array(rules.length);
  let length = 0;
  rules.forEach(({ text }, number) => {
    length += Buffer.byteLength(text);
    ends[number] = length;
  });
  const line = new Uint32Array(rules.length);
  const column = new Uint32Array(rules.length);
  rules.forEach(({ place }, number) => {
    line[number] = place.line;
    column[number] = place.column;
  });
  const file = Uint16Array.from(rules, (rule) => numbers.get(rule.file) as number);
  const bytes = new BytesToWrite(length, (target) => {
    const into = Buffer.from(target.buffer, target.byteOffset, target.length);
    let at = 0;
    for (const { text } of rules) at += into.write(text, at);
  });
  return { bytes, ends, files, file, line, column };
}

/** A packed rule set in use. */
export interface OpenedRuleSet {
  readonly ruleset: CompiledRuleSet;
  /** Rules that could be made when the set was packed, and cannot now: a file that they name is gone or wrong. */
  readonly failed: FailedRule[];
  readonly about: unknown;
}

/**
 * So few rules take little room and time: they are made before there are packets. A rule that acts is most often made for
 * the packet of an attack, which would wait one or two milliseconds for it.
 */
const SMALL_SET = 1024;

/**
 * Opens what `packRuleSet` has made. Rules that ask for files and data sets are made at once, one between two yields, and so
 * are the rules of a small set; the others when they are first asked for.
 * @param context of the rules, as it was when they were packed
 * @param options the same
 * @param smallSet up to how many rules are made at once
 * @throws PackedTreeError where the bytes are something else
 */
export function* openRuleSet(
  bytes: Uint8Array,
  context: RuleContext,
  options: CompileOptions,
  smallSet: number = SMALL_SET,
): Generator<void, OpenedRuleSet> {
  const environment = compileEnvironment({ ...options, checkExpressions: false });
  const slots = new SlotTable(environment.buffers);
  const prefilters: Prefilter[] = [];
  const packed = unpackTree(bytes, (value) => {
    if (Stands.SLOT in value) return slots.all[value[Stands.SLOT] as number];
    if (Stands.PREFILTER in value) return prefilters[value[Stands.PREFILTER] as number];
    if (Stands.MAP in value) return new Map(value[Stands.MAP] as [unknown, unknown][]);
    if (Stands.SET in value) return new Set(value[Stands.SET] as unknown[]);
    if (!(Stands.PARTS in value)) return undefined;
    const parts = value[Stands.PARTS] as PackedParts;
    for (const { name, transforms } of parts.slots)
      slots.add(
        name,
        transforms.map((written) => readTransform(written, environment)),
      );
    for (const part of parts.prefilters) prefilters.push(new Prefilter(prefilters.length, part));
    return null;
  }) as Partial<PackedRuleSet>;
  const { texts, outward, addressSetCount, slotPatterns, plan, about } = packed;
  if (!texts || !outward || addressSetCount === undefined || !slotPatterns || !plan)
    throw new PackedTreeError('the bytes hold no rule set');
  slots.close();
  slots.all.forEach(({ patterns }, number) => {
    [patterns[0], patterns[1]] = slotPatterns[number];
  });
  yield;
  const parts: RuleParts = { slots, lists: new HeaderLists(), environment };
  const source = new PackedRules(texts, context);
  const failed: FailedRule[] = [];
  const table = new RuleTable(source.length, (number) => {
    const rule = source.rule(number);
    const made = makeRule(rule, number, parts);
    if (made.error) failed.push({ rule, error: made.error, asksOutward: true });
    return made.compiled;
  });
  const early = source.length <= smallSet ? Array.from({ length: source.length }, (_, i) => i) : [];
  for (const number of [...outward, ...early]) {
    table.get(number);
    yield;
  }
  const ruleset: CompiledRuleSet = {
    ...plan,
    slots: slots.all,
    prefilters,
    generation: nextGeneration(),
    rules: table,
    addressSetCount,
  };
  return { ruleset, failed, about };
}

/** Reads rules from their packed texts. */
class PackedRules {
  private readonly bytes: Buffer;

  constructor(
    private readonly texts: PackedTexts,
    private readonly context: RuleContext,
  ) {
    const { buffer, byteOffset, length } = texts.bytes;
    this.bytes = Buffer.from(buffer, byteOffset, length);
  }

  get length(): number {
    return this.texts.ends.length;
  }

  /** @throws RuleError where the context is not that of the packing */
  rule(number: number): Rule {
    const { ends, files, file, line, column } = this.texts;
    const text = this.bytes.toString('utf8', number === 0 ? 0 : ends[number - 1], ends[number]);
    const place = new RuleText(text, line[number], column[number]);
    return parseRule(place, { ...this.context, file: files[file[number]] });
  }
}

function readTransform({ keyword, value }: WrittenTransform, environment: CompileEnvironment): Transform {
  const read = keywordOf(keyword, environment.buffers)?.transform;
  if (!read) throw new PackedTreeError(`there is no transform ${keyword}`);
  const place = { line: 1, column: 1 };
  return read({ keyword, value, place, valuePlace: place }, environment);
}
