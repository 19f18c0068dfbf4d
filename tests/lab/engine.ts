/** A running engine on the gateway of a lab, as an administrator would run it: the built command and nothing else. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askEngine, type BanListAnswer, type StatusAnswer } from '@portcullis/control';
import type { EveRecord } from '@portcullis/events';
import { Lab, type LabProcess, waitUntil } from '@portcullis/testkit';
import { tellOf } from '../circumstances';

export const command = join(__dirname, '..', '..', 'packages', 'cli', 'bin', 'portcullis.js');

/** Requests with this in their path match the rule of {@link attackRules}. */
export const ATTACK_PATH = '/portcullis-test-attack';

export const attackRules = `drop http any any -> any any (msg:"test attack"; flow:established,to_server; http.uri; content:"${ATTACK_PATH}"; classtype:web-application-attack; sid:1000001; rev:1;)\n`;

/** Why these tests cannot run here, or null. */
export function labMissing(): string | null {
  if (!existsSync(join(__dirname, '..', '..', 'packages', 'cli', 'dist', 'index.js')))
    return "not built: 'npm run build'";
  return Lab.available();
}

/** `describe` where there is a lab; else one skipped test that says why there is none. */
export function describeLab(name: string, body: () => void): void {
  const missing = labMissing();
  if (missing === null) describe(name, body);
  else
    describe(name, () => {
      test.skip(`needs the lab: ${missing}`, () => {});
    });
}

export interface EngineOptions {
  rules?: string;
  ruleFiles?: readonly string[];
  settings?: Readonly<Record<string, string>>;
  /** `nfqueue.queues`; default: one, which starts sooner. */
  queues?: '0' | '0-1' | '0-3';
  enable?: boolean;
  purge?: boolean;
  /** Text of the administration's policy. */
  policy?: string;
  /** Name servers of the gateway, instead of this machine's. */
  nameServers?: readonly string[];
}

/** `ip netns exec` gives each program mounts of its own. */
const WITH_RESOLVER = ['sh', '-ec', 'mount --bind "$0" /etc/resolv.conf; exec "$@"'];

export class LabEngine {
  readonly directory = mkdtempSync(join(tmpdir(), 'portcullis-lab-'));
  readonly configuration = join(this.directory, 'portcullis.yaml');
  private readonly socket = join(this.directory, 'c.sock');
  process!: LabProcess;
  /** What the engine finds in its environment beside the test's own. */
  readonly environment: Record<string, string> = {};

  constructor(
    readonly lab: Lab,
    private readonly options: EngineOptions = {},
  ) {
    writeFileSync(join(this.directory, 'test.rules'), options.rules ?? attackRules);
    const files = options.ruleFiles ?? [join(this.directory, 'test.rules')];
    writeFileSync(
      this.configuration,
      [
        `rule-files: ${JSON.stringify(files)}`,
        `protect: { networks: [${lab.address('server', 4)}/24, "${lab.address('server', 6)}/64"] }`,
        `control: { socket: ${this.socket} }`,
        `state-dir: ${join(this.directory, 'state')}`,
        `log-dir: ${join(this.directory, 'log')}`,
        'never-block: [self]',
        `nfqueue: { queues: ${options.queues ?? '0'} }`,
        'metrics: { listen: "off" }',
        '',
      ].join('\n'),
    );
  }

  /** An empty name: no policy, whatever this machine has. */
  private get env(): Record<string, string> {
    const { policy } = this.options;
    if (policy === undefined) return { PORTCULLIS_POLICY: '' };
    const path = join(this.directory, 'policy.yaml');
    writeFileSync(path, policy);
    return { PORTCULLIS_POLICY: path };
  }

  /**
   * Starts the engine and waits until it protects (or runs, without `enable`).
   * @param patience milliseconds: large rule sets take their time on a busy machine
   */
  async start(settings: Readonly<Record<string, string>> = {}, patience = 60_000): Promise<this> {
    this.process = this.spawn(settings);
    await this.process.waitFor(
      this.options.enable === false
        ? /(protecting|monitoring):|running, protection is off/
        : /(protecting|monitoring):/,
      patience,
    );
    return this;
  }

  /** Starts an engine and waits for nothing. */
  spawn(settings: Readonly<Record<string, string>> = {}): LabProcess {
    const all = { ...this.options.settings, ...settings };
    const argv = [process.execPath, command, 'run', '--config', this.configuration];
    if (this.options.enable !== false) argv.push('--enable');
    if (this.options.purge) argv.push('--purge');
    for (const [key, value] of Object.entries(all)) argv.push('--set', `${key}=${value}`);
    const env = { ...this.env, PORTCULLIS_LOG_TEXT: '1', ...this.environment };
    const engine = this.lab.spawn('gateway', [...this.resolver(), ...argv], { env });
    tellOf('The engine', engine);
    return engine;
  }

  private resolver(): string[] {
    const { nameServers } = this.options;
    if (nameServers === undefined) return [];
    const path = join(this.directory, 'resolv.conf');
    writeFileSync(path, nameServers.map((server) => `nameserver ${server}\n`).join(''));
    return [...WITH_RESOLVER, path];
  }

  /** Ends it as Ctrl-C does. */
  async stop(): Promise<void> {
    this.process.kill('SIGINT');
    await this.process.exited;
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.exited;
  }

  /** Runs a command of ours on the gateway. */
  ask(...argv: string[]) {
    return this.lab.exec('gateway', [process.execPath, command, ...argv, '--config', this.configuration], {
      env: this.env,
    });
  }

  async json<Answer>(...argv: string[]): Promise<Answer> {
    const { stdout, stderr } = await this.ask(...argv, '--json');
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Answer;
  }

  /** What `status --json` prints, without a process for the question: it is asked again and again. */
  async status(): Promise<StatusAnswer> {
    return (await askEngine(this.socket, 'status')) as StatusAnswer;
  }

  /** What the control socket answers, without a process for the question. */
  command(name: string, args: Record<string, unknown>): Promise<unknown> {
    return askEngine(this.socket, name, args);
  }

  /** As `config set`, as quickly. */
  set(...assignments: string[]): Promise<unknown> {
    return this.command('config.change', { set: assignments });
  }

  /** As `config unset`, as quickly. */
  unset(...keys: string[]): Promise<unknown> {
    return this.command('config.change', { unset: keys });
  }

  /** As `bans remove --all`, as quickly. */
  letAllIn(): Promise<unknown> {
    return this.command('bans.remove', { all: true });
  }

  /** Packets that the kernel has given to the queues since they were bound; `status` tells a moment later. */
  async queued(): Promise<number> {
    const queues = await this.lab.run('gateway', ['cat', '/proc/net/netfilter/nfnetlink_queue']);
    // Columns of the kernel's nfnetlink_queue.c, seq_show(); the eighth is the number of the last packet.
    return queues
      .split('\n')
      .filter(Boolean)
      .reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[7]), 0);
  }

  /** The same once the last packets of earlier connections are among them. */
  async settled(): Promise<number> {
    const counts: number[] = [];
    const quiet = async () => {
      counts.push(await this.queued());
      return counts.length >= 10 && new Set(counts.slice(-10)).size === 1;
    };
    await waitUntil(quiet, { what: 'the end of earlier connections' });
    return counts.at(-1) as number;
  }

  /** The addresses of `bans list --json`, as quickly. */
  async bans(): Promise<string[]> {
    const { bans } = (await askEngine(this.socket, 'bans.list', { limit: 1000 })) as BanListAnswer;
    return bans.map((ban) => ban.prefix);
  }

  /**
   * How long a request waits for its answer: long, and no longer once the engine tells of something that it has stopped.
   * @param timeout milliseconds; short where nobody tells: a banned client gets nothing
   */
  patience(timeout = 10_000): { timeout: number; over: () => boolean } {
    const stopped = () => this.events('alert').filter(({ alert }) => alert?.action === 'blocked').length;
    const before = stopped();
    return { timeout, over: () => stopped() > before };
  }

  events(type?: EveRecord['event_type']): EveRecord[] {
    const path = join(this.directory, 'log', 'eve.json');
    if (!existsSync(path)) return [];
    // What stands behind the last line's end is still being written.
    const records = readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as EveRecord);
    return type ? records.filter((record) => record.event_type === type) : records;
  }

  async alert(): Promise<EveRecord> {
    return waitUntil(() => this.events('alert')[0], { what: 'an alert in eve.json' });
  }

  /** What stands of ours in the gateway's tables, by lines. */
  async rules(): Promise<string[]> {
    const lines: string[] = [];
    for (const tool of ['iptables', 'ip6tables']) {
      for (const table of ['raw', 'mangle', 'filter'])
        lines.push(...(await this.lab.run('gateway', [tool, '-w', '-t', table, '-S'])).split('\n'));
    }
    return lines.filter((line) => line.includes('portcullis'));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
