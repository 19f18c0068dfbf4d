/** Labs with an attacker in user space and an application on a kernel of its own, with and without an engine between. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { EveRecord } from '@portcullis/events';
import { Lab, waitUntil } from '@portcullis/testkit';
import { LabEngine } from '../lab/engine';
import { Fence } from './fence';
import { RawPeers } from './raw-peer';
import type { Way } from './trial';

/** Addresses of the attacker's network that no host has: the kernel spreads flows over queues by address. */
const SOURCES = {
  4: Array.from({ length: 8 }, (_, index) => `10.77.1.${200 + index}`),
  6: Array.from({ length: 8 }, (_, index) => `fd00:77:1::${200 + index}`),
} as const;

/** Milliseconds for the end of an engine. */
const STOP_TIME = 15_000;
/** For every server and every client, without the cookie (Documentation/networking/ip-sysctl.rst, tcp_fastopen). */
const FAST_OPEN = 0x607;
/**
 * Bytes of fragments that kernels keep. What comes twice waits for a minute for the rest of a packet that was put together already:
 * thousands of attempts would fill the four megabytes of the default, and harmless fragments be thrown away.
 */
const FRAGMENT_MEMORY = 256 << 20;
const FRAGMENT_LIMITS = [
  'ipv4/ipfrag_high_thresh',
  'ipv6/ip6frag_high_thresh',
  'netfilter/nf_conntrack_frag6_high_thresh',
];

export interface WayOptions {
  readonly family: 4 | 6;
  /** What the application is: see `Lab.tcpServer`. */
  readonly kind: 'sink' | 'web' | 'web2';
  readonly port: number;
  /** Every server and client takes and sends data with SYNs, without a cookie. */
  readonly fastOpen?: boolean;
  /** Without, there is no engine. */
  readonly rules?: string;
}

/** Opens ways and takes them down again. */
export class Ways {
  private readonly labs: Lab[] = [];
  private readonly engines: { readonly engine: LabEngine; readonly reader: AlertReader }[] = [];

  async open({ family, kind, port, rules, fastOpen }: WayOptions): Promise<Way> {
    const lab = new Lab('pcev');
    this.labs.push(lab);
    const widen = FRAGMENT_LIMITS.map((limit) => `echo ${FRAGMENT_MEMORY} > /proc/sys/net/${limit}`).join(
      '; ',
    );
    for (const role of ['gateway', 'server'] as const) await lab.run(role, ['sh', '-c', widen]);
    // Before the server listens: that is when it looks.
    if (fastOpen)
      for (const role of ['attacker', 'server'] as const)
        await lab.run(role, ['sh', '-c', `echo ${FAST_OPEN} > /proc/sys/net/ipv4/tcp_fastopen`]);
    const server = await lab.tcpServer('server', port, { kind });
    if (rules !== undefined) {
      const engine = new LabEngine(lab, {
        queues: '0-1',
        rules,
        settings: {
          'action-on-detect': 'drop',
          'block-attacking-hosts': 'false',
          'nfqueue.fail-open': 'false',
        },
      });
      this.engines.push({ engine, reader: new AlertReader() });
      await engine.start();
    }
    const peers = await RawPeers.open(lab, SOURCES[family], family, port);
    return { lab, peers, server, fence: new Fence(peers, server) };
  }

  /** Ports of clients against which an engine has given a verdict since this was asked last. */
  convicted(): ReadonlySet<number> {
    const ports = new Set<number>();
    for (const { engine, reader } of this.engines)
      for (const alert of reader.next(join(engine.directory, 'log', 'eve.json'))) {
        ports.add(alert.src_port ?? 0);
        ports.add(alert.dest_port ?? 0);
      }
    return ports;
  }

  /** What the engines have said: one that was disturbed is not one that was evaded. */
  said(): string {
    return this.engines.map(({ engine }) => engine.process.stdout + engine.process.stderr).join('\n');
  }

  /** One without an engine and one with it. */
  async pair(options: WayOptions & { rules: string }): Promise<{ plain: Way; engine: Way }> {
    const { rules, ...without } = options;
    return { plain: await this.open(without), engine: await this.open({ ...without, rules }) };
  }

  async close(): Promise<void> {
    const engines = this.engines.splice(0);
    try {
      for (const { engine } of engines) if (engine.process?.running) await stopped(engine);
    } finally {
      for (const lab of this.labs.splice(0)) lab.destroy();
      for (const { engine } of engines) engine.remove();
    }
  }
}

/** Ends an engine as Ctrl-C does; one that does not end says why. */
async function stopped(engine: LabEngine): Promise<void> {
  engine.process.kill('SIGINT');
  await waitUntil(() => !engine.process.running, {
    timeout: STOP_TIME,
    what: `the end of an engine that said\n${engine.process.stdout}${engine.process.stderr}`,
  });
}

/** Reads what has been added to a file of events. */
class AlertReader {
  private at = 0;
  private rest = '';
  private readonly buffer = Buffer.alloc(1 << 20);

  next(path: string): EveRecord[] {
    if (!existsSync(path)) return [];
    const file = openSync(path, 'r');
    try {
      for (;;) {
        const length = readSync(file, this.buffer, 0, this.buffer.length, this.at);
        if (length === 0) break;
        this.at += length;
        this.rest += this.buffer.toString('latin1', 0, length);
      }
    } finally {
      closeSync(file);
    }
    const lines = this.rest.split('\n');
    this.rest = lines.pop() ?? '';
    return lines
      .map((line) => JSON.parse(line) as EveRecord)
      .filter(({ event_type }) => event_type === 'alert');
  }
}
