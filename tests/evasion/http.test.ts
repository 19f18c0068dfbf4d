/**
 * Nothing within HTTP gets past the engine: a lenient web server tells what its application read after all decoding. The
 * short form tries every trick alone, and some together and with tricks of TCP and IP; see `evasion.test.ts` for the long one.
 */
import { SeededRandom } from '@portcullis/testkit';
import { describeLab } from '../lab/engine';
import { attemptHttp, HTTP_RULES } from './http-trial';
import { HTTP_PLANS, type HttpPlan, httpCombination, httpPlanName } from './http-tricks';
import { Tallies } from './tally';
import { combination, type Trick } from './tricks';
import { Ways } from './ways';

const PORT = 7080;
const COMBINATIONS = Number(process.env.PORTCULLIS_RUNS) || 100;
const LANES = 96;

describeLab('evasion within HTTP', () => {
  const ways = new Ways();
  afterEach(() => ways.close(), 20_000);

  test.each([4, 6] as const)(
    'over IPv%d the application never reads the attack',
    async (family) => {
      const pair = await ways.pair({ family, kind: 'web', port: PORT, rules: HTTP_RULES });
      const random = new SeededRandom();
      const tallies = new Tallies();
      const failures: string[] = [];
      let port = 10_000;
      const one = async (name: string, plan: HttpPlan, tricks: readonly Trick[], seed: number) => {
        const own = port;
        port += 2;
        const outcome = await attemptHttp(plan, tricks, pair, own, seed);
        tallies.count(name, outcome);
        const said = `${[httpPlanName(plan), ...tricks.map((trick) => trick.name)].join(' + ')} (seed ${seed})`;
        if (outcome.evaded) failures.push(`evaded: ${said}`);
        if (outcome.broken) failures.push(`broken: ${said}`);
      };
      const work = [
        ...HTTP_PLANS.map((plan) => () => one(httpPlanName(plan), plan, [], random.next())),
        ...Array.from({ length: COMBINATIONS }, () => () => {
          const seed = random.next();
          const own = new SeededRandom(seed);
          const plan = httpCombination(own);
          return one('(several together)', plan, own.chance() ? combination(own) : [], seed);
        }),
      ];
      const lane = async () => {
        for (let next = work.shift(); next !== undefined; next = work.shift()) await next();
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      process.stdout.write(`IPv${family}, ${random.hint}\n${tallies.table()}\n`);
      expect(failures).toEqual([]);
      expect(tallies.sum('works')).toBeGreaterThan(tallies.sum('tried') / 2);
    },
    120_000,
  );
});
