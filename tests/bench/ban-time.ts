/** Time from the attacking packet to the kernel's ban, seen from outside. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acceptAllPath } from '@portcullis/nfqueue-binding';
import { Lab, type LabProcess } from '@portcullis/testkit';
import { startEngine } from './engine-process';
import { percentile } from './figures';
import { limitRules } from './modes';
import { ATTACK_PATH, ATTACK_RULE } from './planted-attack';
import { LAB_PREFIX } from './site';
import { MOST_STOLEN, readProcessorTicks, stolenShare } from './stolen-time';

export interface BanTime {
  /** Those that count. */
  attacks: number;
  /** Attacks whose source got through until the end of the observation, whether they count or not. */
  unbanned: number;
  /** Milliseconds. */
  p50: number;
  p90: number;
  p99: number;
  longest: number;
}

export const BAN_GOAL_MILLISECONDS = 5;
/** As long as the probe goes on sending. */
export const LISTENED_MILLISECONDS = 60;

const PROBE = join(__dirname, 'ban-probe.js');
const PORT = 80;
const FIRST_HOST = 50;
/** Each attack has an address of its own. */
const ADDRESSES = 200;
/** Attacks on one, before the other's turn. */
const AT_A_TIME = 10;

/** Who bans: the engine, or the C program that does nothing else with the same packets. */
export interface BanTimes {
  engine: BanTime;
  /** What is left of the time where nothing is inspected: the way of the packets, and waiting for a processor. */
  machine: BanTime;
  /** Attacks on each that were made again, because the host took processor time away meanwhile. */
  repeated: number;
}

/** One attack, seen from its source. */
export interface Attack {
  /** Microseconds after the attack at which datagrams left. */
  readonly sent: readonly number[];
  /** What it measured counts. */
  counts: boolean;
}

/**
 * Both in turn, a few attacks at a time, so that a slow moment of the machine counts for both.
 * @param attacks that count, while there are addresses for others
 */
export async function measureBanTime(
  attacks: number,
  folder: string,
  cacheFolder: string,
): Promise<BanTimes> {
  mkdirSync(folder, { recursive: true });
  const rules = join(folder, 'bench.rules');
  writeFileSync(rules, ATTACK_RULE);
  const sites: AttackedSite[] = [];
  try {
    const engine = new AttackedSite();
    sites.push(engine);
    const machine = new AttackedSite();
    sites.push(machine);
    for (const site of sites) await site.open();
    await startEngine(engine.lab, { folder, cacheFolder, settings: { 'rule-files': [rules] } });
    await startBanning(machine.lab);
    let first = 0;
    let counted = 0;
    while (counted < attacks) {
      const count = Math.min(AT_A_TIME, attacks - counted);
      const ticks = readProcessorTicks();
      const made: Attack[] = [];
      for (const site of sites) made.push(...(await site.attack(first, count)));
      first += count;
      const disturbed = stolenShare(ticks, readProcessorTicks()) > MOST_STOLEN;
      if (disturbed && first + (attacks - counted) <= ADDRESSES)
        for (const attack of made) attack.counts = false;
      else counted += count;
    }
    return { engine: await engine.times(), machine: await machine.times(), repeated: first - attacks };
  } finally {
    for (const { lab } of sites) lab.destroy();
  }
}

/** The firewall of the engine, as far as it is about bans, with the C program at the queue. */
async function startBanning(lab: Lab): Promise<void> {
  await lab.run('gateway', ['ipset', 'create', 'portcullis_ban4', 'hash:net', 'timeout', '0', 'counters']);
  const program = lab.spawn('gateway', [acceptAllPath(), '--queue', '0', '--ban-on', ATTACK_PATH]);
  await program.waitFor(/"gso":1/);
  const banned = ['-m', 'set', '--match-set', 'portcullis_ban4', 'src', '-j', 'DROP'];
  await lab.run('gateway', ['iptables', '-w', '-t', 'raw', '-A', 'PREROUTING', ...banned]);
  for (const rule of limitRules(1)) await lab.run('gateway', ['iptables', '-w', ...rule]);
}

/** Two hosts with a gateway between them, one of which attacks the other from many addresses. */
class AttackedSite {
  readonly lab = new Lab(LAB_PREFIX);
  private readonly attacks: Attack[] = [];
  private sink!: LabProcess;

  async open(): Promise<void> {
    this.sink = this.lab.spawn('server', [process.execPath, PROBE, 'sink', String(PORT)]);
    await this.sink.waitFor(/ready/);
  }

  /** @param first number of the first attack; each has an address of its own */
  async attack(first: number, count: number): Promise<Attack[]> {
    const { lab } = this;
    const network = lab.address('attacker', 4).replace(/\d+$/, '');
    const addresses = Array.from(
      { length: count },
      (_, number) => `${network}${FIRST_HOST + first + number}`,
    );
    const commands = addresses.map((address) => `addr add ${address}/24 dev eth0`).join('\n');
    await lab.run('attacker', ['ip', '-batch', '-'], { input: commands });
    const target = [lab.address('server', 4), String(PORT), ATTACK_PATH];
    const argv = [process.execPath, PROBE, 'source', ...target, String(first), ...addresses];
    const sent = await lab.run('attacker', argv, { timeout: 120_000 });
    const made = (JSON.parse(sent) as number[][]).map((moments) => ({ sent: moments, counts: true }));
    this.attacks.push(...made);
    return made;
  }

  async times(): Promise<BanTime> {
    this.sink.write('report\n');
    const [report] = await this.sink.waitFor(/\{.*\}/);
    return banTimes(this.attacks, JSON.parse(report) as Record<number, number>);
  }
}

/** @param last of the datagrams of each attack, the last one that arrived; negative: none after the attack */
export function banTimes(attacks: readonly Attack[], last: Readonly<Record<number, number>>): BanTime {
  const times: number[] = [];
  let unbanned = 0;
  attacks.forEach(({ sent, counts }, number) => {
    const arrived = last[number];
    // Without even the datagram before the attack nothing was measured.
    if (arrived === undefined) throw new Error(`no datagram of attack ${number} arrived`);
    const stopped = sent.find((moment) => moment > arrived);
    if (stopped === undefined) unbanned++;
    else if (counts) times.push(stopped / 1000);
  });
  return {
    attacks: attacks.filter(({ counts }) => counts).length,
    unbanned,
    p50: percentile(times, 0.5),
    p90: percentile(times, 0.9),
    p99: percentile(times, 0.99),
    longest: Math.max(...times),
  };
}
