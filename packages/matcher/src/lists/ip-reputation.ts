import { parseAddress } from '@portcullis/wire';

/** Highest number of a category, and highest score. */
const MAX_CATEGORY = 60;
export const MAX_SCORE = 127;
const ADDRESS_BITS = 128;
const IPV4_FIRST_BIT = 96;

export interface ReputationProblem {
  readonly line: number;
  readonly reason: string;
}

/** A key for the first `bits` bits of an address of four words. */
function keyOf(address: Uint32Array, bits: number): string {
  let key = '';
  for (let word = 0; word * 32 < bits; word++) {
    const kept = Math.min(32, bits - word * 32);
    const mask = kept === 32 ? 0xffffffff : (0xffffffff << (32 - kept)) >>> 0;
    const value = (address[word] & mask) >>> 0;
    key += String.fromCharCode(value >>> 16, value & 0xffff);
  }
  return key;
}

/** Addresses and networks with scores by category (`iprep`). */
export class IpReputation {
  private readonly categories = new Map<string, number>();
  /** By prefix length: scores by prefix. The longest prefix that has a score of the category counts. */
  private readonly byLength: (Map<string, Uint8Array> | undefined)[] = [];
  private lengths: number[] = [];

  /** @returns 0 where there is no such category */
  category(name: string): number {
    return this.categories.get(name.toLowerCase()) ?? 0;
  }

  /** Reads a categories file: `number,short name,description`. */
  addCategories(text: string): ReputationProblem[] {
    return this.readLines(text, (line) => {
      const [number, name] = line.split(',').map((part) => part.trim());
      const value = Number(number);
      if (!/^\d{1,2}$/.test(number) || value < 1 || value >= MAX_CATEGORY) {
        return `a category has a number from 1 to ${MAX_CATEGORY - 1}`;
      }
      if (!name) return 'a category has a name behind its number';
      this.categories.set(name.toLowerCase(), value);
      return null;
    });
  }

  /** Reads a reputation list: `address[/length],category number,score`. */
  addList(text: string): ReputationProblem[] {
    return this.readLines(text, (line) => {
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
      this.set(address, bits, number, value);
      return null;
    });
  }

  private readLines(text: string, read: (line: string) => string | null): ReputationProblem[] {
    const problems: ReputationProblem[] = [];
    text.split('\n').forEach((raw, i) => {
      const line = raw.trim();
      if (line === '' || line.startsWith('#')) return;
      const reason = read(line);
      if (reason !== null) problems.push({ line: i + 1, reason });
    });
    return problems;
  }

  private set(address: Uint32Array, bits: number, category: number, score: number): void {
    let prefixes = this.byLength[bits];
    if (!prefixes) {
      prefixes = new Map();
      this.byLength[bits] = prefixes;
      this.lengths = [...this.lengths, bits].sort((a, b) => b - a);
    }
    const key = keyOf(address, bits);
    let scores = prefixes.get(key);
    if (!scores) {
      scores = new Uint8Array(MAX_CATEGORY);
      prefixes.set(key, scores);
    }
    scores[category] = score;
  }

  /** @returns the address's score, 0 where it has none in that category */
  score(address: Uint32Array, category: number): number {
    for (const bits of this.lengths) {
      const score = this.byLength[bits]?.get(keyOf(address, bits))?.[category] ?? 0;
      if (score > 0) return score;
    }
    return 0;
  }
}
