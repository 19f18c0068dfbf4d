/**
 * A Debian root with systemd as its first process: own processes, mounts, host name and control groups, and the network
 * of the lab's gateway. No container engine is needed for that, only root and the kernel.
 */
import { readFileSync } from 'node:fs';
import { type ExecResult, type Lab, type LabProcess, waitUntil } from '@portcullis/testkit';
import { enterControlGroup, removeControlGroup } from './control-group';

const boot = `
set -e
root=$1
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
hostname portcullis-test
exec chroot "$root" env -i container=portcullis-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
`;

/** Nothing of this machine's. */
const ENVIRONMENT = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'];

/** A child that runs this program, or undefined: before it, the shell has others. */
function childCalled(program: string, parent: number): number | undefined {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
  const found = children.filter(Boolean).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8') === `${program}\n`;
    } catch {
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}

export class BootedSystem {
  private readonly process: LabProcess;
  private readonly name = `portcullis-test-${process.pid}`;
  private first = 0;

  constructor(
    private readonly lab: Lab,
    root: string,
  ) {
    this.process = lab.spawn('gateway', [
      'unshare',
      '--mount',
      'sh',
      '-c',
      enterControlGroup,
      'sh',
      root,
      this.name,
      boot,
    ]);
  }

  /** Resolves when systemd has started everything. */
  async booted(): Promise<this> {
    this.first = await waitUntil(
      () => {
        if (!this.process.running)
          throw new Error(`not booted: ${this.process.stdout}${this.process.stderr}`);
        return childCalled('systemd', this.process.pid as number);
      },
      { timeout: 30_000, what: 'the first process' },
    );
    await waitUntil(
      async () => {
        const { stdout } = await this.exec('systemctl', 'is-system-running');
        return /^(running|degraded)/.test(stdout);
      },
      { timeout: 60_000, what: 'systemd to have started' },
    );
    return this;
  }

  /** Runs a program inside; a failure is a result. */
  exec(...argv: string[]): Promise<ExecResult> {
    const inside = ['nsenter', `--target=${this.first}`, '--all', '--root', '--wdns=/', ...ENVIRONMENT];
    return this.lab.exec('gateway', [...inside, ...argv], { timeout: 120_000 });
  }

  /** Runs a program that must succeed. @returns what it printed */
  async run(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.exec(...argv);
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }

  async json<Answer>(...argv: string[]): Promise<Answer> {
    return JSON.parse(await this.run(...argv, '--json')) as Answer;
  }

  /** A property of a unit, as systemd has it. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.run('systemctl', 'show', '--value', '--property', name, unit)).trim();
  }

  async destroy(): Promise<void> {
    this.process.destroy();
    await this.process.exited;
    await removeControlGroup(this.name);
  }
}
