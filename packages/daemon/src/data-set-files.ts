import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@portcullis/configuration';
import type { DataSetFile } from './workers/worker-thread';

/**
 * Brings the files of data sets to what these have learnt: one value a line, each once. What else is in a file stays:
 * somebody may have added it meanwhile.
 * @param directory that the files lie in
 * @throws what the file system says
 */
export function keepDataSets(files: readonly DataSetFile[], directory: string): void {
  for (const { path, text, removed } of files) {
    const file = join(directory, path);
    const lines = new Set([...linesOf(readIfThere(file)), ...linesOf(text)]);
    for (const line of linesOf(removed)) lines.delete(line);
    replaceFile(file, [...lines].map((line) => `${line}\n`).join(''));
  }
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
