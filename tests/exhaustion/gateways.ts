/** Two gateways that get the same attack: one with an engine, one with a program that accepts everything in its place. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acceptAllPath } from '@portcullis/nfqueue-binding';
import { Aftermath, type Lab, type LabProcess } from '@portcullis/testkit';
import { limitRules } from '../bench/modes';
import { processorSeconds } from '../bench/processor-time';
import { Site } from '../bench/site';
import { attackRules, LabEngine } from '../lab/engine';
import { targetRules } from './attacks';
import { Crowd, type CrowdProgram } from './many-clients';
import { ObservedEngine } from './observed-engine';

const QUEUES = 2;
/** Room for a million flows of each gateway, with what is left of the attack before. */
const MOST_CONNECTIONS = 8_000_000;
const CONNECTION_LIMITS: readonly (readonly [path: string, wanted: number])[] = [
  ['/proc/sys/net/netfilter/nf_conntrack_max', MOST_CONNECTIONS],
  ['/proc/sys/net/netfilter/nf_conntrack_buckets', MOST_CONNECTIONS / 8],
];

export class Gateway {
  constructor(
    readonly lab: Lab,
    readonly crowd: Crowd,
    /** Of what reads its queues; where that is an engine, `ObservedEngine` knows more. */
    private readonly readers: readonly LabProcess[] = [],
  ) {}

  /** Processor seconds that its readers have taken so far. */
  get processor(): number {
    return this.readers.reduce((sum, { pid }) => sum + processorSeconds(pid as number), 0);
  }

  /** Packets that wait in its queues for a verdict. */
  async waiting(): Promise<number> {
    const queues = await this.lab.run('gateway', ['cat', '/proc/net/netfilter/nfnetlink_queue']);
    // Columns of the kernel's nfnetlink_queue.c, seq_show(): the third is the queue's length.
    return queues
      .split('\n')
      .filter(Boolean)
      .reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2]), 0);
  }
}

export interface Gateways {
  readonly limit: Gateway;
  readonly inspected: Gateway;
  readonly observed: ObservedEngine;
  close(): Promise<void>;
}

export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What is missing here for a comparison; null: nothing. */
export function comparisonMissing(): string | null {
  const path = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin');
  const missing = ['wrk', 'nginx'].filter((name) => !path.some((folder) => existsSync(join(folder, name))));
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  return existsSync(acceptAllPath()) ? null : "not built: 'npm run build'";
}

export async function openGateways(program: CrowdProgram): Promise<Gateways> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-gateways-'));
  const room = raiseConnectionLimit();
  const sites: Site[] = [];
  const open = async (name: string) => {
    const site = await Site.open(join(folder, name));
    sites.push(site);
    return { lab: site.lab, crowd: await Crowd.open(program, site.lab) };
  };
  let engine: LabEngine | null = null;
  const close = async () => {
    if (engine?.process?.running) await engine.stop();
    for (const { lab } of sites) lab.destroy();
    engine?.remove();
    rmSync(folder, { recursive: true, force: true });
    room.restore();
  };
  try {
    const past = await open('limit');
    const readers: LabProcess[] = [];
    for (let queue = 0; queue < QUEUES; queue++) {
      const reader = past.lab.spawn('gateway', [acceptAllPath(), '--queue', String(queue)]);
      await reader.waitFor(/"gso":1/);
      readers.push(reader);
    }
    const limit = new Gateway(past.lab, past.crowd, readers);
    for (const rule of limitRules(QUEUES)) await limit.lab.run('gateway', ['iptables', '-w', ...rule]);
    for (const rule of limitRules(QUEUES)) await limit.lab.run('gateway', ['ip6tables', '-w', ...rule]);
    const through = await open('engine');
    const inspected = new Gateway(through.lab, through.crowd);
    engine = new LabEngine(inspected.lab, {
      rules: `${attackRules}${targetRules}\n`,
      settings: {
        'nfqueue.queues': `0-${QUEUES - 1}`,
        'never-block': `[self, ${inspected.lab.address('attacker', 4)}]`,
      },
    });
    await engine.start();
    return { limit, inspected, observed: new ObservedEngine(engine, inspected.lab), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Connection tracking has one limit for all namespaces; it is what it was again however this process ends. */
function raiseConnectionLimit(): { restore(): void } {
  const before = CONNECTION_LIMITS.map(([path]) => readFileSync(path, 'latin1').trim());
  const again = CONNECTION_LIMITS.map(([path], index) => `echo ${before[index]} > ${path}`);
  const aftermath = new Aftermath(again.join('\n'));
  for (const [index, [path, wanted]] of CONNECTION_LIMITS.entries())
    if (Number(before[index]) < wanted) writeFileSync(path, `${wanted}`);
  return {
    restore: () => {
      for (const [index, [path]] of CONNECTION_LIMITS.entries()) writeFileSync(path, before[index] as string);
      aftermath.dismiss();
    },
  };
}
