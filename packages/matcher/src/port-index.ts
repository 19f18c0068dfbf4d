import type { PortSet } from './port-set';

/** Something that belongs to ports. */
export interface PortEntry<T> {
  readonly ports: PortSet;
  readonly item: T;
}

/**
 * Divides the ports into classes with the same items, so that the items of a port are one look-up away.
 * @returns `classOf[port]`, 0 where the port has none, and the items of each class (that of class 0 is empty)
 */
export function* classifyPorts<T>(
  entries: readonly PortEntry<T>[],
): Generator<void, { classOf: Uint16Array; classes: T[][] }> {
  const begins = new Map<number, number[]>();
  const ends = new Map<number, number[]>();
  const note = (map: Map<number, number[]>, port: number, entry: number) => {
    const known = map.get(port);
    if (known) known.push(entry);
    else map.set(port, [entry]);
  };
  for (let entry = 0; entry < entries.length; entry++) {
    const { ranges } = entries[entry].ports;
    for (let i = 0; i < ranges.length; i += 2) {
      note(begins, ranges[i], entry);
      note(ends, ranges[i + 1] + 1, entry);
    }
    if (entry % 64 === 0) yield;
  }
  const classOf = new Uint16Array(65_536);
  const classes: T[][] = [[]];
  const known = new Map<string, number>([['', 0]]);
  const active = new Set<number>();
  const bounds = [...new Set([...begins.keys(), ...ends.keys()])].sort((a, b) => a - b);
  for (let i = 0; i < bounds.length; i++) {
    for (const entry of ends.get(bounds[i]) ?? []) active.delete(entry);
    for (const entry of begins.get(bounds[i]) ?? []) active.add(entry);
    if (bounds[i] > 65_535) break;
    const members = [...active].sort((a, b) => a - b);
    const key = members.join(',');
    let number = known.get(key);
    if (number === undefined) {
      number = classes.length;
      known.set(key, number);
      classes.push(members.map((entry) => entries[entry].item));
    }
    classOf.fill(number, bounds[i], bounds[i + 1] ?? 65_536);
    yield;
  }
  return { classOf, classes };
}
