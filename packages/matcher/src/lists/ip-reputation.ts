import { parseAddress } from '@portcullis/wire';
import { linesOf } from './list-files';
import { ValueTable, ValueTableBuilder, type ValueTableBytes } from './value-table';

/** Highest number of a category, and highest score. */
const MAX_CATEGORY = 60;
export const MAX_SCORE = 127;
const ADDRESS_BITS = 128;
const IPV4_FIRST_BIT = 96;

export interface ReputationProblem {
  readonly line: number;
  readonly reason: string;
}

/** What lists say of addresses: plain data that crosses threads. */
export interface ReadReputation {
  /** Text of a categories file: `number,short name,description`. */
  readonly categories: string;
  readonly scores: ValueTableBytes;
  /** Lengths of the prefixes that there are, the longest first. */
  readonly lengths: readonly number[];
}

/** A key for what a category says of the first `bits` bits of an address of four words. */
function keyOf(address: Uint32Array, bits: number, category: number): string {
  let key = String.fromCharCode(category, bits);
  for (let word = 0; word * 32 < bits; word++) {
    const kept = Math.min(32, bits - word * 32);
    const value = address[word] & (kept === 32 ? -1 : -1 << (32 - kept));
    key += String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  }
  return key;
}

/**
 * Reads reputation lists: `address[/length],category number,score` a line; of lines that say the same the last counts.
 * @returns what they say, and what could not be read, line by line
 */
export function readReputation(
  categories: string,
  lists: readonly string[],
): { read: ReadReputation; problems: ReputationProblem[] } {
  const table = new ValueTableBuilder();
  const lengths = new Set<number>();
  const { problems } = numbersOfCategories(categories);
  for (const list of lists) {
    problems.push(
      ...eachLine(list, (line) => {
        const [target = '', category = '', score = ''] = line.split(',').map((part) => part.trim());
        const [written, length] = target.split('/', 2);
        const address = parseAddress(written);
        if (address === null) return `'${written.slice(0, 60)}' is no address`;
        const first = written.includes(':') ? 0 : IPV4_FIRST_BIT;
        const bits = length === undefined ? ADDRESS_BITS : first + Number(length);
        if (!(length === undefined || /^\d{1,3}$/.test(length)) || bits > ADDRESS_BITS) {
          return `'${target.slice(0, 60)}' is no network`;
        }
        const number = Number(category);
        const value = Number(score);
        if (!/^\d{1,2}$/.test(category) || number < 1 || number >= MAX_CATEGORY)
          return `'${category}' is no category`;
        if (!/^\d{1,3}$/.test(score) || value > MAX_SCORE) return `a score is from 0 to ${MAX_SCORE}`;
        table.set(keyOf(address, bits, number), value);
        lengths.add(bits);
        return null;
      }),
    );
  }
  const longestFirst = [...lengths].sort((a, b) => b - a);
  return { read: { categories, scores: table.build(), lengths: longestFirst }, problems };
}

function numbersOfCategories(text: string): { numbers: Map<string, number>; problems: ReputationProblem[] } {
  const numbers = new Map<string, number>();
  const problems = eachLine(text, (line) => {
    const [number, name] = line.split(',').map((part) => part.trim());
    const value = Number(number);
    if (!/^\d{1,2}$/.test(number) || value < 1 || value >= MAX_CATEGORY) {
      return `a category has a number from 1 to ${MAX_CATEGORY - 1}`;
    }
    if (!name) return 'a category has a name behind its number';
    numbers.set(name.toLowerCase(), value);
    return null;
  });
  return { numbers, problems };
}

function eachLine(text: string, read: (line: string) => string | null): ReputationProblem[] {
  const problems: ReputationProblem[] = [];
  for (const { number, line } of linesOf(text)) {
    const reason = read(line);
    if (reason !== null) problems.push({ line: number, reason });
  }
  return problems;
}

/** Addresses and networks with scores by category (`iprep`). */
export class IpReputation {
  private readonly categories: ReadonlyMap<string, number>;
  private readonly scores: ValueTable;
  private readonly lengths: readonly number[];

  constructor({ categories, scores, lengths }: ReadReputation) {
    this.categories = numbersOfCategories(categories).numbers;
    this.scores = new ValueTable(scores);
    this.lengths = lengths;
  }

  /** @returns 0 where there is no such category */
  category(name: string): number {
    return this.categories.get(name.toLowerCase()) ?? 0;
  }

  /**
   * The longest prefix that has a score of the category counts.
   * @returns the address's score, 0 where it has none in that category
   */
  score(address: Uint32Array, category: number): number {
    for (const bits of this.lengths) {
      const score = this.scores.number(keyOf(address, bits, category)) ?? 0;
      if (score > 0) return score;
    }
    return 0;
  }
}
