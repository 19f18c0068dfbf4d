/** What the values of a set are. */
export type DataType = 'string' | 'md5' | 'sha256' | 'ipv4' | 'ip';

/** Bytes that an entry takes beside its value, by estimate. */
const ENTRY_OVERHEAD = 64;
export const DEFAULT_MEMCAP = 64 << 20;

/**
 * A set of values that rules ask for and add to, each with a reputation (0 in plain sets). Values are strings whose
 * characters are bytes.
 */
export class DataSet {
  /** Values refused because the set was full. */
  refused = 0;
  private readonly values = new Map<string, number>();
  private bytes = 0;

  constructor(
    readonly name: string,
    readonly type: DataType,
    private readonly memcap = DEFAULT_MEMCAP,
    /** Where the set's values are to be written when the engine stops; null: nowhere. */
    readonly savePath: string | null = null,
  ) {}

  get size(): number {
    return this.values.size;
  }

  has(value: string): boolean {
    return this.values.has(value);
  }

  /** @returns undefined where the value is not in the set */
  reputation(value: string): number | undefined {
    return this.values.get(value);
  }

  /** @returns whether the value is new, and there was room for it */
  add(value: string, reputation = 0): boolean {
    if (this.values.has(value)) return false;
    const size = value.length + ENTRY_OVERHEAD;
    if (this.bytes + size > this.memcap) {
      this.refused++;
      return false;
    }
    this.bytes += size;
    this.values.set(value, reputation);
    return true;
  }

  /** @returns whether the value was there */
  remove(value: string): boolean {
    if (!this.values.delete(value)) return false;
    this.bytes -= value.length + ENTRY_OVERHEAD;
    return true;
  }

  /** The set as a file that can be loaded again. */
  toFile(): string {
    let text = '';
    for (const value of this.values.keys()) text += `${this.written(value)}\n`;
    return text;
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

/** Sets by name. It outlives the rule sets made with it, so that what was learnt under the old rules is kept. */
export class DataSets {
  private readonly sets = new Map<string, DataSet>();

  get(name: string): DataSet | undefined {
    return this.sets.get(name);
  }

  add(set: DataSet): void {
    this.sets.set(set.name, set);
  }

  /** Those that are to be written when the engine stops. */
  saved(): DataSet[] {
    return [...this.sets.values()].filter(({ savePath }) => savePath !== null);
  }
}
