/** Fresh Debian 12 systems, made by debootstrap from the mirror that this machine's apt uses, and kept for next time. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../ops/prometheus-tools';

const SUITE = 'bookworm';
const TEN_MINUTES = 600_000;

/** The address that apt has for the packages of the suite, or null. */
function mirror(): string | null {
  const { stdout } = spawnSync(
    'apt-get',
    ['indextargets', '--format', '$(CODENAME) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages'],
    { encoding: 'utf8' },
  );
  for (const line of (stdout ?? '').split('\n')) {
    const [codename, component, uri] = line.split(' ');
    if (codename === SUITE && component === 'main' && uri) return uri;
  }
  return null;
}

/** Why no system can be made here, or null. */
export function debianRootMissing(): string | null {
  if (process.getuid?.() !== 0) return 'making a Debian root needs root';
  if (spawnSync('debootstrap', ['--version']).status !== 0)
    return 'debootstrap is not installed (apt-get install debootstrap)';
  return mirror() === null ? `apt on this machine has no mirror of ${SUITE}` : null;
}

function must(...argv: [string, ...string[]]): void {
  const done = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8', timeout: TEN_MINUTES });
  if (done.status !== 0)
    throw new Error(`${argv.join(' ')}: ${done.stdout}${done.stderr}${done.error ?? ''}`);
}

/**
 * @param packages that are installed beside the smallest system
 * @returns a folder of its own, to be removed by the caller
 */
export function makeDebianRoot(packages: readonly string[]): string {
  const list = [...packages].sort().join(',');
  const key = createHash('sha256').update(`${SUITE} ${process.arch} ${list}`).digest('hex').slice(0, 16);
  const kept = join(repository, '.cache', `debian-root-${key}.tar`);
  const root = mkdtempSync(join(tmpdir(), 'portcullis-root-'));
  try {
    // Services that are not root's look below it too.
    chmodSync(root, 0o755);
    if (existsSync(kept)) {
      must('tar', '-C', root, '-xpf', kept);
      return root;
    }
    must('debootstrap', '--variant=minbase', `--include=${list}`, SUITE, root, mirror() as string);
    must('chroot', root, 'apt-get', 'clean');
    mkdirSync(join(repository, '.cache'), { recursive: true });
    must('tar', '-C', root, '-cpf', `${kept}.new`, '.');
    renameSync(`${kept}.new`, kept);
    return root;
  } catch (error) {
    rmSync(root, { recursive: true, force: true });
    throw error;
  }
}
