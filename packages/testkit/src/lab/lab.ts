import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { PacketView } from '@portcullis/wire';
import { Aftermath } from './aftermath';
import type { ConnectParams, ListenParams } from './agent-protocol';
import {
  openReplayEnds,
  type ReplayEnds,
  type ReplayOptions,
  type ReplayResult,
  replayCapture,
} from './capture-replay';
import {
  hasBackend,
  type IptablesBackend,
  makeBackendDirectory,
  removeStaleBackendDirectories,
} from './iptables-backend';
import { LabAgent, LabAgentError } from './lab-agent';
import { LabConnection } from './lab-connection';
import { type ExecOptions, type ExecResult, LabProcess, type SpawnOptions } from './lab-process';
import { LabServer, LabUdpServer } from './lab-server';
import { ip, isAlive, listNamespaces, removeNamespace } from './namespaces';
import { PATIENCE } from './patience';
import { RawEnd } from './raw-end';
import {
  buildTopology,
  type EndRole,
  endAddress,
  endHardware,
  gatewayAddress,
  gatewayInterface,
  type Role,
} from './topology';
import { waitUntil } from './wait-until';

export interface LabOptions {
  /** A second client beside the attacker, on a link of its own. */
  readonly bystander?: boolean;
  /** The gateway hides its clients behind its own address on the server's side. */
  readonly masquerade?: boolean;
  /** TCP ports of the gateway's address on the clients' side that lead to the same port of the server. */
  readonly dnat?: readonly number[];
  /** What plain `iptables` means in the lab; default: as on this system. */
  readonly backend?: IptablesBackend;
  /** `net.ipv4.conf.*.rp_filter` of the gateway; default 0. */
  readonly rpFilter?: 0 | 1 | 2;
  /** No addresses at all, for `replayBothWays`. */
  readonly replay?: boolean;
}

/** One piece of a request, and how long to wait before it is written. */
export interface RequestChunk {
  readonly bytes: Uint8Array | string;
  /** Milliseconds before this piece. */
  readonly delay?: number;
}

export interface RequestOptions {
  /** Where to; by default the server, as clients know it, over IPv4. */
  readonly host?: string;
  readonly port: number;
  /** Raw bytes; text is taken as latin1. Pieces are segments of their own (TCP_NODELAY). */
  readonly bytes: Uint8Array | string | readonly RequestChunk[];
  /** The answer is complete when it matches (as latin1); default: a whole HTTP response with its body. */
  readonly until?: RegExp;
  /** Milliseconds for all; default 3000. */
  readonly timeout?: number;
  /** Once this holds an answer has had its time: one that does not come within a moment does not come. */
  readonly over?: () => boolean | Promise<boolean>;
  readonly localAddress?: string;
  readonly localPort?: number;
}

export interface RequestResult {
  readonly connected: boolean;
  readonly response: Buffer;
  /** The answer came as far as `until`. */
  readonly complete: boolean;
  /** `open`, `end`, or an error's code such as ECONNRESET, ECONNREFUSED, ETIMEDOUT. */
  readonly state: string;
}

const DEFAULT_PREFIX = 'pct';
const DEFAULT_REQUEST_TIMEOUT = 3000;
/** Milliseconds that an answer may still take when its time is over. */
const LAST_MOMENT = 300;
/** As `removeNamespace`, and a directory before that, which may have no name. */
const REMOVE = `
[ -z "$1" ] || rm -rf "$1"
shift
for namespace; do
  for pid in $(ip netns pids "$namespace"); do kill -9 "$pid"; done
  ip netns del "$namespace"
done`;

const labs = new Set<Lab>();
let serial = 0;

/**
 * attacker – gateway – server (and a bystander) in network namespaces of their own on the real kernel, with IPv4
 * and IPv6. Needs root. Nothing of it is seen from outside, and `destroy` leaves nothing behind; it is called at
 * the end of the process as well, and where that is killed a shell does the same.
 */
export class Lab {
  /** Names of the namespaces, for `ip netns`. */
  readonly namespaces: Readonly<Partial<Record<Role, string>>>;
  private readonly agents = new Map<Role, LabAgent>();
  private readonly processes = new Set<LabProcess>();
  private readonly backendDirectory: string | undefined;
  private readonly aftermath: Aftermath;
  private replayEnds: Promise<ReplayEnds> | undefined;
  private destroyed = false;

  /** Why there can be no lab here; null when there can be one. */
  static available(): string | null {
    if (process.platform !== 'linux') return 'network namespaces are a feature of Linux';
    if (process.getuid?.() !== 0) return 'network namespaces need root';
    if (spawnSync('ip', ['-V']).error !== undefined) return 'the ip command (iproute2) is not installed';
    const probe = `${DEFAULT_PREFIX}-${process.pid}-probe`;
    const added = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' });
    spawnSync('ip', ['netns', 'del', probe]);
    return added.status === 0 ? null : `network namespaces cannot be made: ${added.stderr.trim()}`;
  }

  /** Whether both commands of an iptables backend, and their -restore and -save, are installed. */
  static hasBackend(backend: IptablesBackend): boolean {
    return hasBackend(backend);
  }

  /** Removes namespaces that processes left which are no longer there. @returns their names. */
  static cleanStale(prefix: string = DEFAULT_PREFIX): string[] {
    assertPrefix(prefix);
    removeStaleBackendDirectories();
    const pattern = new RegExp(`^${prefix}-(\\d+)-`);
    const stale = listNamespaces().filter((name) => {
      const pid = pattern.exec(name)?.[1];
      return pid !== undefined && !isAlive(Number(pid));
    });
    for (const name of stale) removeNamespace(name);
    return stale;
  }

  /** @param prefix of the namespaces' names: small letters and digits. */
  constructor(
    prefix: string = DEFAULT_PREFIX,
    private readonly options: LabOptions = {},
  ) {
    assertPrefix(prefix);
    const ends: EndRole[] = ['attacker', 'server'];
    if (options.bystander) ends.push('bystander');
    const stem = `${prefix}-${process.pid}-${++serial}`;
    const roles: Role[] = ['gateway', ...ends];
    this.namespaces = Object.fromEntries(roles.map((role) => [role, `${stem}-${role}`]));
    register(this);
    this.backendDirectory = options.backend === undefined ? undefined : makeBackendDirectory(options.backend);
    this.aftermath = new Aftermath(REMOVE, [this.backendDirectory ?? '', ...Object.values(this.namespaces)]);
    try {
      for (const role of roles) ip(['netns', 'add', this.namespaceOf(role)]);
      buildTopology({
        namespaces: this.namespaces,
        ends,
        rpFilter: options.rpFilter ?? 0,
        replay: options.replay ?? false,
      });
      this.translateAddresses();
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  /** The address of a host on its link; the gateway's on the attacker's side. */
  address(role: Role, family: 4 | 6): string {
    return role === 'gateway' ? gatewayAddress('attacker', family) : endAddress(role, family);
  }

  /** The gateway's address towards one of the others. */
  gatewayAddress(towards: EndRole, family: 4 | 6): string {
    return gatewayAddress(towards, family);
  }

  /** The gateway's interface towards one of the others. */
  gatewayInterface(towards: EndRole): string {
    return gatewayInterface(towards);
  }

  /** Where clients reach the server: its own address, or the gateway's under DNAT. */
  target(family: 4 | 6, client: EndRole = 'attacker'): string {
    return this.options.dnat === undefined ? endAddress('server', family) : gatewayAddress(client, family);
  }

  /** Starts a program and leaves it running until `destroy`. */
  spawn(role: Role, argv: readonly string[], options: SpawnOptions = {}): LabProcess {
    this.assertAlive();
    const env = { ...this.environment(), ...options.env };
    const program = new LabProcess(argv, this.namespaceOf(role), { ...options, env });
    this.processes.add(program);
    void program.exited.then(() => this.processes.delete(program));
    return program;
  }

  /** Runs a program to its end; a failure is a result, not an error, but for a program that is not installed. */
  async exec(role: Role, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { timeout, ...rest } = options;
    const result = await this.spawn(role, argv, { input: '', ...rest }).finish(timeout);
    // This is how `ip netns exec` says it, with the code that many a program gives for "no".
    if (result.code !== 0 && /^exec of ".*" failed: /m.test(result.stderr))
      throw new Error(result.stderr.trim());
    return result;
  }

  /** Runs a program that must succeed. @returns what it wrote to its standard output. */
  async run(role: Role, argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const result = await this.exec(role, argv, options);
    if (result.code === 0) return result.stdout;
    const end = result.timedOut ? 'took too long' : `ended with ${result.signal ?? result.code}`;
    throw new Error(`${argv.join(' ')} (${role}) ${end}: ${result.stderr || result.stdout}`);
  }

  /** A server that answers HTTP/1.1 requests with 200, keeps connections alive and records all bytes. */
  httpServer(role: Role, port: number): Promise<LabServer> {
    return this.listen(role, { port, kind: 'http' });
  }

  /** Another server: sends a greeting, then echoes or keeps silent, or is a web application; records all bytes. */
  tcpServer(
    role: Role,
    port: number,
    options: { kind?: 'echo' | 'sink' | 'web' | 'web2'; greeting?: string | Uint8Array } = {},
  ): Promise<LabServer> {
    const greeting =
      typeof options.greeting === 'string' ? Buffer.from(options.greeting, 'latin1') : options.greeting;
    const params = { port, kind: options.kind ?? 'echo' };
    return this.listen(role, greeting === undefined ? params : { ...params, greeting });
  }

  async udpServer(role: Role, port: number): Promise<LabUdpServer> {
    const agent = this.agent(role);
    await agent.call('udpListen', { port });
    return new LabUdpServer(agent, port);
  }

  /** Sends one datagram; null when no answer came in time (milliseconds). */
  udpRequest(
    role: Role,
    options: { host?: string; port: number; payload: string | Uint8Array; timeout?: number },
  ): Promise<Uint8Array | null> {
    const { payload } = options;
    return this.agent(role).call('udpRequest', {
      host: options.host ?? this.target(4),
      port: options.port,
      payload: typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload,
      timeout: options.timeout ?? 1000,
    });
  }

  /** Opens a TCP connection; throws a LabAgentError with the system's code when there is none. */
  async connect(
    role: Role,
    options: Partial<ConnectParams> & Pick<ConnectParams, 'port'>,
  ): Promise<LabConnection> {
    const agent = this.agent(role);
    const opened = await agent.call('connect', {
      ...options,
      host: options.host ?? this.target(4),
      timeout: options.timeout ?? DEFAULT_REQUEST_TIMEOUT,
    });
    return new LabConnection(agent, opened.connection, opened.localPort);
  }

  /** Connects, writes bytes, waits for the answer, closes. What goes wrong is in the result, not thrown. */
  async request(role: Role, options: RequestOptions): Promise<RequestResult> {
    const begun = Date.now();
    const timeout = options.timeout ?? DEFAULT_REQUEST_TIMEOUT;
    const left = () => Math.max(timeout - (Date.now() - begun) / PATIENCE, 1);
    let connection: LabConnection;
    try {
      connection = await this.connect(role, {
        port: options.port,
        timeout: left(),
        ...(options.host === undefined ? {} : { host: options.host }),
        ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
        ...(options.localPort === undefined ? {} : { localPort: options.localPort }),
      });
    } catch (error) {
      if (!(error instanceof LabAgentError) || error.code === 'AGENT') throw error;
      return { connected: false, response: Buffer.alloc(0), complete: false, state: error.code };
    }
    const { bytes } = options;
    const chunks = typeof bytes === 'string' || bytes instanceof Uint8Array ? [{ bytes }] : bytes;
    for (const { bytes: piece, delay } of chunks as readonly RequestChunk[]) {
      if (delay !== undefined) await new Promise((resolve) => setTimeout(resolve, delay));
      await connection.write(piece);
    }
    const isComplete = (response: Buffer) =>
      options.until === undefined
        ? isWholeResponse(response)
        : options.until.test(response.toString('latin1'));
    let last = await connection.state();
    const answered = async () => {
      last = await connection.state();
      return last.state !== 'open' || isComplete(Buffer.from(last.received));
    };
    const settled = async () => (await answered()) || options.over?.();
    await waitUntil(settled, { timeout: left(), what: 'the answer' }).catch(() => {});
    if (!(await answered()) && (await options.over?.()))
      await waitUntil(answered, { timeout: LAST_MOMENT, what: 'the answer' }).catch(() => {});
    const complete = isComplete(Buffer.from(last.received));
    await (complete ? connection.end() : connection.reset());
    await connection.forget();
    const response = Buffer.from(last.received);
    return { connected: true, response, complete, state: last.state };
  }

  /** A GET request for `path`, by default over IPv4. */
  httpGet(
    role: Role,
    path: string,
    options: Omit<RequestOptions, 'bytes'> & { headers?: readonly string[] },
  ): Promise<RequestResult> {
    const host = options.host ?? this.target(4);
    const name = host.includes(':') ? `[${host}]` : host;
    const head = [`GET ${path} HTTP/1.1`, `Host: ${name}:${options.port}`, ...(options.headers ?? [])];
    return this.request(role, { ...options, host, bytes: `${head.join('\r\n')}\r\n\r\n` });
  }

  /**
   * Plays a capture file through the gateway of a lab made with `replay`: packets of whoever opened a flow come
   * from the attacker's side, those of the other from the server's, in order, each one when the one before has
   * arrived or was waited for in vain. The packets are the capture's to the byte, but for a right IPv4
   * header checksum and a hop limit that is one higher until the gateway takes that away.
   */
  async replayBothWays(file: string, options: ReplayOptions = {}): Promise<ReplayResult> {
    if (!this.options.replay) throw new Error('this lab has addresses: make one with { replay: true }');
    const agents = { client: this.agent('attacker'), server: this.agent('server') };
    this.replayEnds ??= openReplayEnds(agents);
    return replayCapture(file, await this.replayEnds, options);
  }

  /**
   * Lets an end speak raw IP packets from addresses that its kernel does not have, so that it does not answer for them.
   * @param onPacket called with each packet that the gateway sends; the view is reused
   */
  async rawEnd(
    role: EndRole,
    addresses: readonly string[],
    onPacket: (view: PacketView) => void,
  ): Promise<RawEnd> {
    const neighbours = addresses.map(
      (address) =>
        `neigh replace ${address} lladdr ${endHardware(role)} nud permanent dev ${gatewayInterface(role)}\n`,
    );
    ip(['-n', this.namespaceOf('gateway'), '-batch', '-'], neighbours.join(''));
    return RawEnd.open(this.agent(role), role, onPacket);
  }

  /** Ends every program of the lab and removes its namespaces. May be called again. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const agent of this.agents.values()) agent.stop();
    this.agents.clear();
    for (const program of this.processes) program.destroy();
    for (const namespace of Object.values(this.namespaces)) removeNamespace(namespace);
    if (this.backendDirectory !== undefined) rmSync(this.backendDirectory, { recursive: true, force: true });
    unregister(this);
    this.aftermath.dismiss();
  }

  private assertAlive(): void {
    if (this.destroyed) throw new Error('this lab was destroyed');
  }

  private namespaceOf(role: Role): string {
    const namespace = this.namespaces[role];
    if (namespace === undefined) throw new Error(`this lab has no ${role}`);
    return namespace;
  }

  private environment(): Record<string, string> {
    const system = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
    return { PATH: this.backendDirectory === undefined ? system : `${this.backendDirectory}:${system}` };
  }

  private agent(role: Role): LabAgent {
    this.assertAlive();
    let agent = this.agents.get(role);
    if (agent === undefined) {
      agent = new LabAgent(this.namespaceOf(role));
      this.agents.set(role, agent);
    }
    return agent;
  }

  private async listen(role: Role, params: ListenParams): Promise<LabServer> {
    const agent = this.agent(role);
    await agent.call('listen', params);
    return new LabServer(agent, params.port);
  }

  private translateAddresses(): void {
    const { masquerade, dnat } = this.options;
    for (const family of [4, 6] as const) {
      const tool = family === 4 ? 'iptables' : 'ip6tables';
      const nat = (...rule: string[]) => this.setUp([tool, '-w', '-t', 'nat', ...rule]);
      if (masquerade) nat('-A', 'POSTROUTING', '-o', gatewayInterface('server'), '-j', 'MASQUERADE');
      for (const port of dnat ?? []) {
        const server = endAddress('server', family);
        const to = family === 4 ? `${server}:${port}` : `[${server}]:${port}`;
        const match = ['!', '-i', gatewayInterface('server'), '-p', 'tcp', '--dport', String(port)];
        nat('-A', 'PREROUTING', ...match, '-j', 'DNAT', '--to-destination', to);
      }
    }
  }

  private setUp(argv: readonly string[]): void {
    const result = spawnSync('ip', ['netns', 'exec', this.namespaceOf('gateway'), ...argv], {
      env: { ...process.env, ...this.environment() },
      encoding: 'utf8',
    });
    if (result.status !== 0) throw new Error(`${argv.join(' ')} failed in the gateway: ${result.stderr}`);
  }
}

function assertPrefix(prefix: string): void {
  if (!/^[a-z][a-z0-9]{0,15}$/.test(prefix)) throw new TypeError(`${prefix} is no prefix for namespaces`);
}

/** Whether a response's head is there, with all of the body that Content-Length announces. */
function isWholeResponse(response: Buffer): boolean {
  const headEnd = response.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const head = response.toString('latin1', 0, headEnd);
  const length = Number(/^content-length:[ \t]*(\d{1,9})[ \t]*$/im.exec(head)?.[1] ?? 0);
  return response.length >= headEnd + 4 + length;
}

function destroyAll(): void {
  for (const lab of [...labs]) lab.destroy();
}

function register(lab: Lab): void {
  if (labs.size === 0) process.on('exit', destroyAll);
  labs.add(lab);
}

function unregister(lab: Lab): void {
  labs.delete(lab);
  if (labs.size === 0) process.off('exit', destroyAll);
}
