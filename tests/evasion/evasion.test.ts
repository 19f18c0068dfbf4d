/**
 * Nothing gets past the engine: with the real kernel as the victim, whose application's bytes are the truth. The short form
 * tries every trick alone, and some together; PORTCULLIS_LONG=1 tries 20 000 combinations over each of IPv4 and IPv6, as
 * `http.test.ts` does.
 */
import { SeededRandom } from '@portcullis/testkit';
import { describeLab } from '../lab/engine';
import { type Attempt, LONG, ONLY, run } from './campaign';
import { nextPort } from './ports';
import { ATTACK, attempt, deliver, planOf } from './trial';
import { combination, FORGOTTEN, TRICKS, type Trick } from './tricks';
import { Ways } from './ways';

// A campaign of hours that failed is not begun anew.
if (LONG) jest.retryTimes(0);

const PORT = 7000;
const RULES = `drop tcp any any -> any any (msg:"evasion"; flow:established,to_server; content:"${ATTACK}"; sid:1; rev:1;)\n`;
/** PORTCULLIS_RUNS says how many instead. */
const COMBINATIONS = Number(process.env.PORTCULLIS_RUNS) || (LONG ? 20_000 : 100);
/** Of each trick alone. */
const REPETITIONS = LONG ? 20 : 1;

describeLab('evasion', () => {
  const ways = new Ways();
  afterEach(() => ways.close(), 20_000);

  test.each([4, 6] as const)(
    'over IPv%d the application never gets the attack, and harmless data sent the same way gets through',
    async (family) => {
      const pair = await ways.pair({ family, kind: 'sink', port: PORT, rules: RULES });
      const trial = (row: string, tricks: readonly Trick[], seed: number): Attempt => ({
        row,
        said: `${tricks.map((trick) => trick.name).join(' + ')} (seed ${seed})`,
        convicts: false,
        run: (port, time) =>
          attempt(tricks, pair, port, new SeededRandom(seed), (each) => new SeededRandom(each), time),
      });
      const { tallies, failures } = await run({
        title: `TCP over IPv${family}`,
        ways,
        combinations: COMBINATIONS,
        alone: (seed) => {
          const random = new SeededRandom(seed);
          return TRICKS.flatMap((trick) =>
            Array.from({ length: REPETITIONS }, () => trial(trick.name, [trick], random.next())),
          );
        },
        together: (seed) => trial('(several together)', combination(new SeededRandom(seed)), seed),
      });
      expect(failures).toEqual([]);
      // A lab in which nothing works proves nothing. What was read once may be no trick any more.
      if (ONLY === undefined) expect(tallies.sum('works')).toBeGreaterThan(tallies.sum('tried') / 2);
    },
    LONG ? 6 * 3600_000 : 180_000,
  );

  test.each([4, 6] as const)(
    'over IPv%d a connection stays with its worker when the kernel forgets it',
    async (family) => {
      const pair = await ways.pair({ family, kind: 'sink', port: PORT, rules: RULES });
      const random = new SeededRandom();
      // Where the queue was drawn at random one in five got through.
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, async () =>
          attempt(FORGOTTEN, pair, await nextPort(), random, (seed) => new SeededRandom(seed)),
        ),
      );
      const count = (key: 'works' | 'evaded') => outcomes.filter((outcome) => outcome[key]).length;
      expect([random.hint, count('works') > 20, count('evaded')]).toEqual([random.hint, true, 0]);
    },
    60_000,
  );

  test.each([4, 6] as const)(
    'over IPv%d a port that is used again at once is a connection of its own',
    async (family) => {
      const { engine } = await ways.pair({ family, kind: 'sink', port: PORT, rules: RULES });
      const random = new SeededRandom();
      const nothing = new Uint8Array(0);
      const again = async (port: number) => {
        const send = async (words: string) => {
          const plan = planOf(words, [], nothing, nothing, random.next(), random);
          return (await deliver(engine, port, plan, random)).toString('latin1');
        };
        const got = [
          await send('first use'),
          await send('again'),
          await send(ATTACK),
          await send('and again'),
        ];
        expect([random.hint, ...got]).toEqual([random.hint, 'first use', 'again', '', 'and again']);
      };
      await Promise.all([nextPort(), nextPort(), nextPort(), nextPort(), nextPort()].map(again));
    },
    60_000,
  );
});
