/** Control groups (version 2) of their own, for what wants to be the first in them: systemd, a container engine. */
import { spawnSync } from 'node:child_process';
import { waitUntil } from '@portcullis/testkit';

/**
 * A shell script. Goes into a control group ($2: its name), which the namespace then makes the root, and on with another
 * script ($3) as the first process of namespaces of its own. $1: where there is a folder `mnt`; the script gets it, too.
 */
export const enterControlGroup = `
set -e
mount --make-rprivate /
mount -t cgroup2 cgroup2 "$1/mnt"
mkdir "$1/mnt/$2"
echo $$ > "$1/mnt/$2/cgroup.procs"
umount "$1/mnt"
exec unshare --cgroup --mount --pid --uts --ipc --fork --kill-child sh -c "$3" sh "$1"
`;

/** Empty control groups have to be removed from the inside out ($1: name). */
const leave = `
mount -t cgroup2 cgroup2 /mnt && [ -d "/mnt/$1" ] || exit 0
find "/mnt/$1" -depth -type d -exec rmdir {} +
`;

/** Why there can be none here, or null. */
export function controlGroupsMissing(): string | null {
  const probe = spawnSync(
    'unshare',
    ['--mount', '--cgroup', 'sh', '-c', 'mount -t cgroup2 cgroup2 /mnt && test -e /mnt/cgroup.procs'],
    { encoding: 'utf8' },
  );
  return probe.status === 0 ? null : `control groups (version 2) cannot be mounted: ${probe.stderr}`;
}

/** The kernel ends what was inside a moment after its first process. */
export async function removeControlGroup(name: string): Promise<void> {
  await waitUntil(() => spawnSync('unshare', ['--mount', 'sh', '-c', leave, 'sh', name]).status === 0, {
    timeout: 20_000,
    what: 'the control groups to be empty',
  });
}
