/**
 * `npm run bench:bans`: a great many bans — adding, listing, looking for drift, restoring, expiring and lifting them —
 * and how long one more ban takes while each of these is under way. Needs root: it works in namespaces of its own.
 */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type BanEvent, BanService, type InstallPlan, KernelFirewall } from '@portcullis/firewall';
import { IpSets } from '@portcullis/nfqueue-binding';
import { Lab } from '@portcullis/testkit';
import { median, percentile } from './figures';
import { LAB_PREFIX, Site } from './site';
import { MOST_STOLEN, readProcessorTicks, stolenShare } from './stolen-time';
import { workloads } from './workloads';

const usage = `sudo npm run bench:bans -- [options]
  --bans N      bans (1000000)
  --rounds N    measurements of throughput with and without them, alternating; 0: none (9)
`;

/** As the daemon's main thread. */
const NICE = -10;
/** Bans that are added one by one: more of them take as long each. */
const SINGLY = 50_000;
const TOGETHER = 50;
const PAGE = 1000;
const PROBE_MILLISECONDS = 5;
const SECONDS = 86_400;
const REASON = 'ET EXPLOIT Apache log4j RCE Attempt (http ldap) (CVE-2021-44228)';

/**
 * Whoever closes a connection first keeps its port for a minute. Tens of thousands are closed each second here, by the
 * client or the server as it happens: a client that has to look for one of the ports left measures just that.
 */
const KEEP_NO_TIME_WAIT = 'echo 0 > /proc/sys/net/ipv4/tcp_max_tw_buckets';

const PLAN: InstallPlan = {
  queues: { first: 0, last: 0 },
  failOpen: true,
  markMask: 0x00f00000,
  generation: 0,
  hooks: { forward: false, input: false, output: false },
  ports: [],
  excludedInterfaces: [],
  monitoring: false,
};

/** Nine of ten IPv4, the rest IPv6, none of which the lab uses. */
function prefixOf(n: number): string {
  if (n % 10 === 0) return `2001:db8:${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`;
  return `${11 + (n >>> 24)}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
}

/** A thread that reports an attack every few milliseconds, as a queue worker does. */
const REPORTER = `
const { parentPort } = require('node:worker_threads');
let n = 0;
parentPort.on('message', () => parentPort.postMessage('all'));
setInterval(() => parentPort.postMessage({ n: n++, at: performance.timeOrigin + performance.now() }), ${PROBE_MILLISECONDS});
`;

/** Bans for a stream of attacks while something else is going on. */
class Attacks {
  private readonly thread = new Worker(REPORTER, { eval: true });
  private times: number[] = [];
  service: BanService | null = null;
  failed = 0;

  constructor() {
    this.thread.on('message', (attack: 'all' | { n: number; at: number }) => {
      if (attack === 'all' || !this.service) return;
      const { n, at } = attack;
      const prefix = `198.18.${(n >>> 8) & 255}.${n & 255}`;
      const done = this.service.ban({ prefix, seconds: 600 + (n % 3000) * 2, reason: 'probe' });
      // The kernel has it when the call returns; the promise waits for the disk.
      this.times.push(performance.timeOrigin + performance.now() - at);
      done.catch(() => this.failed++);
    });
  }

  /** Resolves when every attack reported so far has been answered: what one work has held up is not counted for the next. */
  async answered(): Promise<void> {
    const answered = new Promise<void>((resolve) => {
      const look = (message: unknown) => {
        if (message !== 'all') return;
        this.thread.off('message', look);
        resolve();
      };
      this.thread.on('message', look);
    });
    this.thread.postMessage('all');
    await answered;
  }

  take(): { count: number; p50: number; p99: number; longest: number } {
    const { times } = this;
    this.times = [];
    return {
      count: times.length,
      p50: percentile(times, 0.5),
      p99: percentile(times, 0.99),
      longest: Math.max(0, ...times),
    };
  }

  end(): Promise<number> {
    return this.thread.terminate();
  }
}

/** What is under way, for whoever waits; the table goes to stdout. */
const say = (text: string) => process.stderr.write(`· ${text}\n`);

const number = (value: number, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : '–');

async function bench(total: number, rounds: number, directory: string): Promise<void> {
  const lab = new Lab(LAB_PREFIX);
  const networkNamespace = `/run/netns/${lab.namespaces.gateway}`;
  const attacks = new Attacks();
  const counts: Record<BanEvent['kind'], number> = {
    ...{ added: 0, extended: 0, expired: 0, removed: 0, refused: 0, failed: 0 },
  };
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead, monotonic: () => performance.now() + ahead };
  let firewall = await KernelFirewall.open({ networkNamespace });
  const newService = () =>
    new BanService({ backend: firewall, directory, clock, onEvent: ({ kind }) => void counts[kind]++ });
  let service = newService();
  process.stdout.write(
    `${total} bans, a tenth of them IPv6; load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(', ')}\n\n` +
      '| | s | CPU s | RSS MB | bans meanwhile | p50 ms | p99 ms | longest ms |\n' +
      '| --- | --- | --- | --- | --- | --- | --- | --- |\n',
  );
  const measure = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    say(name);
    await attacks.answered();
    attacks.take();
    const began = performance.now();
    const processor = process.cpuUsage();
    const result = await work();
    const { user, system } = process.cpuUsage(processor);
    const seconds = (performance.now() - began) / 1000;
    await attacks.answered();
    const { count, p50, p99, longest } = attacks.take();
    const cells = [
      name,
      number(seconds),
      number((user + system) / 1e6),
      (process.memoryUsage().rss / 1e6).toFixed(0),
      String(count),
      ...(count > 0 ? [number(p50), number(p99), number(longest)] : ['–', '–', '–']),
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
    return result;
  };

  await firewall.install(PLAN);
  await service.start();
  attacks.service = service;
  await measure('nothing (2 s)', () => new Promise((resolve) => setTimeout(resolve, 2000)));
  const request = (n: number) => ({
    prefix: prefixOf(n),
    // The last quarter does not run out with the others.
    seconds: n < total * 0.75 ? SECONDS : 2 * SECONDS,
    reason: REASON,
    sid: 2034647,
  });
  await measure(`adding ${SINGLY}, each by itself`, async () => {
    for (let n = 0; n < SINGLY; n += TOGETHER)
      await Promise.all(Array.from({ length: TOGETHER }, (_, i) => service.ban(request(n + i))));
  });
  await measure('adding the others in one batch', async () => {
    function* requests() {
      for (let n = SINGLY; n < total; n++) yield request(n);
    }
    const { banned } = await service.banMany(requests());
    if (banned !== total - SINGLY) throw new Error(`${banned} bans were added`);
  });
  await measure('first page of a list', () => service.list(0, PAGE));
  await measure('last page of a list', () => service.list(total - PAGE, PAGE));
  await measure('looking for drift', () => service.repairDrift());
  await measure('reconciling with the kernel', () => service.reconcile());
  // As somebody else does it; the kernel answers nobody meanwhile.
  for (const set of ['portcullis_ban4', 'portcullis_ban6']) await lab.run('gateway', ['ipset', 'flush', set]);
  await measure('a set flushed: noticed, and filled again', () => service.repairDrift());
  if ((await firewall.banCount()) < total) throw new Error('not all bans were put back');

  attacks.service = null;
  await service.stop();
  service = newService();
  await measure('restart after a crash, the kernel has them', () => service.start());
  await service.stop();
  await firewall.remove({ purge: true });
  await firewall.close();
  firewall = await KernelFirewall.open({ networkNamespace });
  await firewall.install(PLAN);
  service = newService();
  const report = await measure('restart after a reboot: ledger read, all restored', () => service.start());
  if (report.restored < total) throw new Error(`${report.restored} bans were restored`);

  await printFloor(total, lab, directory);

  attacks.service = service;
  await measure('lifting those of a prefix (about half)', () =>
    service.remove(`11.0.0.0/${total > 500_000 ? 13 : 16}`),
  );
  await measure('expiring about a quarter at once', async () => {
    ahead += (SECONDS + 600) * 1000;
    while (service.size > total * 0.27) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  await measure('lifting all, a quarter', () => service.remove('all'));
  attacks.service = null;
  await service.stop();
  await firewall.close();
  lab.destroy();
  await attacks.end();
  process.stdout.write(`\nevents: ${JSON.stringify(counts)}; probes that failed: ${attacks.failed}\n`);
  if (rounds > 0) await throughput(total, rounds, directory);
}

/** What the kernel and its own program take for as many entries, into sets that do not grow: seconds, of the processor too. */
async function printFloor(total: number, lab: Lab, directory: string): Promise<void> {
  say('the same entries by ipset restore');
  const sets = (family: 4 | 6) => `bench_floor${family}`;
  const create = (family: 4 | 6) =>
    `create ${sets(family)} hash:net family inet${family === 6 ? '6' : ''} hashsize ${2 ** Math.ceil(Math.log2(total))} maxelem ${2 * total} timeout 3600 counters\n`;
  function* lines() {
    let some = create(4) + create(6);
    for (let n = 0; n < total; n++) {
      some += `add ${sets(n % 10 === 0 ? 6 : 4)} ${prefixOf(n)} timeout ${SECONDS}\n`;
      if (n % 1000 !== 999 && n + 1 < total) continue;
      yield some;
      some = '';
    }
  }
  const file = join(directory, 'floor');
  await pipeline(Readable.from(lines()), createWriteStream(file));
  const script = `TIMEFORMAT='%R %U %S'; time ipset restore -file ${file}`;
  const { stderr, code } = await lab.exec('gateway', ['bash', '-c', script], { timeout: 600_000 });
  const [wall = 0, user = 0, system = 0] = stderr.trim().split(' ').map(Number);
  if (code !== 0) throw new Error(`ipset restore: ${stderr}`);
  process.stdout.write(
    `| floor: the same entries by ipset restore, from text | ${number(wall)} | ${number(user + system)} | – | – | – | – | – |\n`,
  );
  for (const family of [4, 6] as const) await lab.run('gateway', ['ipset', 'destroy', sets(family)]);
}

/**
 * Requests a second through a gateway whose ban sets are full, against the same with empty ones. A round is full, empty,
 * empty, full (or the other way round), so that a machine that gets slower or faster meanwhile favours neither.
 */
async function throughput(total: number, rounds: number, directory: string): Promise<void> {
  const site = await Site.open(join(directory, 'site'));
  for (const role of ['attacker', 'server'] as const)
    await site.lab.run(role, ['sh', '-c', KEEP_NO_TIME_WAIT]);
  const networkNamespace = `/run/netns/${site.lab.namespaces.gateway}`;
  const firewall = await KernelFirewall.open({ networkNamespace });
  await firewall.install(PLAN);
  const entries = Array.from({ length: total }, (_, n) => ({ prefix: prefixOf(n), remaining: SECONDS }));
  await firewall.restoreBans(entries, total);
  const sets = IpSets.open(networkNamespace);
  sets.create('bench_empty', 4, 65_536, 3600);
  for (const name of ['keepalive', 'connections'] as const) {
    const { title, run } = workloads[name];
    const ratios: number[] = [];
    const rates = { full: [] as number[], empty: [] as number[] };
    let errors = 0;
    let repeatsLeft = rounds;
    while (ratios.length < rounds) {
      say(`${title}: round ${ratios.length + 1} of ${rounds}`);
      const sums = { full: 0, empty: 0 };
      const ticks = readProcessorTicks();
      const [one, other] =
        ratios.length % 2 === 0 ? (['full', 'empty'] as const) : (['empty', 'full'] as const);
      for (const state of [one, other, other, one]) {
        if (state === 'empty') sets.swap('portcullis_ban4', 'bench_empty');
        const sample = await run(site, 1);
        if (state === 'empty') sets.swap('portcullis_ban4', 'bench_empty');
        sums[state] += sample.rate;
        rates[state].push(sample.rate);
        errors += sample.errors;
      }
      if (stolenShare(ticks, readProcessorTicks()) > MOST_STOLEN && repeatsLeft-- > 0) {
        say('again: the host took processor time away');
        continue;
      }
      ratios.push(sums.full / sums.empty);
    }
    const all = ratios.map((ratio) => (ratio * 100).toFixed(0)).join(' ');
    process.stdout.write(
      `${title}: with ${total} bans ${(median(ratios) * 100).toFixed(1)} % of without (median of ${rounds}; ${all}); ` +
        `medians ${median(rates.full).toFixed(0)} and ${median(rates.empty).toFixed(0)} req/s; errors ${errors}\n`,
    );
  }
  await sets.close();
  await firewall.close();
  site.lab.destroy();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bans: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '9' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const missing = Lab.available();
  if (missing !== null) throw new Error(`the benchmark cannot run here: ${missing}`);
  const [total, rounds] = [Number(values.bans), Number(values.rounds)];
  if (!Number.isInteger(total) || total < 2 * SINGLY || total > 5_000_000)
    throw new Error(`--bans is a whole number from ${2 * SINGLY} to 5000000, not ${values.bans}`);
  if (!Number.isInteger(rounds) || rounds < 0 || rounds > 100)
    throw new Error(`--rounds is a whole number from 0 to 100, not ${values.rounds}`);
  Lab.cleanStale(LAB_PREFIX);
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  try {
    setPriority(0, NICE);
  } catch {
    // Slower on a busy machine.
  }
  await bench(total, rounds, directory);
  process.exit();
}

main().catch((error: Error) => {
  process.stderr.write(`portcullis: ${error.message}\n`);
  process.exit(1);
});
