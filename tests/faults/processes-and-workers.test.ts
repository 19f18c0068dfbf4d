/**
 * The process is killed, its worker dies or stalls, under load and while bans are made. A round is a `kill -9` and one fault of
 * the worker; the short form has one for each setting of fail-open, PORTCULLIS_LONG=1 has 200, with its place kept.
 */
import { KeptPlace, LONG } from '../kept-place';
import { describeLab } from '../lab/engine';
import { FaultLab, GOAL, slowness } from './fault-lab';

const ROUNDS = LONG ? 200 : 1;
const WORKER_FAULTS = ['throw', 'exit', 'spin', 'sleep'] as const;
type WorkerFault = (typeof WORKER_FAULTS)[number];
/** All bans are lifted after so many rounds: reading them again and again would be most of the work else. */
const LIFTED_AFTER = 10;

/** What was seen of one kind of fault. */
interface Tally {
  rounds: number;
  /** Milliseconds until traffic went as configured again, at worst. */
  worst: number;
  /** Milliseconds until the engine was back, at worst. */
  back: number;
}

interface Place {
  rounds: number;
  bans: number;
  tallies: [string, Tally][];
}

describeLab('under load', () => {
  describe.each([
    ['passes', 'true'],
    ['is stopped', 'false'],
  ] as const)('where traffic %s without an engine', (_, failOpen) => {
    let here: FaultLab;
    const kept = new KeptPlace<Place>('faults', `processes and workers, fail-open ${failOpen}`);
    const place = kept.read() ?? { rounds: 0, bans: 0, tallies: [] };
    const tallies = new Map(place.tallies);
    function count(fault: string, traffic: number, back: number): void {
      const tally = tallies.get(fault) ?? { rounds: 0, worst: 0, back: 0 };
      tallies.set(fault, {
        rounds: tally.rounds + 1,
        worst: Math.max(tally.worst, Math.round(traffic)),
        back: Math.max(tally.back, Math.round(back)),
      });
    }
    beforeAll(async () => {
      here = new FaultLab('pcfp', { settings: { 'nfqueue.fail-open': failOpen }, breakable: true });
      await here.open();
    }, 60_000);
    afterAll(async () => {
      const rows = [...tallies].map(
        ([fault, { rounds, worst, back }]) =>
          `${fault.padEnd(28)}${String(rounds).padStart(7)}${String(worst).padStart(10)} ms${String(back).padStart(10)} ms`,
      );
      process.stdout.write(
        `fail-open ${failOpen}, ${place.rounds} rounds, ${place.bans} bans confirmed, none lost\n${'fault'.padEnd(28)} rounds      traffic       engine\n${rows.join('\n')}\n`,
      );
      await here.close();
    });

    /** What has to be so after every fault. */
    async function expectWhole(): Promise<void> {
      await here.expectProtected();
      await here.expectFirewallWhole();
      await here.expectBansInLedger();
      await here.expectBansInKernel();
      here.expectPrivate();
    }

    async function killProcess(): Promise<void> {
      here.keepBanning();
      const before = here.confirmed.size;
      await here.bannedMoreThan(before + 5);
      const fault = Date.now();
      await here.engine.kill();
      await here.stopBanning();
      const dead = Date.now();
      let traffic = 0;
      if (failOpen === 'true') traffic = await here.flowsAfter(fault);
      else await here.expectStopped(dead);
      await here.expectFirewallWhole();
      await here.expectBansInKernel();
      const back = await here.start();
      expect(here.faultLines()).toEqual([
        expect.stringMatching(
          failOpen === 'true'
            ? /the engine that protected since \S+ was killed: its traffic passed uninspected until now/
            : /the engine that protected since \S+ was killed: its traffic was dropped until now/,
        ),
      ]);
      const again = Date.now();
      const after = await here.flowsAfter(again);
      await expectWhole();
      count('kill -9 of the process', failOpen === 'true' ? traffic : after, back);
    }

    async function breakWorker(how: WorkerFault): Promise<void> {
      const kept = await here.connection();
      here.keepBanning();
      const fault = Date.now();
      here.breakWorker(how);
      const [, milliseconds] = await here.said(/queue 0 has a worker again after (\d+) ms/);
      const traffic = await here.flowsAfter(fault);
      if (Number(milliseconds) >= GOAL) expect(Number(milliseconds)).toBeLessThan(GOAL * slowness());
      await here.stopBanning();
      await here.expectGoesOn(kept);
      const cause = {
        throw: 'a fault of the test',
        exit: 'the thread ended by itself \\(code 7\\)',
        spin: 'it has not moved for \\d+ ms',
        sleep: 'it has not moved for \\d+ ms',
      }[how];
      const effect = failOpen === 'true' ? 'passes uninspected' : 'is dropped';
      expect(here.faultLines({ stalled: how === 'spin' || how === 'sleep' })).toEqual([
        expect.stringMatching(`the worker of queue 0 is lost: ${cause}; its traffic ${effect}`),
      ]);
      await expectWhole();
      count(`a worker: ${how}`, traffic, Number(milliseconds));
    }

    test('two engines that are started at once: one protects, the other is refused', async () => {
      expect(await here.startTwo()).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/another engine is running/),
      });
      expect(here.faultLines()).toEqual([]);
      await expectWhole();
    }, 90_000);

    test(
      'kill -9, and a worker that dies or stalls: nothing is lost, half or silent',
      async () => {
        const began = Date.now();
        for (let done = 1; place.rounds < ROUNDS; done++) {
          const before = here.confirmed.size;
          await killProcess();
          await breakWorker(WORKER_FAULTS[(place.rounds + (failOpen === 'true' ? 0 : 2)) % 4] as WorkerFault);
          place.rounds++;
          place.bans += here.confirmed.size - before;
          place.tallies = [...tallies];
          kept.keep(place);
          if (place.rounds % LIFTED_AFTER === 0) await here.lift();
          if (LONG)
            process.stderr.write(
              `fail-open ${failOpen}: ${place.rounds} of ${ROUNDS} rounds, ${Math.round((Date.now() - began) / 1000 / done)} s each\n`,
            );
        }
        kept.end();
      },
      LONG ? 6 * 3600_000 : 90_000,
    );
  });
});
