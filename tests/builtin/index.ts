import { CASES } from './cases';
import type { Exchange } from './exchange';
import { ORDINARY } from './ordinary';

/** One piece of traffic and what the built-in rules have to say about it. */
export interface BuiltinTraffic {
  readonly name: string;
  readonly traffic: Exchange | readonly Exchange[];
  /** The signature that has to be found; null: nothing may be found. */
  readonly sid: number | null;
}

/** All there is to try: attacks, look-alikes, ordinary traffic. Names are unique and fit for file names. */
export function builtinTraffic(): BuiltinTraffic[] {
  const all: BuiltinTraffic[] = [];
  for (const { sid, attacks, nearMisses } of Object.values(CASES).flat()) {
    attacks.forEach((traffic, index) => {
      all.push({ name: `${sid}-attack-${index}`, traffic, sid });
    });
    nearMisses.forEach((traffic, index) => {
      all.push({ name: `${sid}-look-alike-${index}`, traffic, sid: null });
    });
  }
  ORDINARY.forEach(({ name, exchange }) => {
    all.push({ name: `ordinary-${name.replace(/\W+/g, '-')}`, traffic: exchange, sid: null });
  });
  return all;
}
