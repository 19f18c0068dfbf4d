/** The engine on a gateway, as an administrator runs it: the built command with a configuration file. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askEngine, type StatusAnswer } from '@portcullis/control';
import { type Lab, type LabProcess, waitUntil } from '@portcullis/testkit';
import { processorSeconds } from './processor-time';

const command = join(__dirname, '..', '..', '..', 'packages', 'cli', 'bin', 'portcullis.js');
const START_MILLISECONDS = 300_000;
/** With nothing to do an engine takes less than this share of a processor. */
const QUIET_SHARE = 0.05;
const QUIET_MILLISECONDS = 1000;

export interface EngineWishes {
  /** For its configuration, state and log. */
  folder: string;
  /** Compiled patterns, shared by all engines: the first one compiles them. */
  cacheFolder: string;
  /** Keys of the configuration. */
  settings: Readonly<Record<string, unknown>>;
  /** `--set` arguments. */
  overrides?: readonly string[];
}

export interface RunningEngine {
  process: LabProcess;
  status(): Promise<StatusAnswer>;
}

/** Starts the engine and waits until it protects, and has nothing more to load: its spare worker comes up last. */
export async function startEngine(lab: Lab, wishes: EngineWishes): Promise<RunningEngine> {
  const { folder, cacheFolder } = wishes;
  const state = join(folder, 'state');
  mkdirSync(state, { recursive: true });
  mkdirSync(cacheFolder, { recursive: true });
  symlinkSync(cacheFolder, join(state, 'pattern-cache'));
  const configuration = join(folder, 'portcullis.yaml');
  const socket = join(folder, 'control.sock');
  const settings = {
    protect: { host: false, networks: [`${lab.address('server', 4)}/24`] },
    'never-block': ['self'],
    control: { socket },
    'state-dir': state,
    'log-dir': join(folder, 'log'),
    metrics: { listen: 'off' },
    ...wishes.settings,
  };
  // JSON is YAML too.
  writeFileSync(configuration, JSON.stringify(settings, null, 2));
  const argv = [process.execPath, command, 'run', '--enable', '--config', configuration];
  for (const override of wishes.overrides ?? []) argv.push('--set', override);
  const engine = lab.spawn('gateway', argv, { env: { PORTCULLIS_LOG_TEXT: '1' } });
  await engine.waitFor(/protecting:/, START_MILLISECONDS);
  await waitUntil(() => quiet(engine), { timeout: START_MILLISECONDS, what: 'an engine with nothing to do' });
  return { process: engine, status: async () => (await askEngine(socket, 'status')) as StatusAnswer };
}

async function quiet(engine: LabProcess): Promise<boolean> {
  if (!engine.running) throw new Error(`the engine ended: ${engine.stderr}${engine.stdout.slice(-2000)}`);
  const before = processorSeconds(engine.pid as number);
  await new Promise((resolve) => setTimeout(resolve, QUIET_MILLISECONDS));
  return processorSeconds(engine.pid as number) - before < (QUIET_SHARE * QUIET_MILLISECONDS) / 1000;
}
