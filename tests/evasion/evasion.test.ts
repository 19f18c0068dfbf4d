/**
 * Nothing gets past the engine: with the real kernel as the victim, whose application's bytes are the truth. The short form
 * tries every trick alone, and some together; PORTCULLIS_LONG=1 tries 100 000 combinations.
 */
import { Lab, SeededRandom } from '@portcullis/testkit';
import { describeLab, LabEngine } from '../lab/engine';
import { RawClients } from './raw-client';
import { ATTACK, attempt, deliver, type Outcome, planOf, type Way } from './trial';
import { combination, TRICKS, type Trick } from './tricks';

const PORT = 7000;
const RULE = `drop tcp any any -> any any (msg:"evasion"; flow:established,to_server; content:"${ATTACK}"; sid:1; rev:1;)\n`;
const LONG = process.env.PORTCULLIS_LONG === '1';
/** PORTCULLIS_RUNS says how many instead. */
const COMBINATIONS = Number(process.env.PORTCULLIS_RUNS) || (LONG ? 100_000 : 150);
/** At the same time. */
const LANES = 16;
const FIRST_PORT = 10_000;
const LAST_PORT = 64_000;
const SOURCES = { 4: '10.77.1.200', 6: 'fd00:77:1::200' } as const;

/** Of one trick, or of all that were tried together. */
interface Tally {
  tried: number;
  works: number;
  evaded: number;
  compared: number;
  broken: number;
}

const nothing = (): Tally => ({ tried: 0, works: 0, evaded: 0, compared: 0, broken: 0 });

function count(tally: Tally, outcome: Outcome): void {
  tally.tried++;
  tally.works += Number(outcome.works);
  tally.evaded += Number(outcome.evaded);
  tally.compared += Number(outcome.compared);
  tally.broken += Number(outcome.broken);
}

function table(tallies: ReadonlyMap<string, Tally>): string {
  const rows = [...tallies].map(([name, { tried, works, evaded, compared, broken }]) =>
    [
      name.padEnd(52),
      ...[tried, works, evaded, compared, broken].map((value) => String(value).padStart(9)),
    ].join(''),
  );
  const head = [
    'trick'.padEnd(52),
    ...['tried', 'works', 'evaded', 'compared', 'broken'].map((name) => name.padStart(9)),
  ];
  return [head.join(''), ...rows].join('\n');
}

describeLab('evasion', () => {
  let engine: LabEngine;
  const labs: Lab[] = [];

  async function way(family: 4 | 6, withEngine: boolean): Promise<Way> {
    const lab = new Lab('pcev');
    labs.push(lab);
    const server = await lab.tcpServer('server', PORT, { kind: 'sink' });
    if (withEngine) {
      engine = new LabEngine(lab, {
        queues: '0-1',
        rules: RULE,
        settings: { 'action-on-detect': 'drop', 'block-attacking-hosts': 'false' },
      });
      await engine.start();
    }
    const source = SOURCES[family];
    return { clients: await RawClients.open(lab, source, family, PORT), server, source };
  }
  afterEach(async () => {
    if (engine?.process?.running) await engine.stop();
    for (const lab of labs.splice(0)) lab.destroy();
    engine?.remove();
  }, 20_000);

  test.each([4, 6] as const)(
    'over IPv%d the application never gets the attack, and harmless data sent the same way gets through',
    async (family) => {
      const ways = { plain: await way(family, false), engine: await way(family, true) };
      const random = new SeededRandom();
      const tallies = new Map<string, Tally>();
      const failures: string[] = [];
      let port = FIRST_PORT;
      async function tryOut(name: string, tricks: readonly Trick[], seed: number): Promise<void> {
        const own = port;
        port = port + 2 > LAST_PORT ? FIRST_PORT : port + 2;
        const outcome = await attempt(
          tricks,
          ways,
          own,
          new SeededRandom(seed),
          (each) => new SeededRandom(each),
        );
        const tally = tallies.get(name) ?? nothing();
        tallies.set(name, tally);
        count(tally, outcome);
        const said = `seed ${seed}: ${tricks.map((trick) => trick.name).join(' + ')}`;
        if (outcome.evaded) failures.push(`evaded, ${said}`);
        if (outcome.broken) failures.push(`broken, ${said}`);
      }
      const work: (() => Promise<void>)[] = [
        ...TRICKS.flatMap((trick) =>
          Array.from({ length: LONG ? 20 : 1 }, () => () => tryOut(trick.name, [trick], random.next())),
        ),
        ...Array.from({ length: COMBINATIONS }, () => () => {
          const seed = random.next();
          return tryOut('(several together)', combination(new SeededRandom(seed)), seed);
        }),
      ];
      const total = work.length;
      const lane = async () => {
        for (let next = work.shift(); next !== undefined; next = work.shift()) {
          await next();
          if (LONG && work.length % 1000 === 0)
            process.stderr.write(`IPv${family}: ${total - work.length} of ${total}\n`);
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      process.stdout.write(`IPv${family}, ${random.hint}\n${table(tallies)}\n`);
      expect(failures).toEqual([]);
      // A lab in which nothing works proves nothing.
      const all = [...tallies.values()].reduce((sum, tally) => sum + tally.works, 0);
      expect(all).toBeGreaterThan(total / 2);
    },
    LONG ? 6 * 3600_000 : 120_000,
  );

  test.each([4, 6] as const)(
    'over IPv%d a port that is used again at once is a connection of its own',
    async (family) => {
      const withEngine = await way(family, true);
      const random = new SeededRandom();
      const nothing = new Uint8Array(0);
      const text = (bytes: Buffer) => bytes.toString('latin1');
      for (let port = FIRST_PORT; port < FIRST_PORT + 5; port++) {
        const send = async (words: string) =>
          text(
            await deliver(
              withEngine,
              port,
              planOf(words, [], nothing, nothing, random.next(), random),
              random,
            ),
          );
        expect([random.hint, await send('first use')]).toEqual([random.hint, 'first use']);
        expect([random.hint, await send('again')]).toEqual([random.hint, 'again']);
        expect(await send(ATTACK)).toBe('');
        expect([random.hint, await send('and again')]).toEqual([random.hint, 'and again']);
      }
    },
    60_000,
  );
});
