/** What both gateways carry before anything is measured: an engine that has just started is not compiled yet. */
import { type Gateways, type GoodRate, progress } from './gateways';

/** Of one round at one gateway, for kept connections and for new ones each. */
const SECONDS = 1;
/** The engine's share of what the other gateway carries is steady when so many rounds differ by no more than this. */
const STEADY_ROUNDS = 3;
const STEADY_WITHIN = 0.1;
/** What is not steady by then is a busy machine's, which its ratios tell of by themselves. */
const MOST_ROUNDS = 10;

/** Ordinary requests through both gateways in turn, as many seconds of them through the one as through the other. */
export async function warmUp({ limit, inspected }: Gateways): Promise<void> {
  const shares: GoodRate[] = [];
  while (shares.length < MOST_ROUNDS && !steady(shares)) {
    const most = await limit.rate(SECONDS);
    const got = await inspected.rate(SECONDS);
    shares.push({ kept: got.kept / most.kept, fresh: got.fresh / most.fresh });
  }
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  for (const kind of ['kept', 'fresh'] as const)
    progress(
      `warm-up, ${kind} connections beside accepting all: ${shares.map((each) => percent(each[kind])).join(', ')}`,
    );
}

/** Whether the last rounds are alike. */
function steady(shares: readonly GoodRate[]): boolean {
  const last = shares.slice(-STEADY_ROUNDS);
  if (last.length < STEADY_ROUNDS) return false;
  return (['kept', 'fresh'] as const).every((kind) => {
    const values = last.map((each) => each[kind]);
    return Math.max(...values) <= Math.min(...values) * (1 + STEADY_WITHIN);
  });
}
