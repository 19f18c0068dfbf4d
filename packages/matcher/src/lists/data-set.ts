import { Change, LearntValues, setIdOf } from './learnt-values';
import type { ValueTable } from './value-table';

/** What the values of a set are. */
export type DataType = 'string' | 'md5' | 'sha256' | 'ipv4' | 'ip';

export const DEFAULT_MEMCAP = 64 << 20;

export interface DataSetSettings {
  readonly name: string;
  readonly type: DataType;
  readonly memcap?: number;
  /** Where the set's values are to be written when the engine stops; null: nowhere. */
  readonly savePath?: string | null;
  /** What its file has; all threads look there. */
  readonly loaded?: ValueTable | null;
  /** Where it keeps what rules change; that of its name and type outlives it there. Absent: it has its own. */
  readonly learnt?: LearntValues;
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
  private readonly id: number;
  private readonly loaded: ValueTable | null;
  private readonly learnt: LearntValues;
  /** Bytes for what it learns. */
  private readonly room: number;

  constructor({ name, type, memcap, savePath, loaded, learnt }: DataSetSettings) {
    this.name = name;
    this.type = type;
    this.savePath = savePath ?? null;
    this.id = setIdOf(type, name);
    this.loaded = loaded ?? null;
    this.learnt = learnt ?? new LearntValues();
    this.room = (memcap ?? DEFAULT_MEMCAP) - (this.loaded?.bytes.length ?? 0);
  }

  has(value: string): boolean {
    return this.reputation(value) !== undefined;
  }

  /** @returns undefined where the value is not in the set */
  reputation(value: string): number | undefined {
    const loaded = this.loaded?.number(value);
    const change = this.learnt.changeOf(this.id, value);
    if (loaded !== undefined) return change === Change.REMOVED ? undefined : loaded;
    return change === Change.ADDED ? 0 : undefined;
  }

  /** @returns whether the value is new, and there was room for it */
  add(value: string): boolean {
    return this.change(value, this.loaded?.has(value) ? Change.NOTHING : Change.ADDED);
  }

  /** @returns whether the value was there, and is not any more: that one of the file does not count takes room as well */
  remove(value: string): boolean {
    return this.change(value, this.loaded?.has(value) ? Change.REMOVED : Change.NOTHING);
  }

  private change(value: string, to: 0 | 1 | 2): boolean {
    const changed = this.learnt.change(this.id, value, to, this.room);
    if (changed === null) this.refused++;
    return changed === true;
  }

  /** The set as a file that can be loaded again. */
  toFile(): string {
    return this.lines((loaded, change) => (loaded ? change !== Change.REMOVED : change === Change.ADDED));
  }

  /** In the same form the values that rules have taken from it, and not added again. */
  removedToFile(): string {
    return this.lines((loaded, change) => loaded && change === Change.REMOVED);
  }

  private lines(wanted: (loaded: boolean, change: number) => boolean): string {
    const lines: string[] = [];
    const changes = new Map(this.learnt.changes(this.id));
    for (const value of this.loaded?.values() ?? [])
      if (wanted(true, changes.get(value) ?? Change.NOTHING)) lines.push(this.written(value));
    for (const [value, change] of changes)
      if (!this.loaded?.has(value) && wanted(false, change)) lines.push(this.written(value));
    return lines.map((line) => `${line}\n`).join('');
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

/** The sets of one rule set, by name. */
export class DataSets {
  private readonly sets = new Map<string, DataSet>();

  /** @param learnt what rules have changed, which outlives them */
  constructor(readonly learnt: LearntValues = new LearntValues()) {}

  get(name: string): DataSet | undefined {
    return this.sets.get(name);
  }

  add(set: DataSet): void {
    this.sets.set(set.name, set);
  }

  /** Sets that these do not name, and that are to be written when the engine stops, go on to be. */
  keepSaved(earlier: DataSets): void {
    for (const set of earlier.saved()) if (!this.sets.has(set.name)) this.sets.set(set.name, set);
  }

  /** Those that are to be written when the engine stops. */
  saved(): DataSet[] {
    return [...this.sets.values()].filter(({ savePath }) => savePath !== null);
  }
}
