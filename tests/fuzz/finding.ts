/** What went wrong with an input. */

import { createHash } from 'node:crypto';

export type FindingKind = 'threw' | 'slow' | 'hang' | 'crash' | 'memory';

export interface Finding {
  readonly target: string;
  readonly kind: FindingKind;
  /** The same for inputs that fail in the same place. */
  readonly signature: string;
  readonly message: string;
  /** Latin-1, so that it survives as JSON. */
  readonly input: string;
}

const FRAMES = 3;

/** Kind of error and innermost places, without line numbers of the fuzzer itself and without changing values. */
export function signatureOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !/tests\/fuzz\/(driver|minimise)|node:internal/.test(line))
    .slice(0, FRAMES)
    .map((line) =>
      line
        .trim()
        .replace(/\(?\/.*\/(?=[^/]+\/[^/]+:\d+)/, '')
        .replace(/:\d+\)?$/, ''),
    );
  return [error.name, error.message.replace(/\d+/g, 'N').slice(0, 120), ...frames].join(' | ');
}

export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Short and the same for the same bytes. */
export function nameOf(input: Uint8Array): string {
  return createHash('sha1').update(input).digest('hex').slice(0, 12);
}
