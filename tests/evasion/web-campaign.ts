/**
 * Nothing within a protocol of the web gets past the engine: a lenient server tells what its application read after all
 * decoding. The short form tries every trick alone, and some together and with tricks of TCP and IP; PORTCULLIS_LONG=1 tries
 * thousands of combinations over each of IPv4 and IPv6.
 */
import { SeededRandom } from '@portcullis/testkit';
import { describeLab } from '../lab/engine';
import { type Attempt, LONG, ONLY, run } from './campaign';
import { attemptHttp, HTTP_RULES, type Message } from './http-trial';
import { combination, type Trick } from './tricks';
import { Ways } from './ways';

export interface WebProtocol<Plan> {
  readonly name: string;
  /** See `Lab.tcpServer`. */
  readonly kind: 'web' | 'web2';
  readonly port: number;
  /** Every trick alone. */
  readonly plans: readonly Plan[];
  readonly planName: (plan: Plan) => string;
  readonly combination: (random: SeededRandom) => Plan;
  readonly message: (plan: Plan) => Message;
  /** Combinations of the long form; PORTCULLIS_RUNS says how many instead. */
  readonly many: number;
}

const FEW = 40;

export function describeWebEvasion<Plan>(protocol: WebProtocol<Plan>): void {
  const { name, kind, port, plans, planName, message, many } = protocol;
  const combinations = Number(process.env.PORTCULLIS_RUNS) || (LONG ? many : FEW);
  // A campaign of hours that failed is not begun anew.
  if (LONG) jest.retryTimes(0);

  describeLab(`evasion within ${name}`, () => {
    const ways = new Ways();
    afterEach(() => ways.close(), 20_000);

    test.each([4, 6] as const)(
      'over IPv%d the application never reads the attack, and harmless requests of the same form get through',
      async (family) => {
        const pair = await ways.pair({ family, kind, port, rules: HTTP_RULES });
        const attempt = (row: string, plan: Plan, tricks: readonly Trick[], seed: number): Attempt => ({
          row,
          said: `${[planName(plan), ...tricks.map((trick) => trick.name)].join(' + ')} (seed ${seed})`,
          convicts: tricks.length === 0,
          run: (from, time) => attemptHttp(message(plan), tricks, pair, from, seed, time),
        });
        const { tallies, failures } = await run({
          title: `${name} over IPv${family}`,
          ways,
          combinations,
          alone: (seed) =>
            plans.map((plan, index) => attempt(planName(plan), plan, [], (seed + index) >>> 0)),
          together: (seed) => {
            const random = new SeededRandom(seed);
            const plan = protocol.combination(random);
            if (random.chance()) return attempt('(several together)', plan, [], seed);
            return attempt('(several together, with tricks of TCP and IP)', plan, combination(random), seed);
          },
        });
        expect(failures).toEqual([]);
        // A lab in which nothing works proves nothing. What was read once may be no trick any more.
        if (ONLY === undefined) expect(tallies.sum('works')).toBeGreaterThan(tallies.sum('tried') / 2);
      },
      LONG ? 6 * 3600_000 : 180_000,
    );
  });
}
