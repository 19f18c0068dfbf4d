import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Version of the package this file belongs to. */
export function engineVersion(): string {
  return (JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as { version: string })
    .version;
}
