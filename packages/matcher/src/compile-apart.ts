/**
 * Compiles pattern databases in a process of its own: `node compile-apart.js WORK-FILE`. Compiling takes hundreds of
 * megabytes that an allocator does not give back, and more of the processor than an engine has to spare.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { PatternDatabase } from '@portcullis/pattern-binding';

/** One database: where it goes, and its literals as base64 with their case. */
export interface DatabaseOrder {
  readonly path: string;
  readonly literals: readonly (readonly [bytes: string, caseless: boolean])[];
}

/** Compiles each order and puts it in its place, all of it or nothing. */
function fulfil(orders: readonly DatabaseOrder[]): void {
  for (const { path, literals } of orders) {
    const patterns = literals.map(([bytes, caseless], id) => ({
      expression: Buffer.from(bytes, 'base64'),
      id,
      caseless,
    }));
    writeWhole(path, PatternDatabase.compile(patterns).serialize());
  }
}

/** Several processes may write one file: each writes its own, the last rename stays. */
export function writeWhole(path: string, bytes: Uint8Array): void {
  const part = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(part, bytes, { mode: 0o600, flag: 'wx' });
  renameSync(part, path);
}

if (require.main === module) {
  fulfil(JSON.parse(readFileSync(process.argv[2], 'utf8')) as DatabaseOrder[]);
}
