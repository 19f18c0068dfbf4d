import { readFileSync } from 'node:fs';
import { replaceFile } from '@portcullis/configuration';
import type { DataSetFile } from './workers/worker-thread';

/**
 * Adds what one worker's data sets have learnt to their files: one value a line, each once. Workers end one after the
 * other, and none knows what the others have seen.
 * @throws what the file system says
 */
export function keepDataSets(files: readonly DataSetFile[]): void {
  for (const { path, text } of files) {
    const lines = new Set([...linesOf(readIfThere(path)), ...linesOf(text)]);
    replaceFile(path, [...lines].map((line) => `${line}\n`).join(''));
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
