/** A Docker engine of the test's own: its own processes, mounts and control groups, no bridge, and no firewall rules. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Lab, type LabProcess, waitUntil } from '@portcullis/testkit';
import { composeProgram } from '../ops/compose-program';
import { controlGroupsMissing, enterControlGroup, removeControlGroup } from './control-group';

const HALF_AN_HOUR = 1_800_000;

const begin = (folder: string) => `
set -e
mount -t proc proc /proc
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
exec dockerd --data-root="${folder}/data" --exec-root=/run/docker --pidfile=/run/docker.pid --host="unix://${folder}/socket" \\
  --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false
`;

/** Why there is no Docker engine here, or null. */
export function dockerMissing(): string | null {
  for (const program of ['dockerd', 'docker'])
    if (spawnSync(program, ['--version']).status !== 0)
      return `${program} is not installed (apt-get install docker.io)`;
  if (composeProgram() === null) return 'docker-compose is not installed (apt-get install docker-compose)';
  return controlGroupsMissing();
}

export class DockerEngine {
  private readonly name = `portcullis-docker-${process.pid}`;
  private readonly composeProgram = composeProgram()?.argv ?? (['docker', 'compose'] as const);
  private readonly process: ChildProcess | LabProcess;

  /**
   * @param folder what it keeps is here, for the next engine too
   * @param lab on its gateway; null: in the network of this process
   */
  private constructor(
    private readonly folder: string,
    lab: Lab | null,
  ) {
    const script = [enterControlGroup, 'sh', '', this.name, begin(folder)] as const;
    const argv = ['unshare', '--mount', 'sh', '-c', ...script];
    this.process =
      lab === null ? spawn('unshare', argv.slice(1), { stdio: 'ignore' }) : lab.spawn('gateway', argv);
  }

  static async start(folder: string, lab: Lab | null): Promise<DockerEngine> {
    const engine = new DockerEngine(folder, lab);
    await waitUntil(() => engine.program('docker', ['info']).status === 0, {
      timeout: 60_000,
      what: 'the Docker engine',
    });
    return engine;
  }

  /** @returns what it printed */
  docker(...argv: string[]): string {
    return this.must('docker', argv);
  }

  compose(...argv: string[]): string {
    const [program, ...args] = this.composeProgram;
    return this.must(program, [...args, ...argv]);
  }

  /** @param pid as the engine counts processes */
  kill(pid: number): void {
    const { pid: own } = this.process;
    const first = readFileSync(`/proc/${own}/task/${own}/children`, 'utf8').trim();
    this.must('nsenter', [`--target=${first}`, '--pid', 'kill', '-9', String(pid)]);
  }

  async destroy(): Promise<void> {
    this.process.kill('SIGKILL');
    await removeControlGroup(this.name);
  }

  private must(program: string, argv: readonly string[]): string {
    const { status, stdout, stderr, error } = this.program(program, argv);
    if (status !== 0) throw new Error(`${program} ${argv.join(' ')}: ${stdout}${stderr}${error ?? ''}`);
    return stdout;
  }

  private program(program: string, argv: readonly string[]) {
    return spawnSync(program, argv, {
      encoding: 'utf8',
      timeout: HALF_AN_HOUR,
      maxBuffer: 1 << 28,
      // BuildKit is a program of its own that Debian does not have.
      env: {
        ...process.env,
        DOCKER_HOST: `unix://${this.folder}/socket`,
        DOCKER_BUILDKIT: '0',
        COMPOSE_DOCKER_CLI_BUILD: '0',
        GRAFANA_PASSWORD: 'of-the-test',
      },
    });
  }
}
