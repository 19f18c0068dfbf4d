/**
 * Compiled rules in files, one for each set of rules and of all that decides what comes of them. A file is a SHA-256
 * digest and then what it is of; one that is torn, changed or another's is not used, and written anew.
 */

import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { RuleSource } from './rule-source';

const DIGEST = 32;
const SUFFIX = '.rules';
/** Larger than any rule set there is, bytes. */
const LARGEST = 2 ** 30;
/** Files that are kept: the rules in force, those before them, and those that somebody tries out. */
const KEPT = 3;
const OTHERS_MAY_WRITE = 0o022;

/**
 * Equal for sources of which the same rules come, unless the contents of a GeoIP database count.
 * @param fingerprint of the program
 */
export function ruleSourceKey(source: RuleSource, fingerprint = ''): string {
  const { classification, addressGroups, portGroups, switches, actionOrder, lists = {} } = source;
  const { thresholds, reputation, geo } = lists;
  const hash = createHash('sha256');
  // Of a GeoIP database only whether there is one matters to whether rules can be used.
  const settings = [
    switches,
    classification,
    addressGroups,
    portGroups,
    thresholds,
    reputation,
    geo !== undefined,
    actionOrder,
  ];
  hash.update(`${fingerprint}\n${JSON.stringify(settings)}\n`);
  for (const { path, text } of source.files) {
    const length = typeof text === 'string' ? Buffer.byteLength(text) : text.length;
    hash.update(`${JSON.stringify(path)} ${length}\n`).update(text);
  }
  return hash.digest('hex');
}

/** @returns null where there are none that can be used */
export function readPackedRules(directory: string, key: string): Uint8Array<SharedArrayBuffer> | null {
  let file: number;
  try {
    file = openSync(join(directory, key + SUFFIX), 'r');
  } catch {
    return null;
  }
  try {
    const { size, uid, mode } = fstatSync(file);
    const own = uid === process.geteuid?.() && (mode & OTHERS_MAY_WRITE) === 0;
    if (!own || size <= DIGEST || size > LARGEST) return null;
    const digest = new Uint8Array(DIGEST);
    const packed = new Uint8Array(new SharedArrayBuffer(size - DIGEST));
    if (readSync(file, digest) !== DIGEST || !readWhole(file, packed)) return null;
    return createHash('sha256').update(packed).digest().equals(digest) ? packed : null;
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}

function readWhole(file: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(file, bytes, at, bytes.length - at, null);
    if (read === 0) return false;
    at += read;
  }
  return true;
}

/** Keeps rules; where that cannot be done they are compiled again the next time. */
export function keepPackedRules(directory: string, key: string, packed: Uint8Array): void {
  const path = join(directory, key + SUFFIX);
  const part = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    try {
      const file = openSync(part, 'wx', 0o600);
      try {
        writeWhole(file, createHash('sha256').update(packed).digest());
        writeWhole(file, packed);
      } finally {
        closeSync(file);
      }
      renameSync(part, path);
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    }
    forgetOldest(directory);
  } catch {
    // A full disk, or one that is not written to: nothing depends on it.
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, null);
}

function forgetOldest(directory: string): void {
  const kept = readdirSync(directory)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => ({ path: join(directory, name), time: statSync(join(directory, name)).mtimeMs }))
    .sort((a, b) => b.time - a.time);
  for (const { path } of kept.slice(KEPT)) rmSync(path, { force: true });
}
