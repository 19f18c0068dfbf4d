/** The public rules, captures and expectations, where they are: the folder that PORTCULLIS_CORPORA names. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder; null without. */
export const corpora: string | null = process.env.PORTCULLIS_CORPORA || null;

/** Why tests over the corpora are skipped; null when they are not. */
export function missingCorpora(...files: readonly string[]): string | null {
  if (corpora === null) return 'PORTCULLIS_CORPORA is not set';
  const missing = files.find((file) => !existsSync(join(corpora as string, file)));
  return missing === undefined ? null : `${missing} is not in PORTCULLIS_CORPORA`;
}

export class CorporaError extends Error {}

/** @throws CorporaError */
export function corporaPath(...parts: readonly string[]): string {
  if (corpora === null)
    throw new CorporaError(
      'set PORTCULLIS_CORPORA to the folder with the public rules and captures (see tests/conformance/README.md)',
    );
  return join(corpora, ...parts);
}

/** Each line of a file of JSON lines. */
export function readJsonLines<T>(...parts: readonly string[]): T[] {
  const path = corporaPath(...parts);
  if (!existsSync(path)) throw new CorporaError(`${path} is not there`);
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
