/** An engine under load, what it has promised, and the means to see whether it keeps it through a fault. */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { BanListAnswer } from '@portcullis/control';
import {
  type ExecResult,
  Lab,
  type LabConnection,
  type LabProcess,
  type LabServer,
  waitUntil,
} from '@portcullis/testkit';
import { LONG } from '../kept-place';
import { ATTACK_PATH, type EngineOptions, LabEngine } from '../lab/engine';
import { Load } from './load';

export const PORT = 80;
/** A test of the long form. */
export const atLength = LONG ? test : test.skip;
/** The goal: traffic goes as configured again after so long, milliseconds. */
export const GOAL = 1000;
/** What a client that waits for its turn adds to what it measures. */
const MEASURING = 500;
/** What the start of a small program takes on a machine that has nothing else to do. */
const PROGRAM_START = 60;
const CONFIRM_MILLISECONDS = 5;
const STARVED = /has not moved for \d+ ms/;

export class FaultLab {
  readonly lab: Lab;
  readonly engine: LabEngine;
  readonly faults: string;
  server!: LabServer;
  load!: Load;
  /** Bans that the engine has said are in force. */
  readonly confirmed = new Set<string>();
  private reference = '';
  private logRead = 0;
  private banning: Promise<void> | null = null;
  private banned = 0;
  private attacks = 0;

  /** @param breakable its worker can be broken */
  constructor(
    prefix: string,
    { breakable = false, ...options }: EngineOptions & { breakable?: boolean } = {},
  ) {
    this.lab = new Lab(prefix, { bystander: true });
    const settings = { 'nfqueue.queues': '0', 'block-attacking-hosts': 'false', ...options.settings };
    this.engine = new LabEngine(this.lab, { ...options, settings });
    this.faults = join(this.engine.directory, 'faults');
    mkdirSync(this.faults);
    if (breakable) Object.assign(this.engine.environment, breakableWorker(this.faults));
  }

  /** Starts the server and the load, which do not depend on the engine. */
  async open(): Promise<this> {
    this.server = await this.lab.httpServer('server', PORT);
    this.load = Load.start(this.lab, PORT);
    return this;
  }

  async close(): Promise<void> {
    this.banning = null;
    if (this.engine.process?.running) await this.engine.kill();
    this.lab.destroy();
    this.engine.remove();
  }

  /** Starts the engine, as a service manager does after its end. @returns milliseconds until it protects */
  async start(): Promise<number> {
    const began = performance.now();
    await this.engine.start();
    this.logRead = 0;
    if (this.reference === '') this.reference = await this.kernel();
    return performance.now() - began;
  }

  /** Starts two at once. @returns the one that was refused, when it has ended */
  async startTwo(): Promise<ExecResult> {
    if (this.engine.process?.running) await this.engine.stop();
    this.logRead = 0;
    const both = [this.engine.spawn(), this.engine.spawn()];
    const winner = await waitUntil(() => both.find(({ stdout }) => /protecting:/.test(stdout)), {
      timeout: 60_000,
      what: 'one of two engines',
    });
    this.engine.process = winner;
    this.reference = await this.kernel();
    return (both.find((each) => each !== winner) as LabProcess).finish(30_000);
  }

  /**
   * Lines of the engine's log that tell of something wrong, since they were last asked for; alerts are none.
   * @param stalled a worker was made to stall: of the lines that say so the first one; else none of them, as a machine without
   *   time for its workers has them too
   */
  faultLines({ stalled = false } = {}): string[] {
    const text = this.engine.process.stdout.slice(this.logRead);
    this.logRead += text.length;
    const lines = text.split('\n').flatMap((line) => {
      const [, said] = /(?:warning|error): (.*)/.exec(line) ?? [];
      return said === undefined || /\(sid \d+\)/.test(said) ? [] : [said];
    });
    const starved = lines.filter((line) => STARVED.test(line));
    return [...(stalled ? starved.slice(0, 1) : []), ...lines.filter((line) => !STARVED.test(line))];
  }

  async said(pattern: RegExp, timeout = 20_000): Promise<RegExpMatchArray> {
    return waitUntil(() => this.engine.process.stdout.slice(this.logRead).match(pattern), {
      timeout,
      what: `${pattern} in the log`,
    });
  }

  /** One question on the control socket, without a program being started for it. */
  ask<Answer>(command: string, args: object = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const socket = connect(join(this.engine.directory, 'c.sock'));
      let text = '';
      socket.setEncoding('utf8');
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the engine went away')));
      socket.on('data', (chunk) => {
        text += chunk;
        if (!text.endsWith('\n')) return;
        const reply = JSON.parse(text) as { ok: boolean; data: Answer; message: string };
        socket.destroy();
        if (reply.ok) resolve(reply.data);
        else reject(new Error(reply.message));
      });
      socket.write(`${JSON.stringify({ command, arguments: args })}\n`);
    });
  }

  async ban(prefix: string): Promise<void> {
    await this.ask('bans.add', { address: prefix, for: '1d' });
    this.confirmed.add(prefix);
  }

  /** Bans one device after the other, until the engine no longer answers. */
  keepBanning(): void {
    const run = async () => {
      for (;;) {
        // 198.18.0.0/15 is there for tests (RFC 2544).
        const number = ++this.banned % 0x20000;
        await this.ban(`198.${18 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`);
        await new Promise((resolve) => setTimeout(resolve, CONFIRM_MILLISECONDS));
        if (this.banning === null) return;
      }
    };
    this.banning = run().catch(() => undefined);
  }

  async bannedMoreThan(count: number): Promise<void> {
    await waitUntil(() => this.confirmed.size > count, { timeout: 20_000, what: 'bans' });
  }

  async stopBanning(): Promise<void> {
    const { banning } = this;
    this.banning = null;
    await banning;
  }

  /** Lifts all bans, and sees that none is left. */
  async lift(): Promise<void> {
    await this.ask('bans.remove', { all: true });
    this.confirmed.clear();
    expect([...(await this.bansInKernel())]).toEqual([]);
  }

  /** Our rules in the kernel and the names of our sets, without what differs between two runs. */
  async kernel(): Promise<string> {
    const text = await this.lab.run('gateway', [
      'sh',
      '-ec',
      'iptables-save; ip6tables-save; ipset list -name | sort',
    ]);
    return text
      .split('\n')
      .filter((line) => line.includes('portcullis'))
      .map((line) => line.replace(/\[\d+:\d+\]/, '').replace(/0x[0-9a-f]+\/0x[0-9a-f]+/g, 'MARK'))
      .join('\n');
  }

  /** Nothing of ours is there twice, half or not at all. */
  async expectFirewallWhole(): Promise<void> {
    expect(await this.kernel()).toBe(this.reference);
  }

  async bansInKernel(): Promise<Set<string>> {
    const text = await this.lab.run('gateway', ['sh', '-c', 'ipset list portcullis_ban4']);
    return new Set([...text.matchAll(/^(\d[\d./]+) timeout/gm)].map(([, prefix]) => prefix as string));
  }

  async expectBansInKernel(): Promise<void> {
    const there = await this.bansInKernel();
    expect([...this.confirmed].filter((prefix) => !there.has(prefix))).toEqual([]);
  }

  async expectBansInLedger(): Promise<void> {
    const { bans } = await this.ask<BanListAnswer>('bans.list', { limit: 100_000 });
    const there = new Set(bans.map(({ prefix }) => prefix));
    expect([...this.confirmed].filter((prefix) => !there.has(prefix))).toEqual([]);
  }

  /** @returns milliseconds from the fault to the first request that is answered as if nothing were wrong */
  async flowsAfter(fault: number): Promise<number> {
    const first = await waitUntil(() => this.load.since(fault).find(({ answered }) => answered), {
      timeout: 20_000,
      what: 'traffic after the fault',
    });
    const milliseconds = first.started - fault;
    if (milliseconds >= GOAL + MEASURING) expect(milliseconds).toBeLessThan((GOAL + MEASURING) * slowness());
    return milliseconds;
  }

  /** Nothing that begins after the fault is answered, for as many requests as show it. */
  async expectStopped(fault: number): Promise<void> {
    const over = await waitUntil(
      () => {
        const requests = this.load.since(fault);
        return requests.length >= 10 ? requests : undefined;
      },
      { timeout: 20_000, what: 'requests after the fault' },
    );
    expect(over.filter(({ answered }) => answered)).toEqual([]);
  }

  /** The engine inspects: an attack is dropped. */
  async expectProtected(): Promise<void> {
    const count = (pattern: RegExp) => [...this.engine.process.stdout.matchAll(pattern)].length;
    const lost = () => count(/ is lost: /g);
    for (;;) {
      await waitUntil(() => lost() === count(/has a worker again/g), { timeout: 20_000, what: 'a worker' });
      const before = lost();
      const path = `${ATTACK_PATH}-${++this.attacks}`;
      const answer = await this.lab.httpGet('attacker', `${path}${this.shellWords}`, {
        port: PORT,
        timeout: 300,
        headers: [`User-Agent: ${this.shellWords}`, `Referer: ${this.shellWords}`],
      });
      if (!answer.complete && !(await this.server.received()).includes(path)) return;
      // On a machine with no time for it a worker may have been taken for stalled just then, and that is told.
      await waitUntil(() => lost() > before, { timeout: 2000, what: 'a reason' }).catch(() => {
        throw new Error(`an attack got through:\n${this.engine.process.stdout}`);
      });
    }
  }

  /** A connection that goes on through a fault. */
  async connection(): Promise<LabConnection> {
    const connection = await this.lab.connect('attacker', { host: this.lab.target(4), port: PORT });
    await this.expectAnswer(connection);
    return connection;
  }

  async expectAnswer(connection: LabConnection): Promise<void> {
    const before = (await connection.state()).received.length;
    await connection.write('GET /kept HTTP/1.1\r\nHost: kept\r\n\r\n');
    await waitUntil(
      async () => {
        const { received, state } = await connection.state();
        if (state !== 'open') throw new Error(`a connection did not go on: ${state}`);
        return received.length > before;
      },
      { timeout: 20_000, what: 'an answer on a connection that goes on' },
    );
  }

  /** It went on through the fault, and what comes in it from now on is inspected. */
  async expectGoesOn(connection: LabConnection): Promise<void> {
    await this.expectAnswer(connection);
    const before = this.blocked();
    const path = `${ATTACK_PATH}-kept-${++this.attacks}`;
    await connection.write(`GET ${path} HTTP/1.1\r\nHost: kept\r\n\r\n`);
    await waitUntil(() => this.blocked() > before, { timeout: 20_000, what: 'the attack to be seen' });
    expect((await this.server.received()).includes(path)).toBe(false);
    // Else it would come again once nobody looks.
    await connection.reset();
  }

  private blocked(): number {
    return [...this.engine.process.stdout.matchAll(/\(sid 1000001\)/g)].length;
  }

  /** Makes a file if a shell sees it. */
  private get shellWords(): string {
    const command = `touch$IFS${this.owned}`;
    return `';$(${command})\`${command}\`|${command}&&${command}`;
  }

  private get owned(): string {
    return join(this.engine.directory, 'owned');
  }

  /** What the engine has written is nobody else's to read, and nothing that an attack said was run. */
  expectPrivate(): void {
    const open: string[] = [];
    const look = (path: string) => {
      const facts = lstatSync(path);
      if ((facts.mode & 0o007) !== 0) open.push(path);
      if (facts.isDirectory()) for (const name of readdirSync(path)) look(join(path, name));
    };
    for (const name of ['state', 'log', 'c.sock']) look(join(this.engine.directory, name));
    expect(open).toEqual([]);
    expect(existsSync(this.owned)).toBe(false);
  }

  /** Has the worker do something, see break-worker.cjs. */
  breakWorker(how: string): void {
    writeFileSync(join(this.faults, 'worker.next'), how);
    // As a whole: the worker looks all the time.
    renameSync(join(this.faults, 'worker.next'), join(this.faults, 'worker'));
  }
}

/** Environment of an engine whose worker can be broken. */
function breakableWorker(faults: string): Record<string, string> {
  const root = join(__dirname, '..', '..');
  return {
    NODE_OPTIONS: `--require ${join(__dirname, 'break-worker.cjs')}`,
    FAULT_BINDING: join(root, 'native', 'nfqueue-binding', 'dist', 'index.js'),
    FAULT_FOLDER: faults,
  };
}

/**
 * How many times longer than usual everything takes right now, at least 1: a goal in milliseconds is one of a machine that
 * has time.
 */
export function slowness(): number {
  const began = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return Math.max(1, (performance.now() - began) / PROGRAM_START);
}
