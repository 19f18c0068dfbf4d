import { FirewallError } from './errors';

/** Inclusive, 0 … 65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export type PortSelection = 'any' | readonly PortRange[];

/**
 * Sorted, merged, checked. An empty list is allowed: nothing is queued then.
 *
 * @throws FirewallError PORTS_INVALID
 */
export function normalisePorts(ports: PortSelection): PortRange[] {
  if (ports === 'any') return [{ first: 0, last: 65535 }];
  for (const { first, last } of ports) {
    const whole = Number.isInteger(first) && Number.isInteger(last);
    if (!whole || first < 0 || last > 65535 || first > last) {
      throw new FirewallError('PORTS_INVALID', `${first}-${last} is not a range of ports within 0-65535.`);
    }
  }
  const sorted = [...ports].sort((a, b) => a.first - b.first);
  const merged: PortRange[] = [];
  for (const range of sorted) {
    const before = merged[merged.length - 1];
    if (before && range.first <= before.last + 1) {
      if (range.last > before.last) merged[merged.length - 1] = { first: before.first, last: range.last };
    } else {
      merged.push({ first: range.first, last: range.last });
    }
  }
  return merged;
}

/** Whether nothing is left to be selected. */
export function isEveryPort(ports: PortSelection): boolean {
  const [range, ...more] = normalisePorts(ports);
  return range?.first === 0 && range.last === 65535 && more.length === 0;
}
