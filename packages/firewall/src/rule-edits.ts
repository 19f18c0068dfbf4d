/** Turns the rules of a chain into others and touches only what differs: a rule that is written anew counts from zero. */

export interface RuleEdits {
  /** Positions (from 0) of what stays: where it stands, and where it will. */
  readonly kept: ReadonlyMap<number, number>;
  /** The commands for iptables-restore, in their order. */
  readonly lines: readonly string[];
}

/** Beyond it (exclusions, by the hundred) all between the first and the last difference is written anew. */
const MOST_COMPARISONS = 250_000;

export function ruleEdits(chain: string, before: readonly string[], after: readonly string[]): RuleEdits {
  const kept = common(before, after);
  const lines: string[] = [];
  let standing = before.length;
  let from = 0;
  let at = 0;
  const drop = () => {
    lines.push(`-D ${chain} ${at + 1}`);
    standing--;
    from++;
  };
  const add = () => {
    lines.push(at === standing ? `-A ${chain} ${after[at]}` : `-I ${chain} ${at + 1} ${after[at]}`);
    standing++;
    at++;
  };
  for (const [old, now] of kept) {
    while (from < old) drop();
    while (at < now) add();
    from++;
    at++;
  }
  while (from < before.length) drop();
  while (at < after.length) add();
  return { kept, lines };
}

/** A longest common subsequence, where it is not too much work: both ends, and what is common between them. */
function common(before: readonly string[], after: readonly string[]): Map<number, number> {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const rows = before.length - head - tail;
  const columns = after.length - head - tail;
  const kept = new Map<number, number>();
  for (let index = 0; index < head; index++) kept.set(index, index);
  if (rows * columns <= MOST_COMPARISONS) {
    // Of what begins at (row, column): how long the longest is.
    const width = columns + 1;
    const longest = new Uint32Array((rows + 1) * width);
    const length = (row: number, column: number) => longest[row * width + column] as number;
    for (let row = rows - 1; row >= 0; row--)
      for (let column = columns - 1; column >= 0; column--)
        longest[row * width + column] =
          before[head + row] === after[head + column]
            ? length(row + 1, column + 1) + 1
            : Math.max(length(row + 1, column), length(row, column + 1));
    for (let row = 0, column = 0; row < rows && column < columns; ) {
      if (before[head + row] === after[head + column]) kept.set(head + row++, head + column++);
      else if (length(row + 1, column) >= length(row, column + 1)) row++;
      else column++;
    }
  }
  for (let index = tail; index > 0; index--) kept.set(before.length - index, after.length - index);
  return kept;
}
