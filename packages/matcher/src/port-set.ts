import type { PortExpression } from '@portcullis/rules';

/** Ports of a rule: sorted, disjoint, inclusive ranges. */
export class PortSet {
  /** first, last, first, last … */
  readonly ranges: Uint16Array;
  /** How many ports it holds. */
  readonly size: number;

  constructor(expression: PortExpression) {
    this.ranges = new Uint16Array(expression.ranges.length * 2);
    let size = 0;
    expression.ranges.forEach((range, i) => {
      this.ranges[i * 2] = range.first;
      this.ranges[i * 2 + 1] = range.last;
      size += range.last - range.first + 1;
    });
    this.size = size;
  }

  has(port: number): boolean {
    const ranges = this.ranges;
    let low = 0;
    let high = (ranges.length >> 1) - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (port < ranges[middle * 2]) high = middle - 1;
      else if (port > ranges[middle * 2 + 1]) low = middle + 1;
      else return true;
    }
    return false;
  }
}

/** Text that is equal exactly for equal expressions. */
export function portKey(expression: PortExpression): string {
  return expression.any ? 'any' : expression.ranges.map((range) => `${range.first}-${range.last}`).join(',');
}
