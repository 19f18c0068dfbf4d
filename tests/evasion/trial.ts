/** One trick, or several together, tried with and without an engine in the way. */
import type { Lab, LabServer, SeededRandom } from '@portcullis/testkit';
import type { Fence } from './fence';
import type { Plan } from './plan';
import type { RawPeers } from './raw-peer';
import { noise, type Trick } from './tricks';

export const ATTACK = 'evasion-attack-string';
/** As long, and matched by no rule. */
export const HARMLESS = 'harmless-other-string';

/** Milliseconds until the application has what it is going to get, once all that was sent has crossed. */
const DELIVERY_TIME = 250;

/** A way from the attacker to an application of its own. */
export interface Way {
  readonly lab: Lab;
  readonly peers: RawPeers;
  readonly server: LabServer;
  readonly fence: Fence;
}

export interface Outcome {
  /** Without an engine the attack reached the application, so that the trick is one. */
  readonly works: boolean;
  /** With the engine it did. */
  readonly evaded: boolean;
  /** Harmless data sent the same way did not get through the engine whole, though it did without. */
  readonly broken: boolean;
  /** Harmless data was sent, by tricks that honest senders might play. */
  readonly compared: boolean;
}

/** The bytes that reached the application on a connection. */
export async function deliver(
  way: Way,
  port: number,
  plan: Plan,
  random: SeededRandom,
  time = DELIVERY_TIME,
): Promise<Buffer> {
  const { peers, server, fence } = way;
  await peers.play(port, plan, random);
  await fence.passed(port);
  const taken = await server.take({
    remoteAddress: peers.sourceOf(port),
    remotePort: port,
    length: plan.stream.length,
    timeout: time,
  });
  return Buffer.from(taken?.bytes ?? []);
}

/** Some text in noise, sent with tricks. */
export function planOf(
  text: string,
  tricks: readonly Trick[],
  before: Uint8Array,
  after: Uint8Array,
  initial: number,
  random: SeededRandom,
): Plan {
  const stream = Buffer.concat([before, Buffer.from(text), after]);
  const plain: Plan = {
    initial,
    timestamps: false,
    synData: new Uint8Array(0),
    steps: [{ at: 0, bytes: stream }],
    stream,
  };
  return tricks.reduce((plan, trick) => trick.apply(plan, random), plain);
}

/**
 * @param random each way gets the same packets: the generator is asked for a seed of its own each time
 * @param port of the client, and the next one; not in use within the last minutes
 */
export async function attempt(
  tricks: readonly Trick[],
  ways: { readonly plain: Way; readonly engine: Way },
  port: number,
  random: SeededRandom,
  fork: (seed: number) => SeededRandom,
  time = DELIVERY_TIME,
): Promise<Outcome> {
  const before = noise(random, random.below(12));
  const after = noise(random, random.below(12));
  const initial = random.next();
  const seed = random.next();
  const plan = (text: string) => planOf(text, tricks, before, after, initial, fork(seed));
  const attack = plan(ATTACK);
  const conflicting = tricks.some((trick) => trick.conflicting);
  const [without, withEngine] = await Promise.all([
    deliver(ways.plain, port, attack, fork(seed), time),
    deliver(ways.engine, port, attack, fork(seed), time),
  ]);
  const outcome = { works: without.includes(ATTACK), evaded: withEngine.includes(ATTACK) };
  if (conflicting) return { ...outcome, broken: false, compared: false };
  const harmless = plan(HARMLESS);
  const [plain, inspected] = await Promise.all([
    deliver(ways.plain, port + 1, harmless, fork(seed), time),
    deliver(ways.engine, port + 1, harmless, fork(seed), time),
  ]);
  const whole = (bytes: Buffer) => bytes.equals(harmless.stream);
  return { ...outcome, broken: whole(plain) && !whole(inspected), compared: whole(plain) };
}
