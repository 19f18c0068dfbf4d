/** Programs that preparing a checkout starts: as whom, with what of them to be seen, and with a word while they take long. */
import { spawn, spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Something that the user can put right; told without a stack. */
export class PreparationError extends Error {}

/** After so many seconds it is told what is waited for, and then each time so many later. */
const FIRST_WORD_SECONDS = 10;
const NEXT_WORD_SECONDS = 30;

/** Says what is being done, so that a long step is not a silent one. */
export function say(text) {
  process.stdout.write(`· ${text}\n`);
}

/**
 * Under sudo, what is made in the checkout belongs to the user who called it: these commands run as that user.
 *
 * @returns options of `spawn`; empty where this process is that user's
 */
export function caller() {
  const uid = Number(process.env.SUDO_UID);
  const gid = Number(process.env.SUDO_GID);
  if (process.getuid() !== 0 || !(uid > 0)) return {};
  const home = spawnSync('getent', ['passwd', String(uid)], { encoding: 'utf8' }).stdout?.split(':')[5];
  return {
    uid,
    gid,
    env: { ...process.env, HOME: home || '/tmp', USER: process.env.SUDO_USER, npm_config_cache: '' },
  };
}

/**
 * Runs a program to its end, however that is.
 *
 * @param asCaller as the user who called sudo
 * @param quiet what it prints is kept instead of shown
 * @param cwd where it runs; default: the checkout
 * @param env variables beside those of this process
 * @param seconds it is ended after so many
 * @param waiting says what is waited for, when it takes long; where it throws the program is ended, and that is the error
 * @param wordAfter seconds until it says so first; `nextWordAfter`: and from then on
 * @returns its exit code, null where it was ended, and what it printed
 * @throws PreparationError where it cannot be started
 */
export async function finish(command, args, options = {}) {
  const { asCaller = false, quiet = false, cwd = root, env = {}, seconds, waiting } = options;
  const { wordAfter = FIRST_WORD_SECONDS, nextWordAfter = NEXT_WORD_SECONDS } = options;
  const who = asCaller ? caller() : {};
  const environment = { ...(who.env ?? process.env), ...env };
  if (environment.npm_config_cache === '') delete environment.npm_config_cache;
  const program = spawn(command, args, {
    cwd,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    ...(who.uid !== undefined && { uid: who.uid, gid: who.gid }),
    env: environment,
    ...(seconds !== undefined && { timeout: seconds * 1000 }),
  });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    program[name]?.setEncoding('utf8').on('data', (text) => {
      printed[name] += text;
    });
  const words =
    waiting === undefined ? null : new Words(waiting, wordAfter, nextWordAfter, () => program.kill());
  try {
    const code = await new Promise((resolve, reject) => {
      program.on('error', ({ message }) => reject(new PreparationError(`${command}: ${message}`)));
      program.on('close', resolve);
    });
    if (words?.error) throw words.error;
    return { code, ...printed };
  } finally {
    words?.end();
  }
}

/** Runs a program that has to end well. Options and what is returned: as `finish`. @throws PreparationError */
export async function run(command, args, options) {
  const result = await finish(command, args, options);
  if (result.code === 0) return result;
  process.stderr.write(`${result.stdout}${result.stderr}`);
  throw new PreparationError(`'${command} ${args.join(' ')}' failed; what it printed stands above`);
}

/** What is said while a program takes long. */
class Words {
  /** What `waiting` has thrown. */
  error = null;
  #started = performance.now();
  #ended = false;
  #timer;

  constructor(waiting, first, next, giveUp) {
    const after = (seconds) => {
      this.#timer = setTimeout(async () => {
        try {
          const text = await waiting();
          if (this.#ended) return;
          say(`${text} (${Math.round((performance.now() - this.#started) / 1000)} s so far)`);
          after(next);
        } catch (error) {
          this.error = error;
          giveUp();
        }
      }, seconds * 1000);
    };
    after(first);
  }

  end() {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}
