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

const COLUMNS = ['tried', 'works', 'evaded', 'compared', 'broken'] as const;

export class Tallies {
  readonly rows: Map<string, Tally>;

  constructor(rows: readonly (readonly [string, Tally])[] = []) {
    this.rows = new Map(rows);
  }

  count(name: string, outcome: Outcome): void {
    const tally = this.rows.get(name) ?? { tried: 0, works: 0, evaded: 0, compared: 0, broken: 0 };
    this.rows.set(name, tally);
    tally.tried++;
    for (const column of COLUMNS) if (column !== 'tried') tally[column] += Number(outcome[column]);
  }

  sum(column: keyof Tally): number {
    return [...this.rows.values()].reduce((sum, tally) => sum + tally[column], 0);
  }

  table(): string {
    const width = Math.max(...[...this.rows.keys()].map((name) => name.length)) + 2;
    const line = (name: string, values: readonly (string | number)[]) =>
      [name.padEnd(width), ...values.map((value) => String(value).padStart(9))].join('');
    const rows = [...this.rows].map(([name, tally]) =>
      line(
        name,
        COLUMNS.map((column) => tally[column]),
      ),
    );
    const sums = COLUMNS.map((column) => this.sum(column));
    return [line('trick', COLUMNS), ...rows, line('(all)', sums)].join('\n');
  }
}
