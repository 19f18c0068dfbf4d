import { createHash } from 'node:crypto';
import { type PatternDatabase, PLACES } from '@portcullis/pattern-binding';
import type { OutlinePattern } from './rule-outline';
import { LOWER } from './search';

/** The first bytes of a large buffer: patterns bound to them are kept out of what scans the rest of it, if their places are few. */
export const HEAD_LENGTH = 128;

export interface Literal {
  readonly bytes: Uint8Array;
  readonly caseless: boolean;
}

/** Literals side by side. */
export interface LiteralTable {
  readonly bytes: Uint8Array;
  /** Where each of them ends in `bytes`. */
  readonly ends: Int32Array;
  /** 1 where letters match in both cases. */
  readonly caseless: Uint8Array;
}

/** Literals that are scanned for together, and the rules each of them calls for. */
export class Prefilter {
  /** Length of the longest literal. */
  readonly longest: number;
  /** Equal for prefilters with equal literals in equal order: they share one database. */
  readonly key: string;
  /** Rules of literal `i`: `rules[offsets[i]]` up to `rules[offsets[i + 1]]`. */
  readonly offsets: Int32Array;
  readonly rules: Int32Array;
  readonly table: LiteralTable;
  /** By literal: how far from the beginning of its buffer it ends at most, for all of its rules; 0: it may stand anywhere. */
  readonly bounds: Uint32Array;
  /** By literal: where in its buffer it begins at the earliest. They are looked up by place, without a database; null: searched for. */
  readonly firsts: Uint32Array | null;
  database: PatternDatabase | null = null;

  /** @param number place in `CompiledRuleSet.prefilters` */
  constructor(
    readonly number: number,
    parts: PrefilterParts,
  ) {
    this.key = parts.key;
    this.longest = parts.longest;
    this.offsets = parts.offsets;
    this.rules = parts.rules;
    this.table = parts.table;
    this.bounds = parts.bounds;
    this.firsts = parts.firsts;
  }

  get literalCount(): number {
    return this.table.ends.length;
  }

  /** By literal that is looked up: where in its buffer it begins at the latest. */
  lasts(): Uint32Array {
    const { ends } = this.table;
    return this.bounds.map((bound, i) => bound - (ends[i] - (i === 0 ? 0 : ends[i - 1])));
  }

  /** The literals by themselves; their bytes are views. */
  literals(): Literal[] {
    const { bytes, ends, caseless } = this.table;
    return Array.from(ends, (end, i) => ({
      bytes: bytes.subarray(i === 0 ? 0 : ends[i - 1], end),
      caseless: caseless[i] === 1,
    }));
  }
}

/** What a prefilter is made of: plain data. */
export interface PrefilterParts {
  readonly key: string;
  readonly longest: number;
  readonly offsets: Int32Array;
  readonly rules: Int32Array;
  readonly table: LiteralTable;
  readonly bounds: Uint32Array;
  readonly firsts: Uint32Array | null;
}

/** Collects patterns and the rules they stand for. */
class PrefilterDraft {
  private readonly indexes = new Map<string, number>();
  private readonly literals: Literal[] = [];
  private readonly rules: number[][] = [];
  private readonly bounds: number[] = [];
  private readonly firsts: number[] = [];

  /** @param placed the literals are looked up by place */
  constructor(private readonly placed: boolean) {}

  /**
   * @param from where in its buffer it begins at the earliest
   * @param end how far from the beginning of its buffer it ends at most; 0: it may stand anywhere
   */
  add(pattern: Literal, rule: number, from: number, end: number): void {
    const bytes = pattern.caseless ? pattern.bytes.map((byte) => LOWER[byte]) : pattern.bytes;
    const literal = `${pattern.caseless ? 'i' : 'c'}${Buffer.from(bytes).toString('latin1')}`;
    const key = this.placed ? `${from} ${end} ${literal}` : literal;
    const index = this.indexes.get(key);
    if (index !== undefined) {
      this.rules[index].push(rule);
      const bound = this.bounds[index];
      this.bounds[index] = bound === 0 || end === 0 ? 0 : Math.max(bound, end);
      return;
    }
    this.indexes.set(key, this.literals.length);
    this.literals.push({ bytes, caseless: pattern.caseless });
    this.rules.push([rule]);
    this.bounds.push(end);
    this.firsts.push(from);
  }

  get size(): number {
    return this.literals.length;
  }

  /** @returns null where nothing was added */
  *build(prefilters: Prefilter[]): Generator<void, Prefilter | null> {
    const { literals, rules } = this;
    if (literals.length === 0) return null;
    const hash = createHash('sha256');
    const offsets = new Int32Array(literals.length + 1);
    const ends = new Int32Array(literals.length);
    const numbers: number[] = [];
    let longest = 0;
    let length = 0;
    for (let i = 0; i < literals.length; i++) {
      const { bytes, caseless } = literals[i];
      hash.update(`${caseless ? 'i' : 'c'}${bytes.length}:`).update(bytes);
      if (bytes.length > longest) longest = bytes.length;
      length += bytes.length;
      ends[i] = length;
      offsets[i] = numbers.length;
      for (const rule of rules[i]) numbers.push(rule);
      if (i % 128 === 127) yield;
    }
    offsets[literals.length] = numbers.length;
    const all = new Uint8Array(length);
    literals.forEach(({ bytes }, i) => {
      all.set(bytes, ends[i] - bytes.length);
    });
    const caseless = Uint8Array.from(literals, (literal) => (literal.caseless ? 1 : 0));
    const prefilter = new Prefilter(prefilters.length, {
      key: hash.digest('hex'),
      longest,
      offsets,
      rules: Int32Array.from(numbers),
      table: { bytes: all, ends, caseless },
      bounds: Uint32Array.from(this.bounds),
      firsts: this.placed ? Uint32Array.from(this.firsts) : null,
    });
    prefilters.push(prefilter);
    return prefilter;
  }
}

/** The patterns of one kind of buffer: those that may stand anywhere, and those bound to its first bytes. */
export interface PatternSet {
  readonly anywhere: Prefilter | null;
  /** Looked up in the first `HEAD_LENGTH` bytes. */
  readonly head: Prefilter | null;
}

export class PatternSetDraft {
  private readonly anywhere = new PrefilterDraft(false);
  private readonly head = new PrefilterDraft(true);

  /** @param large the buffer may be longer than its head by far */
  constructor(private readonly large: boolean) {}

  add(pattern: OutlinePattern, rule: number): void {
    const { bytes, from, end } = pattern;
    const last = end - bytes.length;
    // What does not fit between its bounds is found nowhere, and need not be looked up.
    const placed = this.large && end > 0 && end <= HEAD_LENGTH && from <= last && last < PLACES;
    (placed ? this.head : this.anywhere).add(pattern, rule, from, end);
  }

  *build(prefilters: Prefilter[]): Generator<void, PatternSet | null> {
    const anywhere = yield* this.anywhere.build(prefilters);
    const head = yield* this.head.build(prefilters);
    return anywhere || head ? { anywhere, head } : null;
  }
}
