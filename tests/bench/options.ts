/** What `npm run bench -- …` takes. */
import { parseArgs } from 'node:util';

export const modeNames = ['none', 'tracked', 'limit', 'engine', 'engine-offload', 'engine-no-depth'] as const;
export type ModeName = (typeof modeNames)[number];

/** In the order in which they are measured: half the load is half of what keep-alive came to. */
export const workloadNames = [
  'bulk1',
  'bulk4',
  'keepalive',
  'half',
  'connections',
  'text',
  'zeros',
  'near',
] as const;
export type WorkloadName = (typeof workloadNames)[number];

export const extraNames = ['memory', 'ban'] as const;
export type ExtraName = (typeof extraNames)[number];

export interface BenchOptions {
  rounds: number;
  /** Of each measurement. */
  seconds: number;
  modes: ModeName[];
  workloads: WorkloadName[];
  extras: ExtraName[];
  queues: number;
  /** null: the large rule file where there is one, else the rules that come with Portcullis. */
  rules: string | null;
  /** Flows at rest for the memory figure. */
  flows: number;
  /** For the time to the ban. */
  attacks: number;
  json: string | null;
  write: boolean;
}

export const usage = `sudo npm run bench -- [options]
  --rounds N          measurements of each mode and workload (5)
  --seconds N         of each measurement (2)
  --modes A,B         of ${modeNames.join(', ')} (all)
  --workloads A,B     of ${workloadNames.join(', ')}, or none of them: - (all)
  --extras A,B        of ${extraNames.join(', ')}, or none of them: - (all)
  --queues N          queues, with a worker or an accept-all program each (2)
  --rules FILE        rules for the engine (et-open-2023-05-15.rules of PORTCULLIS_CORPORA, else the built-in ones)
  --flows N           connections at rest, for the memory of each (100000)
  --attacks N         for the time to the ban (100)
  --json FILE         everything measured, as JSON
  --write             put the tables into docs/performance.md
`;

export class UsageError extends Error {}

/** @throws UsageError */
export function parseOptions(argv: readonly string[]): BenchOptions | 'help' {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '2' },
        modes: { type: 'string', default: modeNames.join(',') },
        workloads: { type: 'string', default: workloadNames.join(',') },
        extras: { type: 'string', default: extraNames.join(',') },
        queues: { type: 'string', default: '2' },
        rules: { type: 'string' },
        flows: { type: 'string', default: '100000' },
        attacks: { type: 'string', default: '100' },
        json: { type: 'string' },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values.help) return 'help';
  const text = (name: string) => values[name] as string;
  return {
    rounds: wholeNumber('rounds', text('rounds'), 1, 1000),
    seconds: wholeNumber('seconds', text('seconds'), 1, 600),
    modes: chosen('modes', text('modes'), modeNames),
    workloads: chosen('workloads', text('workloads'), workloadNames),
    extras: chosen('extras', text('extras'), extraNames),
    queues: wholeNumber('queues', text('queues'), 1, 8),
    rules: (values.rules as string | undefined) ?? null,
    flows: wholeNumber('flows', text('flows'), 1000, 4_000_000),
    attacks: wholeNumber('attacks', text('attacks'), 1, 150),
    json: (values.json as string | undefined) ?? null,
    write: values.write === true,
  };
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UsageError(`--${name} is a whole number from ${least} to ${most}, not ${text}`);
  return value;
}

/** Names out of a list, in the list's order. */
function chosen<Name extends string>(name: string, text: string, known: readonly Name[]): Name[] {
  const wanted = text === '-' ? [] : text.split(',').map((part) => part.trim());
  const wrong = wanted.find((part) => !known.includes(part as Name));
  if (wrong !== undefined) throw new UsageError(`--${name}: ${wrong} is none of ${known.join(', ')}`);
  return known.filter((part) => wanted.includes(part));
}
