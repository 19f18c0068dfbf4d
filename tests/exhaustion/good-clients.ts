/** What good clients get from a server behind a gateway, whatever else goes through it. */
import { join } from 'node:path';
import type { Lab } from '@portcullis/testkit';
import { readWrk } from '../bench/workloads';
import { PORT } from './conversations';

interface GoodClients {
  readonly title: string;
  /** Connections at once. */
  readonly connections: number;
  /** Each request has a connection of its own. */
  readonly close: boolean;
  /** Milliseconds that each waits between two requests, on average. */
  readonly pause?: number;
}

/**
 * Ordinary ones ask when they want something: 2 000 requests a second together where nothing holds them up, which is a
 * tenth of what two processors carry with client, gateway and server on them. The others ask as fast as they are answered:
 * what they get is what the processors have left.
 */
const CLIENTS = {
  ordinaryKept: { title: 'ordinary clients, kept connections', connections: 32, close: false, pause: 20 },
  ordinaryFresh: { title: 'ordinary clients, new ones', connections: 32, close: true, pause: 80 },
  mostKept: { title: 'the most, kept connections', connections: 16, close: false },
  mostFresh: { title: 'the most, new ones', connections: 16, close: true },
} as const satisfies Record<string, GoodClients>;

export type Kind = keyof typeof CLIENTS;
export const kinds = Object.keys(CLIENTS) as readonly Kind[];
export const greedy: readonly Kind[] = ['mostKept', 'mostFresh'];

/** Requests that are answered in a second, or a share of them. */
export type GoodRate = Readonly<Record<Kind, number>>;

const PAUSES = join(__dirname, 'ordinary.lua');
const GRACE_MILLISECONDS = 30_000;

export const titleOf = (kind: Kind): string => CLIENTS[kind].title;

/** What clients of one kind get for so long. @returns requests answered in a second */
export async function measure(lab: Lab, kind: Kind, seconds: number): Promise<number> {
  const { connections, close, pause }: GoodClients = CLIENTS[kind];
  const argv = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency'];
  if (close) argv.push('-H', 'Connection: close');
  if (pause !== undefined) argv.push('-s', PAUSES);
  argv.push(`http://${lab.address('server', 4)}:${PORT}/`);
  if (pause !== undefined) argv.push('--', String(pause));
  return readWrk(await lab.run('attacker', argv, { timeout: seconds * 1000 + GRACE_MILLISECONDS })).rate;
}

/** One kind after the other, each for so long. */
export async function measureAll(lab: Lab, seconds: number): Promise<GoodRate> {
  return byKind((kind) => measure(lab, kind, seconds));
}

/** @param of called for one kind after the other */
export async function byKind(of: (kind: Kind) => number | Promise<number>): Promise<GoodRate> {
  const rates: [Kind, number][] = [];
  for (const kind of kinds) rates.push([kind, await of(kind)]);
  return Object.fromEntries(rates) as GoodRate;
}
