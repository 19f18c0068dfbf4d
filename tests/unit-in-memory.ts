import { statfsSync } from 'node:fs';
import bringBundlesUpToDate from './bring-bundles-up-to-date';

const MEMORY = '/dev/shm';
/** A container's usual 64 MiB are too few. */
const ENOUGH = 2 ** 30;

/**
 * Folders for tests lie in memory: what is flushed after every record of a ledger or spool would otherwise wait for the
 * disk some ten thousand times. Who sets TMPDIR has a folder of their own. The lab tests write to a disk.
 */
export default function unitTestsInMemory(): void {
  bringBundlesUpToDate();
  if (process.env.TMPDIR !== undefined) return;
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize >= ENOUGH) process.env.TMPDIR = MEMORY;
  } catch {
    // No such place here: the usual one serves, only slower.
  }
}
