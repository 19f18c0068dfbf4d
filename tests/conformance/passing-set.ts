/** Names of what passed before, one a line: what stands here may not fail any more. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type PassingSet = 'suricata-verify' | 'http-evader' | 'expected';

const file = (set: PassingSet): string => join(__dirname, 'passing', `${set}.txt`);

export function readPassing(set: PassingSet): Set<string> {
  if (!existsSync(file(set))) return new Set();
  return new Set(
    readFileSync(file(set), 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );
}

/** @returns names that passed before and do not now, of those that were run */
export function lost(set: PassingSet, run: readonly string[], passed: ReadonlySet<string>): string[] {
  const before = readPassing(set);
  return run.filter((name) => before.has(name) && !passed.has(name));
}

/** Adds names; none is ever taken away here. @returns how many are new */
export function addPassing(set: PassingSet, passed: Iterable<string>): number {
  const before = readPassing(set);
  const all = new Set([...before, ...passed]);
  writeFileSync(file(set), [...all].sort().join('\n').concat('\n'));
  return all.size - before.size;
}
