import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Lab tests start the command as it is installed: what they run is made from the sources as they are now. */
export default function labRunsTheSources(): void {
  execFileSync(process.execPath, [join(__dirname, '..', 'scripts', 'bundle.mjs')], { stdio: 'inherit' });
}
