import { createHash } from 'node:crypto';
import type { PatternDatabase } from '@portcullis/pattern-binding';
import type { FastPattern } from './fast-pattern';

/** Patterns bound to the first bytes of a large buffer are kept out of what scans the rest of it. */
export const HEAD_LENGTH = 128;

export interface Literal {
  readonly bytes: Uint8Array;
  readonly caseless: boolean;
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
  readonly literalCount: number;
  /** Only until the database is there. */
  literals: readonly Literal[] | null;
  database: PatternDatabase | null = null;

  /**
   * @param number place in `CompiledRuleSet.prefilters`
   * @param rules numbers of the rules that each literal calls for
   */
  constructor(
    readonly number: number,
    literals: readonly Literal[],
    rules: readonly (readonly number[])[],
  ) {
    const hash = createHash('sha256');
    let longest = 0;
    let total = 0;
    literals.forEach((literal, i) => {
      hash.update(`${literal.caseless ? 'i' : 'c'}${literal.bytes.length}:`).update(literal.bytes);
      if (literal.bytes.length > longest) longest = literal.bytes.length;
      total += rules[i].length;
    });
    this.key = hash.digest('hex');
    this.longest = longest;
    this.literals = literals;
    this.literalCount = literals.length;
    this.offsets = new Int32Array(literals.length + 1);
    this.rules = new Int32Array(total);
    let at = 0;
    rules.forEach((each, i) => {
      this.offsets[i] = at;
      for (const rule of each) this.rules[at++] = rule;
    });
    this.offsets[literals.length] = at;
  }
}

/** Collects patterns and the rules they stand for. */
export class PrefilterDraft {
  private readonly indexes = new Map<string, number>();
  private readonly literals: Literal[] = [];
  private readonly rules: number[][] = [];

  add(pattern: Literal, rule: number): void {
    // ASCII letters aside, caseless makes no difference.
    const key = `${pattern.caseless ? 'i' : 'c'}${Buffer.from(pattern.bytes).toString('latin1')}`;
    const index = this.indexes.get(pattern.caseless ? key.toLowerCase() : key);
    if (index !== undefined) {
      this.rules[index].push(rule);
      return;
    }
    this.indexes.set(pattern.caseless ? key.toLowerCase() : key, this.literals.length);
    this.literals.push({ bytes: pattern.bytes, caseless: pattern.caseless });
    this.rules.push([rule]);
  }

  get size(): number {
    return this.literals.length;
  }

  /** @returns null where nothing was added */
  build(prefilters: Prefilter[]): Prefilter | null {
    if (this.literals.length === 0) return null;
    const prefilter = new Prefilter(prefilters.length, this.literals, this.rules);
    prefilters.push(prefilter);
    return prefilter;
  }
}

/** The patterns of one kind of buffer: those that may stand anywhere, and those bound to its first bytes. */
export interface PatternSet {
  readonly anywhere: Prefilter | null;
  /** Scanned over the first `HEAD_LENGTH` bytes. */
  readonly head: Prefilter | null;
}

export class PatternSetDraft {
  private readonly anywhere = new PrefilterDraft();
  private readonly head = new PrefilterDraft();

  /** @param large the buffer may be longer than its head by far */
  constructor(private readonly large: boolean) {}

  add(pattern: FastPattern, rule: number): void {
    const bound = this.large && pattern.end > 0 && pattern.end <= HEAD_LENGTH;
    (bound ? this.head : this.anywhere).add(pattern, rule);
  }

  build(prefilters: Prefilter[]): PatternSet | null {
    const anywhere = this.anywhere.build(prefilters);
    const head = this.head.build(prefilters);
    return anywhere || head ? { anywhere, head } : null;
  }
}
