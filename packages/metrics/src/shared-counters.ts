/**
 * Numbers that one thread writes and another reads, without a message between them: 64-bit floats in shared
 * memory, each at a fixed place named by a list. A number is exact up to 2^53. Aligned 64-bit stores are whole
 * on every machine Node.js runs on, so a reader sees an old or a new value, never a mixture.
 */
export class SharedCounters<Name extends string = string> {
  readonly values: Float64Array;
  private readonly places: ReadonlyMap<Name, number>;

  constructor(
    readonly names: readonly Name[],
    readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(names.length * 8),
  ) {
    if (buffer.byteLength !== names.length * 8)
      throw new RangeError(
        `${names.length} counters need ${names.length * 8} bytes, not ${buffer.byteLength}`,
      );
    this.values = new Float64Array(buffer);
    this.places = new Map(names.map((name, place) => [name, place]));
  }

  /** Place of a name in `values`, for code that writes often. */
  place(name: Name): number {
    const place = this.places.get(name);
    if (place === undefined) throw new RangeError(`no counter is named ${name}`);
    return place;
  }

  get(name: Name): number {
    return this.values[this.place(name)] as number;
  }

  set(name: Name, value: number): void {
    this.values[this.place(name)] = value;
  }

  add(name: Name, value = 1): void {
    const place = this.place(name);
    this.values[place] = (this.values[place] as number) + value;
  }

  snapshot(): Record<Name, number> {
    const all = {} as Record<Name, number>;
    for (const [name, place] of this.places) all[name] = this.values[place] as number;
    return all;
  }
}
