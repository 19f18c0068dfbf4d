import type { PortExpression } from './ast';
import { ExpressionError, type GroupValue, type SetAlgebra } from './group';

/** Inclusive. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const LAST_PORT = 65535;

export const EVERY_PORT: readonly PortRange[] = Object.freeze([{ first: 0, last: LAST_PORT }]);

function parsePort(text: string, offset: number): number {
  if (!/^\d{1,5}$/.test(text)) throw new ExpressionError(`'${text}' is not a port number`, offset);
  const port = Number(text);
  if (port > LAST_PORT) throw new ExpressionError(`port ${text} is above ${LAST_PORT}`, offset);
  return port;
}

/** `80`, `8000:8100`, `1024:`, `:1023`. */
function parseRange(text: string): PortRange {
  const colon = text.indexOf(':');
  if (colon < 0) {
    const port = parsePort(text, 0);
    return { first: port, last: port };
  }
  if (text.length === 1) throw new ExpressionError("':' needs a port on one side", 0);
  const first = colon === 0 ? 0 : parsePort(text.slice(0, colon), 0);
  const last = colon === text.length - 1 ? LAST_PORT : parsePort(text.slice(colon + 1), colon + 1);
  if (first > last) throw new ExpressionError(`port range '${text}' ends before it begins`, 0);
  return { first, last };
}

export function mergePorts(ranges: readonly PortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (!before || range.first > before.last + 1) {
      merged.push(range);
    } else if (range.last > before.last) {
      merged[merged.length - 1] = { first: before.first, last: range.last };
    }
  }
  return merged;
}

/** Both sorted and disjoint, so one walk over both is enough. */
function subtractPorts(from: readonly PortRange[], taken: readonly PortRange[]): PortRange[] {
  const left: PortRange[] = [];
  let next = 0;
  for (const { first: start, last } of from) {
    let first = start;
    while (next < taken.length && taken[next].last < first) next++;
    // The last hole of this range may reach into the following one, so it is not passed yet.
    for (let at = next; at < taken.length && taken[at].first <= last; at++) {
      const hole = taken[at];
      if (hole.first > first) left.push({ first, last: hole.first - 1 });
      first = hole.last + 1;
    }
    if (first <= last) left.push({ first, last });
  }
  return left;
}

export function portAlgebra(groups: ReadonlyMap<string, string>): SetAlgebra<PortRange> {
  return {
    noun: 'port',
    everything: EVERY_PORT,
    literal: (text) => [parseRange(text)],
    merge: mergePorts,
    subtract: subtractPorts,
    variable: (name) => groups.get(name),
  };
}

export function portExpression(value: GroupValue<PortRange>): PortExpression {
  const ranges = subtractPorts(value.include, value.exclude);
  const any = ranges.length === 1 && ranges[0].first === 0 && ranges[0].last === LAST_PORT;
  return Object.freeze({ any, ranges });
}
