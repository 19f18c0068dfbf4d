import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { patternLibraryFingerprint, regexLibraryVersion } from '@portcullis/pattern-binding';
import type { CompileOptions } from './compile-rules';

/** Files of the program below a folder, sources or compiled, whichever it runs from. */
function programFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:js|ts)$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/**
 * What a packed rule set depends on besides the rules and what they are compiled with: the program that reads the
 * language, the libraries that check expressions, the buffers and protocols there are. In hex.
 */
export function compilerFingerprint({
  buffers,
  protocols,
  events = [],
}: Pick<CompileOptions, 'buffers' | 'protocols' | 'events'>): string {
  const hash = createHash('sha256');
  for (const folder of [__dirname, dirname(require.resolve('@portcullis/rules'))]) {
    for (const file of programFiles(folder))
      hash.update(file.slice(folder.length)).update(readFileSync(file));
  }
  hash.update(`${patternLibraryFingerprint()}\n${regexLibraryVersion()}\n${process.version}\n`);
  hash.update(
    JSON.stringify([buffers, protocols, events], (_, value) => (value instanceof Map ? [...value] : value)),
  );
  return hash.digest('hex');
}
