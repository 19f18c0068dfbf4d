/**
 * The process is killed, its worker dies or stalls, under load and while bans are made. The short form has each fault once
 * for each setting of fail-open; PORTCULLIS_LONG=1 has 200 rounds, from PORTCULLIS_FROM on.
 */
import { describeLab } from '../lab/engine';
import { FaultLab, GOAL, LONG, slowness } from './fault-lab';

const ROUNDS = LONG ? 200 : 1;
const FIRST = LONG ? Number(process.env.PORTCULLIS_FROM) || 0 : 0;
const WORKER_FAULTS = ['throw', 'exit', 'spin', 'sleep'] as const;

/** What was seen of one kind of fault. */
interface Tally {
  rounds: number;
  /** Milliseconds until traffic went as configured again, at worst. */
  worst: number;
  /** Milliseconds until the engine was back, at worst. */
  back: number;
}

describeLab('under load', () => {
  describe.each([
    ['passes', 'true'],
    ['is stopped', 'false'],
  ] as const)('where traffic %s without an engine', (_, failOpen) => {
    let here: FaultLab;
    const tallies = new Map<string, Tally>();
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
        `fail-open ${failOpen}, ${here.confirmed.size} bans confirmed, none lost\n${'fault'.padEnd(28)} rounds      traffic       engine\n${rows.join('\n')}\n`,
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

    async function breakWorker(how: (typeof WORKER_FAULTS)[number]): Promise<void> {
      here.keepBanning();
      const fault = Date.now();
      here.breakWorker(how);
      const [, milliseconds] = await here.said(/queue 0 has a worker again after (\d+) ms/);
      const traffic = await here.flowsAfter(fault);
      if (Number(milliseconds) >= GOAL) expect(Number(milliseconds)).toBeLessThan(GOAL * slowness());
      await here.stopBanning();
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
        for (let round = FIRST; round < FIRST + ROUNDS && round < ROUNDS; round++) {
          await killProcess();
          if (LONG) for (const how of WORKER_FAULTS) await breakWorker(how);
          else await breakWorker(failOpen === 'true' ? 'throw' : 'spin');
          if (LONG && round % 10 === 9)
            process.stderr.write(
              `fail-open ${failOpen}: ${round + 1} of ${ROUNDS} rounds (PORTCULLIS_FROM=${round + 1})\n`,
            );
        }
      },
      LONG ? 6 * 3600_000 : 90_000,
    );
  });
});
