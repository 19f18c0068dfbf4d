/**
 * Numbers for names that rules share (flow bits). It outlives the rule sets made with it, so that a bit set under the
 * old rules is the same bit under the new ones.
 */
export class NameTable {
  private readonly numbers = new Map<string, number>();
  private readonly names: string[] = [];

  intern(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    const number = this.names.length;
    this.numbers.set(name, number);
    this.names.push(name);
    return number;
  }

  name(number: number): string {
    return this.names[number] ?? '';
  }

  get size(): number {
    return this.names.length;
  }
}
