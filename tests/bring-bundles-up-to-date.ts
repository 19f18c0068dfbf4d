import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Tests of a package take the others as they are built, and lab tests start the built command: from the sources as they are now. */
export default function bringBundlesUpToDate(): void {
  execFileSync(process.execPath, [join(__dirname, '..', 'scripts', 'bundle.mjs')], { stdio: 'inherit' });
}
