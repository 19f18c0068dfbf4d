/**
 * npm's packages, from its registry or, where that cannot be reached, from its cache. npm by itself asks for each of a
 * hundred optional packages in turn, and tries each time for minutes: so it is asked one question beforehand.
 */
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caller, finish, PreparationError, run, say } from './commands.mjs';

/** What counts where the user has not said otherwise: by `npm start --fetch-timeout=...` or in the environment. */
const BOUNDS = {
  // Milliseconds until a request is answered; npm's own five minutes are long before an error that names the cause.
  npm_config_fetch_timeout: '60000',
  npm_config_fetch_retries: '2',
  npm_config_fetch_retry_mintimeout: '1000',
  npm_config_fetch_retry_maxtimeout: '10000',
};
/** For the one question; npm's own bound does not hold while a connection is being made. */
const ANSWER_SECONDS = 30;
const PATIENT_SECONDS = 5;
/** A package of ours that the registry has little to tell of. */
const ASKED_FOR = '@types/ip6addr';

const npm = (args, options) => {
  const own = Object.entries(BOUNDS).filter(([name]) => process.env[name] === undefined);
  return [
    'npm',
    [...args, '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'],
    { asCaller: true, ...options, env: { ...Object.fromEntries(own), ...options.env } },
  ];
};

// Install scripts stay off: the only package here with native code, cap, is built with the other addons.
// Not 'npm ci': it refuses a lock file without the builds for platforms that the registry at hand does not carry.
const INSTALL = ['install', '--no-save', '--ignore-scripts'];

/** @throws PreparationError */
export async function installFromRegistryOrCache() {
  const why = await whyNoRegistry({
    waiting: () => 'waiting for the npm registry to answer',
    wordAfter: PATIENT_SECONDS,
  });
  if (why === null) {
    await run(...npm(INSTALL, { waiting: stillAnswers }));
    return;
  }
  say(`the npm registry cannot be reached (${why}): trying with what npm has in its cache`);
  const { code } = await finish(
    ...npm([...INSTALL, '--offline'], { quiet: true, waiting: () => 'still trying' }),
  );
  if (code !== 0) throw unreachable(why);
}

/** Where it does not, there is no use in waiting for each of the packages. */
async function stillAnswers() {
  const why = await whyNoRegistry();
  if (why !== null) throw unreachable(why);
  return 'still fetching npm packages; the registry answers';
}

function unreachable(why) {
  return new PreparationError(
    `npm packages cannot be fetched from the registry: ${why}. What to look at: the network and the name service of this ` +
      "machine; 'npm config get registry' for which one it is; " +
      "behind a proxy, 'npm config set https-proxy http://HOST:PORT' as the user who owns this folder; for another registry, " +
      "'npm config set registry URL'. Then run this command again: what has been fetched is in npm's cache",
  );
}

/** Asks as npm itself would, by its configuration. @returns what it says; null: the registry has answered */
async function whyNoRegistry(options = {}) {
  // With its usual cache it would take an old answer for one.
  const cache = mkdtempSync(join(tmpdir(), 'portcullis-npm-'));
  try {
    const { uid, gid } = caller();
    if (uid !== undefined) chownSync(cache, uid, gid);
    const { code, stdout } = await finish(
      ...npm(['view', ASKED_FOR, 'version', '--json', `--cache=${cache}`], {
        quiet: true,
        seconds: ANSWER_SECONDS,
        ...options,
      }),
    );
    if (code === 0) return null;
    return code === null ? `no answer within ${ANSWER_SECONDS} s` : reason(stdout);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

function reason(json) {
  try {
    return JSON.parse(json).error.summary.replace(/^FetchError: /, '');
  } catch {
    return 'npm does not say why';
  }
}
