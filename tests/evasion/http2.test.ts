/**
 * Nothing within HTTP/2 gets past the engine: the same application as for HTTP/1, behind a server of HTTP/2 without TLS. The
 * short form tries every trick alone, and some together and with tricks of TCP and IP; PORTCULLIS_LONG=1 tries 10 000
 * combinations over each of IPv4 and IPv6.
 */
import { SeededRandom } from '@portcullis/testkit';
import { describeLab } from '../lab/engine';
import { type Attempt, LONG, ONLY, run } from './campaign';
import { attemptHttp, HTTP_RULES } from './http-trial';
import { HTTP2_PLANS, type Http2Plan, http2Combination, http2Message, http2PlanName } from './http2-tricks';
import { combination, type Trick } from './tricks';
import { Ways } from './ways';

// A campaign of hours that failed is not begun anew.
if (LONG) jest.retryTimes(0);

const PORT = 7082;
/** PORTCULLIS_RUNS says how many instead. */
const COMBINATIONS = Number(process.env.PORTCULLIS_RUNS) || (LONG ? 10_000 : 40);

describeLab('evasion within HTTP/2', () => {
  const ways = new Ways();
  afterEach(() => ways.close(), 20_000);

  test.each([4, 6] as const)(
    'over IPv%d the application never reads the attack, and harmless requests of the same form get through',
    async (family) => {
      const pair = await ways.pair({ family, kind: 'web2', port: PORT, rules: HTTP_RULES });
      const attempt = (row: string, plan: Http2Plan, tricks: readonly Trick[], seed: number): Attempt => ({
        row,
        said: `${[http2PlanName(plan), ...tricks.map(({ name }) => name)].join(' + ')} (seed ${seed})`,
        convicts: tricks.length === 0,
        run: (port, time) => attemptHttp(http2Message(plan), tricks, pair, port, seed, time),
      });
      const { tallies, failures } = await run({
        title: `HTTP/2 over IPv${family}`,
        ways,
        combinations: COMBINATIONS,
        alone: (seed) =>
          HTTP2_PLANS.map((plan, index) => attempt(http2PlanName(plan), plan, [], (seed + index) >>> 0)),
        together: (seed) => {
          const random = new SeededRandom(seed);
          const plan = http2Combination(random);
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
