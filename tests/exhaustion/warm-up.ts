/** What both gateways carry before anything is measured: an engine that has just started is not compiled yet. */
import { type Gateways, progress } from './gateways';
import { greedy, type Kind, measure, titleOf } from './good-clients';

/** Of one round at one gateway, for each kind of clients. */
const SECONDS = 1;
/** The engine's share of what the other gateway carries is steady when so many rounds differ by no more than this. */
const STEADY_ROUNDS = 3;
const STEADY_WITHIN = 0.1;
/** What is not steady by then is a busy machine's, which its ratios tell of by themselves. */
const MOST_ROUNDS = 10;

/** Ordinary requests through both gateways in turn, as many seconds of them through the one as through the other. */
export async function warmUp({ limit, inspected }: Gateways): Promise<void> {
  const shares = new Map<Kind, number[]>(greedy.map((kind) => [kind, []]));
  const isSteady = () => [...shares.values()].every(steady);
  for (let round = 0; round < MOST_ROUNDS && !isSteady(); round++) {
    for (const [kind, values] of shares) {
      const most = await measure(limit.lab, kind, SECONDS);
      values.push((await measure(inspected.lab, kind, SECONDS)) / most);
    }
  }
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  for (const [kind, values] of shares)
    progress(`warm-up, ${titleOf(kind)} beside accepting all: ${values.map(percent).join(', ')}`);
}

/** Whether the last ones are alike. */
function steady(shares: readonly number[]): boolean {
  const last = shares.slice(-STEADY_ROUNDS);
  return last.length === STEADY_ROUNDS && Math.max(...last) <= Math.min(...last) * (1 + STEADY_WITHIN);
}
