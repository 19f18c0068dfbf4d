/** What stands between client and server: nothing, the limit, or the engine. Every mode has a site of its own. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acceptAllPath } from '@portcullis/nfqueue-binding';
import type { LabProcess } from '@portcullis/testkit';
import { startEngine } from './engine-process';
import type { BenchOptions, ModeName } from './options';
import { ATTACK_RULE } from './planted-attack';
import { processorSeconds } from './processor-time';
import { ruleFilesEntry } from './rule-source';
import { Site } from './site';

/** What each engine mode sets differently. */
const engineSettings: Readonly<Partial<Record<ModeName, readonly string[]>>> = {
  engine: ['stream.bypass=no'],
  'engine-offload': ['stream.bypass=yes'],
  'engine-no-depth': ['stream.bypass=no', 'stream.reassembly.depth=1000000gb'],
};

export const modeTitles: Readonly<Record<ModeName, string>> = {
  none: 'no queue',
  tracked: 'no queue, connections tracked',
  limit: 'the limit (C, accepts all)',
  engine: 'engine',
  'engine-offload': 'engine, offload on',
  'engine-no-depth': 'engine, no depth',
};

/** Packets that took the queue's way, those of them that nobody has looked at, and those that did not get through. */
export interface QueueTotals {
  received: number;
  uninspected: number;
  dropped: number;
}

export interface Mode {
  name: ModeName;
  site: Site;
  /** Whoever reads the queues. */
  processes: readonly LabProcess[];
  /** Rules in force; null where there are none to have. */
  rules: number | null;
  totals(): Promise<QueueTotals | null>;
}

export interface ModeSurroundings {
  options: BenchOptions;
  folder: string;
  ruleFile: string | null;
}

/** Processor seconds of whoever reads the queues of a mode. */
export function consumerSeconds(mode: Mode): number {
  return mode.processes.reduce((sum, { pid }) => sum + (pid === undefined ? 0 : processorSeconds(pid)), 0);
}

export async function openMode(name: ModeName, surroundings: ModeSurroundings): Promise<Mode> {
  const site = await Site.open(join(surroundings.folder, name), surroundings.ruleFile);
  if (name === 'none') return unqueued(name, site);
  if (name === 'tracked') return openTracked(site);
  if (name === 'limit') return openLimit(site, surroundings.options.queues);
  return openEngine(name, site, surroundings);
}

function unqueued(name: ModeName, site: Site): Mode {
  return { name, site, processes: [], rules: null, totals: async () => null };
}

/** One rule that asks about connections and does nothing: it is enough for the kernel to track them. */
async function openTracked(site: Site): Promise<Mode> {
  await site.lab.run('gateway', [
    ...['iptables', '-w', '-t', 'mangle', '-A', 'FORWARD'],
    ...['-m', 'conntrack', '--ctstate', 'INVALID'],
  ]);
  return unqueued('tracked', site);
}

/** New connections draw a queue, which their packets keep; no more rules than that takes. */
export function limitRules(queues: number): string[][] {
  const rules: string[][] = [];
  const queue = (number: number) => ['-j', 'NFQUEUE', '--queue-num', String(number), '--queue-bypass'];
  const mark = (number: number) => `0x${((number + 1) << 20).toString(16)}`;
  if (queues > 1) {
    for (let number = 0; number < queues; number++) {
      const left = queues - number;
      const draw =
        left > 1 ? ['-m', 'statistic', '--mode', 'random', '--probability', (1 / left).toFixed(8)] : [];
      const unmarked = ['-m', 'connmark', '--mark', '0/0xf00000', ...draw];
      rules.push([...unmarked, '-j', 'CONNMARK', '--set-xmark', `${mark(number)}/0xf00000`]);
    }
    for (let number = 0; number < queues; number++)
      rules.push(['-m', 'connmark', '--mark', `${mark(number)}/0xf00000`, ...queue(number)]);
  }
  return [...rules, queue(0)].map((rule) => ['-t', 'mangle', '-A', 'FORWARD', '-p', 'tcp', ...rule]);
}

async function openLimit(site: Site, queues: number): Promise<Mode> {
  const { lab } = site;
  if (!existsSync(acceptAllPath())) throw new Error(`${acceptAllPath()} is missing: npm run build`);
  const processes: LabProcess[] = [];
  for (let number = 0; number < queues; number++) {
    const program = lab.spawn('gateway', [acceptAllPath(), '--queue', String(number)]);
    await program.waitFor(/"gso":1/);
    processes.push(program);
  }
  for (const rule of limitRules(queues)) await lab.run('gateway', ['iptables', '-w', ...rule]);
  return { name: 'limit', site, processes, rules: null, totals: async () => null };
}

async function openEngine(name: ModeName, site: Site, surroundings: ModeSurroundings): Promise<Mode> {
  const { options, ruleFile, folder } = surroundings;
  const attackRules = join(site.folder, 'attack.rules');
  writeFileSync(attackRules, ATTACK_RULE);
  const engine = await startEngine(site.lab, {
    folder: site.folder,
    cacheFolder: join(folder, 'pattern-cache'),
    settings: {
      'rule-files': [ruleFilesEntry(ruleFile), attackRules],
      // Whatever a rule makes of the load, it goes on.
      'block-attacking-hosts': false,
      nfqueue: { queues: options.queues === 1 ? '0' : `0-${options.queues - 1}` },
    },
    overrides: engineSettings[name] ?? [],
  });
  const { rules } = await engine.status();
  return {
    name,
    site,
    processes: [engine.process],
    rules: rules.loaded,
    totals: async () => {
      const { packets } = await engine.status();
      return { received: packets.received, uninspected: packets.uninspected, dropped: packets.dropped };
    },
  };
}
