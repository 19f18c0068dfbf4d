/** One attack on both gateways: what the engine held, and what good clients got. */
import { waitUntil } from '@portcullis/testkit';
import { median } from '../bench/figures';
import type { Attack } from './attacks';
import type { Gateways, GoodRate } from './gateways';
import type { CrowdOptions } from './many-clients';
import type { Peaks } from './observed-engine';

const ROUNDS = 3;
/** Of one measurement; the attack begins before and ends after it. */
const MEASURED_SECONDS = 3;
const BESIDE_SECONDS = 4;
const RECOVERY_MILLISECONDS = 60_000;

export interface Comparison {
  readonly name: string;
  readonly peaks: Peaks;
  /** Processor seconds for a packet of the attack, with the kernel's work on it after the verdict. */
  readonly cost: { readonly engine: number; readonly limit: number };
  /** Milliseconds until the engine did its work again. */
  readonly recovery: number;
  /** What had to be counted, and how much of it was; null: nothing had to. */
  readonly counted: string | null;
  readonly grown: number;
  /** Of what good clients get beside the same attack where everything is accepted: medians of the rounds' ratios. */
  readonly kept: number;
  readonly fresh: number;
  /** Bans that the attack led to. */
  readonly bans: number;
  readonly workersLost: number;
}

/** @param scale 1: as large as the attack says; @param pace 1: as fast */
export async function compare(
  attack: Attack,
  gateways: Gateways,
  scale: number,
  pace: number,
): Promise<Comparison> {
  const { limit, inspected, observed } = gateways;
  const { flows, rate = 0 } = attack.long;
  const whole: CrowdOptions = {
    ...attack.long,
    flows: Math.ceil(flows * scale),
    ...(rate > 0 && { rate: Math.ceil(rate * pace) }),
  };
  const before = await observed.status();
  const said = observed.log.length;
  progress(`${attack.name}: ${whole.flows} flows`);
  const engineBefore = observed.processor;
  const filling = inspected.crowd.play(attack.packets, whole);
  let peaks = await observed.watch(filling);
  const sent = await filling;
  progress(`${attack.name}: ${sent.sent} packets in ${sent.seconds.toFixed(0)} s, ${peaks.flows} flows`);
  const engineCost = (observed.processor - engineBefore) / sent.sent;
  const limitBefore = limit.processor;
  const { sent: sentPast } = await limit.crowd.play(attack.packets, whole);
  const limitCost = (limit.processor - limitBefore) / sentPast;

  const ratios: GoodRate[] = [];
  let ended = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const rates: GoodRate[] = [];
    for (const gateway of [limit, inspected]) {
      const seconds = 2 * MEASURED_SECONDS + BESIDE_SECONDS;
      const run = gateway.crowd.start(attack.packets, {
        ...whole,
        seconds,
        first: whole.flows * (1 + round * seconds),
      });
      const watched = gateway === inspected ? observed.watch(run.result()) : null;
      await new Promise((resolve) => setTimeout(resolve, 500));
      rates.push(await gateway.rate(MEASURED_SECONDS));
      run.stop();
      await run.result();
      ended = performance.now();
      if (watched !== null) peaks = largest(peaks, await watched);
    }
    const [most, got] = rates as [GoodRate, GoodRate];
    ratios.push({ kept: got.kept / most.kept, fresh: got.fresh / most.fresh });
    progress(
      `${attack.name}: round ${round + 1}, ${got.kept.toFixed(0)} of ${most.kept.toFixed(0)} requests/s, ` +
        `${got.fresh.toFixed(0)} of ${most.fresh.toFixed(0)} connections/s`,
    );
  }
  await waitUntil(() => observed.works(), {
    timeout: RECOVERY_MILLISECONDS,
    what: 'the engine to do its work again',
  });
  const recovery = performance.now() - ended;
  const after = await observed.status();
  const { counted = null } = attack;
  return {
    name: attack.name,
    peaks,
    cost: { engine: engineCost, limit: limitCost },
    recovery,
    counted: counted?.as ?? null,
    grown: counted === null ? 0 : counted.of(after) - counted.of(before),
    kept: median(ratios.map(({ kept }) => kept)),
    fresh: median(ratios.map(({ fresh }) => fresh)),
    bans: after.bans.active - before.bans.active,
    workersLost: observed.log.slice(said).split('is lost:').length - 1,
  };
}

export function table(rows: readonly Comparison[]): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const megabytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MB`;
  const lines = rows.map((row) => [
    row.name,
    String(row.peaks.flows),
    megabytes(row.peaks.heldBytes),
    megabytes(row.peaks.parserBytes),
    megabytes(row.peaks.resident),
    `${(row.cost.engine * 1e6).toFixed(1)} / ${(row.cost.limit * 1e6).toFixed(1)}`,
    row.counted === null ? '–' : `${row.grown} ${row.counted}`,
    percent(row.kept),
    percent(row.fresh),
    `${(row.recovery / 1000).toFixed(1)} s`,
  ]);
  const head = [
    'attack',
    'most flows',
    'streams',
    'parsers',
    'resident',
    'µs a packet: engine / accepting all',
    'counted',
    'kept connections',
    'new ones',
    'recovery',
  ];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function largest(one: Peaks, other: Peaks): Peaks {
  return {
    flows: Math.max(one.flows, other.flows),
    heldBytes: Math.max(one.heldBytes, other.heldBytes),
    parserBytes: Math.max(one.parserBytes, other.parserBytes),
    resident: Math.max(one.resident, other.resident),
  };
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}
