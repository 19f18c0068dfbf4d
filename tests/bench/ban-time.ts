/** Time from the attacking packet to the kernel's ban, seen from outside. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from '@portcullis/testkit';
import { startEngine } from './engine-process';
import { percentile } from './figures';
import { ATTACK_PATH, ATTACK_RULE } from './planted-attack';
import { LAB_PREFIX } from './site';

export interface BanTime {
  attacks: number;
  /** Attacks whose source got through until the end of the observation. */
  unbanned: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  longest: number;
}

export const BAN_GOAL_MILLISECONDS = 5;

const PORT = 80;
const FIRST_HOST = 50;

export async function measureBanTime(attacks: number, folder: string, cacheFolder: string): Promise<BanTime> {
  mkdirSync(folder, { recursive: true });
  const rules = join(folder, 'bench.rules');
  writeFileSync(rules, ATTACK_RULE);
  const lab = new Lab(LAB_PREFIX);
  try {
    const script = join(__dirname, 'ban-probe.js');
    const sink = lab.spawn('server', [process.execPath, script, 'sink', String(PORT)]);
    await sink.waitFor(/ready/);
    await startEngine(lab, { folder, cacheFolder, settings: { 'rule-files': [rules] } });
    const network = lab.address('attacker', 4).replace(/\d+$/, '');
    const addresses = Array.from({ length: attacks }, (_, number) => `${network}${FIRST_HOST + number}`);
    const commands = addresses.map((address) => `addr add ${address}/24 dev eth0`).join('\n');
    await lab.run('attacker', ['ip', '-batch', '-'], { input: commands });
    const argv = [
      process.execPath,
      script,
      'source',
      lab.address('server', 4),
      String(PORT),
      ATTACK_PATH,
      ...addresses,
    ];
    const sent = JSON.parse(await lab.run('attacker', argv, { timeout: 120_000 })) as number[][];
    sink.write('report\n');
    const [report] = await sink.waitFor(/\{.*\}/);
    return banTimes(sent, JSON.parse(report) as Record<number, number>);
  } finally {
    lab.destroy();
  }
}

/**
 * @param sent microseconds after each attack at which datagrams left
 * @param last of those of each attack, the last one that arrived; negative: none after the attack
 */
export function banTimes(
  sent: readonly (readonly number[])[],
  last: Readonly<Record<number, number>>,
): BanTime {
  const times: number[] = [];
  let unbanned = 0;
  sent.forEach((moments, number) => {
    const arrived = last[number];
    // Without even the datagram before the attack nothing was measured.
    if (arrived === undefined) throw new Error(`no datagram of attack ${number} arrived`);
    const stopped = moments.find((moment) => moment > arrived);
    if (stopped === undefined) unbanned++;
    else times.push(stopped / 1000);
  });
  return {
    attacks: sent.length,
    unbanned,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    longest: Math.max(...times),
  };
}
