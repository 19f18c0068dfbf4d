/** What came of the attempts, by trick. */
import type { Outcome } from './trial';

/** Of one trick, or of all that were tried together. */
export interface Tally {
  tried: number;
  works: number;
  evaded: number;
  compared: number;
  broken: number;
}

export class Tallies {
  readonly rows = new Map<string, Tally>();

  count(name: string, outcome: Outcome): void {
    const tally = this.rows.get(name) ?? { tried: 0, works: 0, evaded: 0, compared: 0, broken: 0 };
    this.rows.set(name, tally);
    tally.tried++;
    tally.works += Number(outcome.works);
    tally.evaded += Number(outcome.evaded);
    tally.compared += Number(outcome.compared);
    tally.broken += Number(outcome.broken);
  }

  sum(column: keyof Tally): number {
    return [...this.rows.values()].reduce((sum, tally) => sum + tally[column], 0);
  }

  table(): string {
    const columns = ['tried', 'works', 'evaded', 'compared', 'broken'] as const;
    const width = Math.max(...[...this.rows.keys()].map((name) => name.length)) + 2;
    const line = (name: string, values: readonly (string | number)[]) =>
      [name.padEnd(width), ...values.map((value) => String(value).padStart(9))].join('');
    const rows = [...this.rows].map(([name, tally]) =>
      line(
        name,
        columns.map((column) => tally[column]),
      ),
    );
    const sums = line(
      '(all)',
      columns.map((column) => this.sum(column)),
    );
    return [line('trick', columns), ...rows, sums].join('\n');
  }
}
