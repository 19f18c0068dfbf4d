import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { productDirectory } from '../src/addon';

/** `describe` where the addon is built; elsewhere skips and says so. */
export function describeWithAddon(name: string, body: () => void): void {
  if (existsSync(join(productDirectory, 'nfqueue.node'))) {
    describe(name, body);
    return;
  }
  process.stderr.write(`nfqueue-binding, ${name}: skipped, the addon is not built\n`);
  describe.skip(name, body);
}
