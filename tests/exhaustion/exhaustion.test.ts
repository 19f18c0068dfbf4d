/**
 * Nothing that can be sent brings the engine down: whatever is exhausted has a limit that holds, a policy that decides and
 * a counter, and once it is over the engine does its work again. The short form attacks one engine with small tables;
 * what good connections get meanwhile is compared in the long form.
 */
import { Lab, waitUntil } from '@portcullis/testkit';
import { attackRules, describeLab, LabEngine } from '../lab/engine';
import { type Attack, attacks, noAttack, targetRules } from './attacks';
import { type Comparison, compare, table } from './comparison';
import { PORT } from './conversations';
import { comparisonMissing, type Gateways, openGateways } from './gateways';
import { Crowd, CrowdProgram } from './many-clients';
import { ObservedEngine } from './observed-engine';
import { warmUp } from './warm-up';

const FLOWS = 16_384;
const MEGABYTE = 1 << 20;
const MEMCAP = 8 * MEGABYTE;
const PARSER_MEMCAP = MEGABYTE;
const BANS_PER_MINUTE = 100;
/** What the engine may take beyond what it takes at rest: its tables and pools, and garbage that is not collected yet. */
const RESIDENT_GROWTH = FLOWS * 1024 + MEMCAP + PARSER_MEMCAP + 256 * MEGABYTE;
/** Until everything is as before. The goal is 5 s, on a machine with nothing else to do. */
const RECOVERY_MILLISECONDS = 15_000;

/** Of the long form, with the settings that an engine has by itself. */
const LONG_FLOWS = 2 * 262_144;
const LONG_MEMCAP = 2 * 256 * MEGABYTE;
const LONG_PARSER_MEMCAP = 2 * 256 * MEGABYTE;
const LONG_LIMITS = { flows: LONG_FLOWS, heldBytes: LONG_MEMCAP, parserBytes: LONG_PARSER_MEMCAP };
/** Nearly all of a limit is used: what comes then has to give way, and be counted. */
const FULL = 0.99;
const LONG_RESIDENT = 2048 * MEGABYTE;
const LONG_RECOVERY = 5000;
const LEAST_SHARE = 0.8;
const HOURS = 3_600_000;
/** Smaller attacks, for trying out. */
const SCALE = Number(process.env.PORTCULLIS_SCALE) || 1;
/** Slower ones, for a machine that has other things to do. */
const PACE = Number(process.env.PORTCULLIS_PACE) || 1;

const program = CrowdProgram.build();
afterAll(() => program?.remove());

if (program === null) {
  describe('exhaustion', () => {
    test.skip('needs a C compiler (cc)', () => {});
  });
} else {
  describeLab('exhaustion', () => {
    if (process.env.PORTCULLIS_LONG === '1') long(program);
    else short(program);
  });
}

function short(program: CrowdProgram): void {
  let lab: Lab;
  let engine: LabEngine;
  let observed: ObservedEngine;
  let crowd: Crowd;
  let atRest: number;

  beforeAll(async () => {
    lab = new Lab('pcxh');
    await lab.httpServer('server', PORT);
    crowd = await Crowd.open(program, lab);
    engine = new LabEngine(lab, {
      rules: `${attackRules}${targetRules}\n`,
      settings: {
        'nfqueue.queues': '0',
        'flow.max-flows': String(FLOWS),
        'stream.memcap': `${MEMCAP / MEGABYTE}mb`,
        'app-layer.memcap': `${PARSER_MEMCAP / MEGABYTE}mb`,
        'never-block': `[self, ${lab.address('attacker', 4)}]`,
        'max-bans-per-minute': String(BANS_PER_MINUTE),
      },
    });
    await engine.start();
    observed = new ObservedEngine(engine, lab);
    await waitUntil(() => observed.works(), { timeout: 20_000, what: 'an engine that does its work' });
    atRest = observed.resident;
  }, 60_000);
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  }, 60_000);

  // Any address: the lab that the tests get does not stand yet.
  const names = attacks('10.77.2.2').map(({ name }) => name);
  test.each(names)(
    '%s',
    async (name) => {
      const attack = attacks(lab.address('server', 4)).find((each) => each.name === name) as Attack;
      const before = await observed.status();
      const { processor } = observed;
      const run = crowd.play(attack.packets, attack.short);
      const [peaks, requests, sent] = await Promise.all([observed.watch(run), observed.requests(run), run]);
      const ended = performance.now();
      await waitUntil(() => observed.works(), {
        timeout: RECOVERY_MILLISECONDS,
        what: 'the engine to do its work again',
      });
      const recovery = performance.now() - ended;
      const cost = ((observed.processor - processor) / sent.sent) * 1e6;
      const after = await observed.status();
      process.stdout.write(
        `${name}: ${sent.sent} packets in ${sent.seconds.toFixed(1)} s, ${cost.toFixed(0)} µs each, most flows ${peaks.flows}, held ${peaks.heldBytes}, by parsers ${peaks.parserBytes}, ` +
          `resident +${Math.round((peaks.resident - atRest) / MEGABYTE)} MB, requests ${requests.answered} of ${requests.made}, ` +
          `again after ${recovery.toFixed(0)} ms` +
          `${attack.counted ? `, ${attack.counted.as} ${attack.counted.of(after) - attack.counted.of(before)}` : ''}\n`,
      );
      expect(peaks.flows).toBeLessThanOrEqual(FLOWS);
      expect(peaks.heldBytes).toBeLessThanOrEqual(MEMCAP);
      expect(peaks.parserBytes).toBeLessThanOrEqual(PARSER_MEMCAP);
      expect(peaks.resident - atRest).toBeLessThan(RESIDENT_GROWTH);
      if (attack.counted) expect(attack.counted.of(after)).toBeGreaterThan(attack.counted.of(before));
      if (attack.bans === 'none') expect(after.bans.active).toBe(before.bans.active);
      if (attack.bans === 'limited') {
        // Longer than a minute it does not take.
        expect(after.bans.active).toBeGreaterThan(before.bans.active);
        expect(after.bans.active).toBeLessThanOrEqual(2 * BANS_PER_MINUTE);
      }
      expect(observed.log).not.toMatch(/the worker of .* is lost/);
    },
    60_000,
  );
}

function long(program: CrowdProgram): void {
  const missing = comparisonMissing();
  if (missing !== null) {
    test.skip(missing, () => {});
    return;
  }
  let gateways: Gateways;
  const rows: Comparison[] = [];
  beforeAll(async () => {
    gateways = await openGateways(program);
    await warmUp(gateways);
  }, 300_000);
  afterAll(async () => {
    process.stdout.write(`${table(rows)}\n`);
    await gateways?.close();
  }, 60_000);

  test(
    noAttack.name,
    async () => {
      rows.push(await compare(noAttack, gateways, { scale: 1, pace: 1, played: 0 }));
    },
    HOURS,
  );

  const names = attacks('10.77.2.2').map(({ name }) => name);
  test.each(names)(
    '%s',
    async (name) => {
      const server = gateways.inspected.lab.address('server', 4);
      const attack = attacks(server).find((each) => each.name === name) as Attack;
      const tries = rows.filter((row) => row.name === name);
      const played = tries.at(-1)?.played ?? 0;
      const row = await compare(attack, gateways, { scale: SCALE, pace: PACE, played });
      rows.push(row);
      for (const [what, limit] of Object.entries(LONG_LIMITS))
        expect(row.peaks[what as keyof typeof LONG_LIMITS]).toBeLessThanOrEqual(limit);
      expect(row.peaks.resident).toBeLessThanOrEqual(LONG_RESIDENT);
      // A small attack does not exhaust what is there, and flows may end as fast as they come.
      const limit = attack.counted?.limit;
      const full = limit === undefined || row.peaks[limit] >= FULL * LONG_LIMITS[limit];
      if (row.counted !== null && full) expect(row.grown).toBeGreaterThan(0);
      if (attack.bans === 'none') expect(row.bans).toBe(0);
      expect(row.workersLost).toBe(0);
      expect(row.recovery).toBeLessThan(LONG_RECOVERY);
      expect(Math.min(row.kept.ordinaryKept, row.kept.ordinaryFresh)).toBeGreaterThan(LEAST_SHARE);
    },
    HOURS,
  );
}
