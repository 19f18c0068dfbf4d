import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Replaces a file as a whole, so that a crash leaves the old or the new text; its folder is made where it is missing. */
export function replaceFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  const next = `${path}.next`;
  const file = openSync(next, 'w', 0o640);
  try {
    // Not writeSync: on a disk that is nearly full that writes a part and is content.
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
}
