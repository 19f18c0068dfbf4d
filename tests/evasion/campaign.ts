/**
 * Many attempts in flight at once, with tables of what came of them. A long campaign keeps its place in a file, from which the
 * next run goes on.
 */
import { SeededRandom } from '@portcullis/testkit';
import { KeptPlace } from '../kept-place';
import { nextPort } from './ports';
import { Tallies, type Tally } from './tally';
import type { Outcome } from './trial';
import type { Ways } from './ways';

export { LONG } from '../kept-place';

/** Attempts in flight; each waits most of the time. */
const LANES = Number(process.env.PORTCULLIS_LANES) || 96;
/** Attempts after which the place is kept and verdicts are read. */
const BATCH = 2000;
/** Seeds that were told of combinations, with commas between: these alone are tried, in turn. */
export const ONLY = process.env.PORTCULLIS_ATTEMPT?.split(',').map(Number);
/** Milliseconds for an attempt whose outcome is in doubt: the machine may have been slow. */
const PATIENCE = 10_000;
/**
 * As often harmless data has to arrive where there is no engine before one counts as having broken it: what some servers read of a
 * connection depends on how fast it comes (they close it behind an answer, say).
 */
const STEADY = 5;

export interface Attempt {
  /** Its row in the table. */
  readonly row: string;
  /** All that it is made of. */
  readonly said: string;
  /** What does not arrive must have been convicted: nothing else in it would keep it from arriving. */
  readonly convicts: boolean;
  /**
   * @param port of the client, and the next one
   * @param time milliseconds until the application has what it is going to get
   */
  run(port: number, time?: number): Promise<Outcome>;
}

export interface Campaign {
  /** Names it, in the output and in the name of the file that keeps its place. */
  readonly title: string;
  readonly ways: Ways;
  /** Every trick by itself. */
  alone(seed: number): Attempt[];
  /** Several together, made of a seed. */
  together(seed: number): Attempt;
  readonly combinations: number;
}

interface Place {
  readonly seed: number;
  done: number;
  rows: [string, Tally][];
  failures: string[];
}

export interface Report {
  readonly tallies: Tallies;
  readonly failures: readonly string[];
}

/** Number `index` of the seeds that come of one; each stands for itself, so that a campaign can go on anywhere. */
function seedOf(seed: number, index: number): number {
  return new SeededRandom((seed + Math.imul(index, 0x9e3779b1)) >>> 0).next();
}

/** Tries without hurry. What seems to be broken counts only where the server takes it each time. */
async function withPatience(attempt: Attempt, port: number): Promise<Outcome> {
  const outcome = await attempt.run(port, PATIENCE);
  let { evaded } = outcome;
  for (let times = 0; outcome.broken && times < STEADY; times++) {
    const again = await attempt.run(nextPort(), PATIENCE);
    evaded ||= again.evaded;
    if (!again.compared) return { ...outcome, evaded, broken: false, compared: false };
  }
  return { ...outcome, evaded };
}

export async function run(campaign: Campaign): Promise<Report> {
  const { title, ways, combinations } = campaign;
  const kept = new KeptPlace<Place>('evasion', title);
  const place = kept.read() ?? { seed: SeededRandom.chooseSeed(), done: 0, rows: [], failures: [] };
  const tallies = new Tallies(place.rows);
  const { failures } = place;
  const seed = (index: number) => ONLY?.[index % ONLY.length] ?? seedOf(place.seed, index);
  const alone = ONLY === undefined ? campaign.alone(place.seed) : [];
  const total = alone.length + combinations;
  const started = Date.now();
  const first = place.done;

  const settle = (attempt: Attempt, outcome: Outcome) => {
    tallies.count(attempt.row, outcome);
    if (outcome.evaded) failures.push(`evaded: ${attempt.said}`);
    if (outcome.broken) failures.push(`broken: ${attempt.said}`);
  };

  while (place.done < total) {
    const end = Math.min(place.done + BATCH, total);
    let next = place.done;
    const doubtful: { attempt: Attempt; outcome: Outcome }[] = [];
    const unexplained: { attempt: Attempt; outcome: Outcome; port: number }[] = [];
    const lane = async () => {
      while (next < end) {
        const index = next++;
        const attempt = alone[index] ?? campaign.together(seed(index));
        const own = nextPort();
        const outcome = await attempt.run(own);
        if (outcome.broken) doubtful.push({ attempt, outcome });
        else if (attempt.convicts && outcome.works && !outcome.evaded)
          unexplained.push({ attempt, outcome, port: own });
        else settle(attempt, outcome);
      }
    };
    await Promise.all(Array.from({ length: Math.min(LANES, end - next) }, lane));
    const convicted = ways.convicted();
    for (const each of unexplained) {
      if (convicted.has(each.port)) settle(each.attempt, each.outcome);
      else doubtful.push(each);
    }
    // What the slowness of the machine may have done is tried once more, without hurry.
    const again = await Promise.all(
      doubtful.map(async ({ attempt, outcome }) => {
        const own = nextPort();
        return { attempt, before: outcome, outcome: await withPatience(attempt, own), port: own };
      }),
    );
    const convictedThen = ways.convicted();
    for (const { attempt, before, outcome, port } of again) {
      settle(attempt, { ...outcome, evaded: before.evaded || outcome.evaded });
      if (attempt.convicts && outcome.works && !outcome.evaded && !convictedThen.has(port))
        failures.push(`neither arrived nor convicted: ${attempt.said}`);
    }
    place.done = end;
    place.rows = [...tallies.rows];
    kept.keep(place);
    if (total > BATCH) {
      const rate = (end - first) / ((Date.now() - started) / 1000);
      process.stderr.write(
        `${title}: ${end} of ${total}, ${failures.length} failures, ${rate.toFixed(0)} a second, ` +
          `${((total - end) / rate / 60).toFixed(0)} minutes to go\n`,
      );
    }
  }
  kept.end();
  const rate = ((total - first) / ((Date.now() - started) / 1000)).toFixed(1);
  process.stdout.write(
    `${title}: repeat with PORTCULLIS_SEED=${place.seed}; ${rate} attempts a second\n${tallies.table()}\n`,
  );
  if (failures.length > 0) process.stdout.write(`what the engine said:\n${ways.said()}\n`);
  return { tallies, failures };
}
