import type { ValueTable } from './value-table';

/** What the values of a set are. */
export type DataType = 'string' | 'md5' | 'sha256' | 'ipv4' | 'ip';

/** Bytes that a learnt value takes beside itself, by estimate. */
const ENTRY_OVERHEAD = 64;
export const DEFAULT_MEMCAP = 64 << 20;

/** What rules have changed in a set since it was loaded. */
class Learnt {
  readonly added = new Map<string, number>();
  /** Values of the file that are not to count. */
  readonly removed = new Set<string>();
  bytes = 0;
}

export interface DataSetSettings {
  readonly name: string;
  readonly type: DataType;
  readonly memcap?: number;
  /** Where the set's values are to be written when the engine stops; null: nowhere. */
  readonly savePath?: string | null;
  /** What its file has; all threads look there. */
  readonly loaded?: ValueTable | null;
  /** The set of that name under the rules before, whose lessons this one goes on with where it is of the same type. */
  readonly before?: DataSet | undefined;
}

/**
 * A set of values that rules ask for and add to, each with a reputation (0 in plain sets). Values are strings whose
 * characters are bytes.
 */
export class DataSet {
  readonly name: string;
  readonly type: DataType;
  readonly savePath: string | null;
  /** Values refused because the set was full. */
  refused = 0;
  private readonly memcap: number;
  private readonly loaded: ValueTable | null;
  /** Shared with the set of that name under other rules: until one takes over both learn. */
  private readonly learnt: Learnt;

  constructor({ name, type, memcap, savePath, loaded, before }: DataSetSettings) {
    this.name = name;
    this.type = type;
    this.memcap = memcap ?? DEFAULT_MEMCAP;
    this.savePath = savePath ?? null;
    this.loaded = loaded ?? null;
    this.learnt = before?.type === type ? before.learnt : new Learnt();
  }

  /** Rules have added to it or taken from it, or its values are to be written: it is more than its file. */
  get isWorthKeeping(): boolean {
    const { added, removed } = this.learnt;
    return this.savePath !== null || added.size > 0 || removed.size > 0;
  }

  has(value: string): boolean {
    return this.reputation(value) !== undefined;
  }

  /** @returns undefined where the value is not in the set */
  reputation(value: string): number | undefined {
    const { added, removed } = this.learnt;
    const loaded = this.loaded?.number(value);
    return loaded === undefined || removed.has(value) ? added.get(value) : loaded;
  }

  /** @returns whether the value is new, and there was room for it */
  add(value: string): boolean {
    if (this.has(value)) return false;
    const { learnt } = this;
    if (learnt.removed.delete(value)) {
      learnt.bytes -= sizeOf(value);
      if (this.loaded?.has(value)) return true;
    }
    if (!this.hasRoomFor(value)) return false;
    learnt.bytes += sizeOf(value);
    learnt.added.set(value, 0);
    return true;
  }

  /** @returns whether the value was there, and is not any more */
  remove(value: string): boolean {
    if (!this.has(value)) return false;
    const { learnt } = this;
    if (learnt.added.delete(value)) learnt.bytes -= sizeOf(value);
    if (!this.loaded?.has(value)) return true;
    // That one of the file does not count has to be remembered, which takes room as well.
    if (!this.hasRoomFor(value)) return false;
    learnt.bytes += sizeOf(value);
    learnt.removed.add(value);
    return true;
  }

  /** It is again what its file has. */
  forget(): void {
    const { learnt } = this;
    learnt.added.clear();
    learnt.removed.clear();
    learnt.bytes = 0;
  }

  /** The set as a file that can be loaded again. */
  toFile(): string {
    const { added, removed } = this.learnt;
    const lines: string[] = [];
    for (const value of this.loaded?.values() ?? []) if (!removed.has(value)) lines.push(this.written(value));
    for (const value of added.keys()) if (!this.loaded?.has(value)) lines.push(this.written(value));
    return lines.map((line) => `${line}\n`).join('');
  }

  private hasRoomFor(value: string): boolean {
    const room = this.memcap - (this.loaded?.bytes.length ?? 0) - this.learnt.bytes;
    if (sizeOf(value) <= room) return true;
    this.refused++;
    return false;
  }

  private written(value: string): string {
    const bytes = Buffer.from(value, 'latin1');
    if (this.type === 'string') return bytes.toString('base64');
    if (this.type === 'ipv4') return Array.from(bytes).join('.');
    if (this.type !== 'ip') return bytes.toString('hex');
    const groups: string[] = [];
    for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(i).toString(16));
    return groups.join(':');
  }
}

function sizeOf(value: string): number {
  return value.length + ENTRY_OVERHEAD;
}

/** The sets of one rule set, by name. What they learn outlives it: the sets of the rules that come after go on with it. */
export class DataSets {
  private readonly sets = new Map<string, DataSet>();

  /** @param earlier of the rules in force; null: there are none */
  constructor(private earlier: DataSets | null = null) {}

  get(name: string): DataSet | undefined {
    return this.sets.get(name);
  }

  /** The set of that name under the rules in force. */
  before(name: string): DataSet | undefined {
    return this.earlier?.get(name);
  }

  add(set: DataSet): void {
    this.sets.set(set.name, set);
  }

  /** The rules of these sets are in force now. What is not in a file of sets that they do not name is kept. */
  takeOver(): void {
    for (const [name, set] of this.earlier?.sets ?? []) {
      if (!this.sets.has(name) && set.isWorthKeeping) this.sets.set(name, set);
    }
    this.earlier = null;
  }

  /** What was learnt goes. */
  forget(): void {
    for (const set of this.sets.values()) set.forget();
  }

  /** Those that are to be written when the engine stops. */
  saved(): DataSet[] {
    return [...this.sets.values()].filter(({ savePath }) => savePath !== null);
  }
}
