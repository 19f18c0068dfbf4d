import type { CompiledRule } from './compiled-rule';

/**
 * The rules of a set, by number. Each is made when it is first asked for: of tens of thousands a worker meets some
 * thousands, and the others would take ten times the memory of their text.
 */
export class RuleTable {
  private readonly made: (CompiledRule | null)[];

  constructor(
    readonly length: number,
    private readonly make: (number: number) => CompiledRule,
  ) {
    this.made = new Array<CompiledRule | null>(length).fill(null);
  }

  get(number: number): CompiledRule {
    return this.made[number] ?? this.add(number);
  }

  private add(number: number): CompiledRule {
    const rule = this.make(number);
    this.made[number] = rule;
    return rule;
  }

  /** Every rule; those that were not asked for yet are made. */
  all(): CompiledRule[] {
    return Array.from({ length: this.length }, (_, number) => this.get(number));
  }

  /** How many rules were made. */
  get madeCount(): number {
    return this.made.reduce((count, rule) => (rule === null ? count : count + 1), 0);
  }
}

export const EMPTY_TABLE = new RuleTable(0, () => {
  throw new RangeError('there are no rules');
});
