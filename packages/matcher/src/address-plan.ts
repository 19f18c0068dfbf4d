import type { AddressSet } from './address-set';
import type { AddressPlan } from './compiled-rule-set';
import type { RuleOutline } from './rule-outline';

interface Entry {
  readonly rule: number;
  readonly set: AddressSet | null;
}

/** Intervals of the IPv4 addresses with the rules whose list holds them; rules without a list are in all. */
function* intervals(
  entries: readonly Entry[],
): Generator<void, { bounds: Uint32Array; rules: Int32Array[] }> {
  const changes = new Map<number, { begin: number[]; end: number[] }>();
  const at = (address: number) => {
    let change = changes.get(address);
    if (!change) {
      change = { begin: [], end: [] };
      changes.set(address, change);
    }
    return change;
  };
  at(0);
  const always: number[] = [];
  for (const { rule, set } of entries) {
    if (!set) {
      always.push(rule);
      continue;
    }
    for (let i = 0; i < set.v4.length; i += 2) {
      at(set.v4[i]).begin.push(rule);
      at(set.v4[i + 1] + 1).end.push(rule);
    }
    yield;
  }
  const bounds = [...changes.keys()].filter((address) => address <= 0xffffffff).sort((a, b) => a - b);
  yield;
  const known = new Map<string, Int32Array>();
  const active = new Set<number>(always);
  const rules: Int32Array[] = [];
  for (let i = 0; i < bounds.length; i++) {
    const { begin, end } = at(bounds[i]);
    for (const rule of end) active.delete(rule);
    for (const rule of begin) active.add(rule);
    const members = [...active].sort((a, b) => a - b);
    const key = members.join(',');
    let list = known.get(key);
    if (!list) {
      list = Int32Array.from(members);
      known.set(key, list);
    }
    rules.push(list);
    if (i % 128 === 127) yield;
  }
  return { bounds: Uint32Array.from(bounds), rules };
}

/** Orders rules about addresses by the addresses they name. @returns null where there are none */
export function* planAddresses(rules: readonly RuleOutline[]): Generator<void, AddressPlan | null> {
  if (rules.length === 0) return null;
  // `<>` rules may name the address on either side.
  const bySource = (rule: RuleOutline) =>
    !rule.bidirectional && (rule.source !== null || rule.destination === null);
  const byDestination = (rule: RuleOutline) => !rule.bidirectional && !bySource(rule);
  const entry = (rule: RuleOutline, set: AddressSet | null): Entry => ({ rule: rule.number, set });
  const source = yield* intervals([
    ...rules.filter(bySource).map((rule) => entry(rule, rule.source)),
    ...rules.filter((rule) => rule.bidirectional).map((rule) => entry(rule, null)),
  ]);
  const destination = yield* intervals(
    rules.filter(byDestination).map((rule) => entry(rule, rule.destination)),
  );
  const namesV4Only = (set: AddressSet | null) => set !== null && set.v6.length === 0;
  return {
    bounds: source.bounds,
    rules: source.rules,
    destinationBounds: destination.bounds,
    destinationRules: destination.rules,
    v6: Int32Array.from(
      rules
        .filter((rule) => !namesV4Only(rule.source) && !namesV4Only(rule.destination))
        .map((rule) => rule.number),
    ),
  };
}

/** @returns the interval of `bounds` that holds the address */
export function intervalOf(bounds: Uint32Array, address: number): number {
  let low = 0;
  let high = bounds.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (bounds[middle] <= address) low = middle;
    else high = middle - 1;
  }
  return low;
}
