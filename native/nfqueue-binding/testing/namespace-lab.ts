import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type * as nfqueue from '../src/index';

const packageRoot = join(__dirname, '..');

/** What a function that runs in an agent gets. It sees nothing else: no imports, no closure. */
export interface AgentContext {
  require: NodeJS.Require;
  nfqueue: typeof nfqueue;
  /** File of the package's entry, for worker threads. */
  entry: string;
  /** Kept between the functions of one agent. */
  state: {
    queue: nfqueue.NfQueue;
    stop: boolean;
    // biome-ignore lint/suspicious/noExplicitAny: whatever a test wants to keep
    [name: string]: any;
  };
  /** Lets the agent's event loop run once. */
  tick(): Promise<void>;
}

function tool(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Brings `dist`, which the agents load, up to date. Test files run side by side, hence the lock. */
export function buildPackage(): void {
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  execFileSync('flock', [join(packageRoot, 'build'), process.execPath, compiler, '-b', packageRoot], {
    stdio: 'inherit',
  });
}

/** Why kernel tests cannot run here; undefined where they can. */
function missingForLab(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync(join(packageRoot, 'build/Release/nfqueue.node'))) return 'the addon is not built';
  const name = `pcq-${process.pid}-probe`;
  try {
    tool('ip', 'netns', 'add', name);
  } catch {
    return 'needs network namespaces (ip netns add)';
  }
  try {
    tool('ip', 'netns', 'exec', name, 'iptables', '-w', '-t', 'mangle', '-A', 'FORWARD', '-j', 'NFQUEUE');
    return undefined;
  } catch {
    return 'needs iptables with the NFQUEUE target';
  } finally {
    tool('ip', 'netns', 'del', name);
  }
}

/** `describe` where the kernel can be used; elsewhere skips and says why. */
export function describeInLab(name: string, body: () => void): void {
  const missing = missingForLab();
  if (missing === undefined) {
    describe(name, body);
    return;
  }
  // jest prints nothing of a file that is skipped as a whole, not even its console.
  process.stderr.write(`nfqueue-binding, ${name}: skipped, ${missing}\n`);
  describe.skip(name, body);
}

/** A Node.js process in a namespace, evaluating functions by their source. */
export class Agent {
  readonly process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly #ready: Promise<void>;
  #sequence = 0;

  /** @param prefix command that runs the rest of its arguments, e.g. `setpriv …` */
  constructor(namespace: string, prefix: readonly string[] = []) {
    const args = ['netns', 'exec', namespace, ...prefix, process.execPath, join(__dirname, 'agent.cjs')];
    this.process = spawn('ip', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#ready = new Promise((resolve) => {
      this.process.on('message', (message: { ready?: boolean }) => message.ready && resolve());
    });
    this.process.on('message', (message: { id?: number; result?: unknown; error?: Error }) => {
      if (message.id === undefined) return;
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) waiting?.reject(Object.assign(new Error(message.error.message), message.error));
      else waiting?.resolve(message.result);
    });
    this.process.on('exit', (code, signal) => {
      for (const waiting of this.#waiting.values()) {
        waiting.reject(new Error(`the agent ended: ${code ?? signal}`));
      }
      this.#waiting.clear();
    });
  }

  async run<R, A = undefined>(
    body: (context: AgentContext, argument: A) => R | Promise<R>,
    ...[argument]: A extends undefined ? [] : [A]
  ): Promise<R> {
    await this.#ready;
    const id = ++this.#sequence;
    return new Promise<R>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.process.send({ id, source: body.toString(), argument });
    });
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill(signal);
    await ended;
  }
}

/**
 * client (10.77.1.2, fd77:1::2) – gateway – server (10.77.2.2, fd77:2::2), joined by veth, with all offloads that
 * veth has.
 */
export class NamespaceLab {
  readonly clientName: string;
  readonly gatewayName: string;
  readonly serverName: string;
  readonly #agents: Agent[] = [];

  constructor(label: string) {
    const prefix = `pcq-${process.pid}-${label}`;
    this.clientName = `${prefix}-c`;
    this.gatewayName = `${prefix}-g`;
    this.serverName = `${prefix}-s`;
    try {
      for (const name of [this.clientName, this.gatewayName, this.serverName]) {
        tool('ip', 'netns', 'add', name);
        tool('ip', '-n', name, 'link', 'set', 'lo', 'up');
        // Addresses serve at once, without a second of duplicate address detection.
        tool('ip', 'netns', 'exec', name, 'sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0');
      }
      this.#join(this.clientName, 1);
      this.#join(this.serverName, 2);
      this.inGateway('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
    } catch (error) {
      this.removeNamespaces();
      throw error;
    }
  }

  #join(host: string, network: number): void {
    tool(
      'ip',
      '-n',
      host,
      'link',
      'add',
      'eth0',
      'type',
      'veth',
      'peer',
      `eth${network}`,
      'netns',
      this.gatewayName,
    );
    for (const [name, device, last] of [
      [host, 'eth0', 2],
      [this.gatewayName, `eth${network}`, 1],
    ] as const) {
      tool('ip', '-n', name, 'addr', 'add', `10.77.${network}.${last}/24`, 'dev', device);
      tool('ip', '-n', name, 'addr', 'add', `fd77:${network}::${last}/64`, 'dev', device, 'nodad');
      tool('ip', '-n', name, 'link', 'set', device, 'up');
    }
    tool('ip', '-n', host, 'route', 'add', 'default', 'via', `10.77.${network}.1`);
    tool('ip', '-n', host, '-6', 'route', 'add', 'default', 'via', `fd77:${network}::1`);
  }

  inGateway(...command: string[]): string {
    return tool('ip', 'netns', 'exec', this.gatewayName, ...command);
  }

  /** Adds the same rule for IPv4 and IPv6 to the gateway's mangle table. */
  rule(...rule: string[]): void {
    this.inGateway('iptables', '-w', '-t', 'mangle', '-A', 'FORWARD', ...rule);
    this.inGateway('ip6tables', '-w', '-t', 'mangle', '-A', 'FORWARD', ...rule);
  }

  clearRules(): void {
    this.inGateway('iptables', '-w', '-t', 'mangle', '-F');
    this.inGateway('ip6tables', '-w', '-t', 'mangle', '-F');
  }

  agent(namespace: string, prefix: readonly string[] = []): Agent {
    const agent = new Agent(namespace, prefix);
    this.#agents.push(agent);
    return agent;
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.end()));
    this.removeNamespaces();
  }

  removeNamespaces(): void {
    for (const name of [this.clientName, this.gatewayName, this.serverName]) {
      try {
        tool('ip', 'netns', 'del', name);
      } catch {
        // It was never made.
      }
    }
  }
}
