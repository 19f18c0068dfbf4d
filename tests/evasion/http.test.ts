/**
 * Nothing within HTTP gets past the engine: a lenient web server tells what its application read after all decoding. The
 * short form tries every trick alone, and some together and with tricks of TCP and IP; PORTCULLIS_LONG=1 tries 20 000
 * combinations over each of IPv4 and IPv6.
 */
import { SeededRandom } from '@portcullis/testkit';
import { describeLab } from '../lab/engine';
import { type Attempt, LONG, ONLY, run } from './campaign';
import { attemptHttp, HTTP_RULES, messageOf } from './http-trial';
import { HTTP_PLANS, type HttpPlan, httpCombination, httpPlanName } from './http-tricks';
import { combination, type Trick } from './tricks';
import { Ways } from './ways';

// A campaign of hours that failed is not begun anew.
if (LONG) jest.retryTimes(0);

const PORT = 7080;
/** PORTCULLIS_RUNS says how many instead. */
const COMBINATIONS = Number(process.env.PORTCULLIS_RUNS) || (LONG ? 20_000 : 40);

describeLab('evasion within HTTP', () => {
  const ways = new Ways();
  afterEach(() => ways.close(), 20_000);

  test.each([4, 6] as const)(
    'over IPv%d the application never reads the attack, and harmless requests of the same form get through',
    async (family) => {
      const pair = await ways.pair({ family, kind: 'web', port: PORT, rules: HTTP_RULES });
      const attempt = (row: string, plan: HttpPlan, tricks: readonly Trick[], seed: number): Attempt => ({
        row,
        said: `${[httpPlanName(plan), ...tricks.map((trick) => trick.name)].join(' + ')} (seed ${seed})`,
        convicts: tricks.length === 0,
        run: (port, time) => attemptHttp(messageOf(plan), tricks, pair, port, seed, time),
      });
      const { tallies, failures } = await run({
        title: `HTTP over IPv${family}`,
        ways,
        combinations: COMBINATIONS,
        alone: (seed) =>
          HTTP_PLANS.map((plan, index) => attempt(httpPlanName(plan), plan, [], (seed + index) >>> 0)),
        together: (seed) => {
          const random = new SeededRandom(seed);
          const plan = httpCombination(random);
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
