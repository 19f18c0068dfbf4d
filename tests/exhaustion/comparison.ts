/** One attack on both gateways: what the engine held, and what good clients got. */
import { waitUntil } from '@portcullis/testkit';
import { median } from '../bench/figures';
import type { Attack } from './attacks';
import { type Gateway, type Gateways, progress } from './gateways';
import { byKind, type GoodRate, kinds, measureAll, titleOf } from './good-clients';
import type { CrowdOptions } from './many-clients';
import type { Peaks } from './observed-engine';

/** An even number: each gateway is the first one as often as the other. */
const ROUNDS = 4;
/** Of one kind of good clients. */
const MEASURED_SECONDS = 2;
/** The attack begins so long before a measurement, and is ended after it; by itself it would go on for the other time. */
const AHEAD_MILLISECONDS = 500;
const MOST_SECONDS = 120;
const RECOVERY_MILLISECONDS = 60_000;

export interface Comparison {
  readonly name: string;
  readonly peaks: Peaks;
  /** Processor seconds for a packet of the attack, with the kernel's work on it after the verdict. */
  readonly cost: { readonly engine: number; readonly limit: number };
  /** Of the attack that good clients were measured beside: packets a second, medians. Who waits for answers sends less. */
  readonly pace: { readonly engine: number; readonly limit: number };
  /** Milliseconds until the engine did its work again. */
  readonly recovery: number;
  /** What had to be counted, and how much of it was; null: nothing had to. */
  readonly counted: string | null;
  readonly grown: number;
  /** Of what good clients get beside the same attack where everything is accepted: medians of the rounds' ratios. */
  readonly kept: GoodRate;
  /** Clients that have played it by now. */
  readonly played: number;
  /** Bans that the attack led to. */
  readonly bans: number;
  readonly workersLost: number;
}

export interface CompareOptions {
  /** 1: as large as the attack says. */
  readonly scale: number;
  /** 1: as fast. */
  readonly pace: number;
  /** Clients that have played it before: who comes again goes on with connections that are there. */
  readonly played: number;
}

export async function compare(
  attack: Attack,
  gateways: Gateways,
  { scale, pace, played }: CompareOptions,
): Promise<Comparison> {
  const { limit, inspected, observed } = gateways;
  const { flows, rate = 0 } = attack.long;
  const whole: CrowdOptions = {
    ...attack.long,
    flows: Math.ceil(flows * scale),
    first: played,
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

  // Never the same clients again, and the same ones at both gateways.
  let first = played + whole.flows;
  const quiet = async () => (await limit.waiting()) + (await inspected.waiting()) === 0;
  /** Good clients beside the attack, at one of the two, while the other has nothing to do. */
  const beside = async (gateway: Gateway) => {
    await waitUntil(quiet, { timeout: RECOVERY_MILLISECONDS, what: 'the end of what was sent before' });
    const run = gateway.crowd.start(attack.packets, { ...whole, seconds: MOST_SECONDS, first });
    const result = run.result();
    // Its answers take processor time from good clients: so they do at the other gateway as well.
    const watched = observed.watch(result);
    await new Promise((resolve) => setTimeout(resolve, AHEAD_MILLISECONDS));
    const rate = await measureAll(gateway.lab, MEASURED_SECONDS);
    run.stop();
    const { clients, sent, seconds } = await result;
    if (seconds >= MOST_SECONDS) throw new Error('the attack was over before the measurement');
    const ended = performance.now();
    peaks = largest(peaks, await watched);
    return { rate, clients, pace: sent / seconds, ended };
  };
  const ratios: GoodRate[] = [];
  const paces: { engine: number; limit: number }[] = [];
  let ended = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const limitFirst = round % 2 === 1;
    const before = limitFirst ? await beside(limit) : null;
    const got = await beside(inspected);
    const most = before ?? (await beside(limit));
    // The last round's is of the engine.
    ended = got.ended;
    first += Math.max(got.clients, most.clients);
    ratios.push(await byKind((kind) => got.rate[kind] / most.rate[kind]));
    paces.push({ engine: got.pace, limit: most.pace });
    const rates = kinds.map((kind) => `${got.rate[kind].toFixed(0)} of ${most.rate[kind].toFixed(0)}`);
    progress(
      `${attack.name}: round ${round + 1}, ${rates.join(', ')} requests/s, ` +
        `beside ${got.pace.toFixed(0)} and ${most.pace.toFixed(0)} packets/s`,
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
    pace: {
      engine: median(paces.map(({ engine }) => engine)),
      limit: median(paces.map(({ limit }) => limit)),
    },
    recovery,
    counted: counted?.as ?? null,
    grown: counted === null ? 0 : counted.of(after) - counted.of(before),
    kept: await byKind((kind) => median(ratios.map((ratio) => ratio[kind]))),
    played: first,
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
    `${row.pace.engine.toFixed(0)} / ${row.pace.limit.toFixed(0)}`,
    row.counted === null ? '–' : `${row.grown} ${row.counted}`,
    ...kinds.map((kind) => percent(row.kept[kind])),
    `${(row.recovery / 1000).toFixed(1)} s`,
  ]);
  const head = [
    'attack',
    'most flows',
    'streams',
    'parsers',
    'resident',
    'µs a packet: engine / accepting all',
    'packets/s beside good clients: engine / accepting all',
    'counted',
    ...kinds.map(titleOf),
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
