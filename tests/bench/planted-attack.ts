/** An attack in the middle of the load: an engine that lets it through is not measured doing its work. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '@portcullis/testkit';

/** What nginx logs, so that it can be told whether an attack has reached it. */
export const ATTACK_LOG = 'attacks.log';
export const ATTACK_PATH = '/portcullis-bench-attack';
/** Beside whatever rules the engine has. */
export const ATTACK_RULE = `drop http any any -> any any (msg:"bench attack"; flow:established,to_server; http.uri; content:"${ATTACK_PATH}"; sid:1000001; rev:1;)\n`;

const CONNECT_SECONDS = 1;
/** An attack that has got no answer for so long has been stopped. */
const ANSWER_SECONDS = 1.5;
const ATTEMPTS = 5;

/**
 * Sends one attack.
 * @param folder of the site, where its server logs attacks
 * @returns whether it was stopped: it was not answered, and has not reached the server
 */
export async function plantAttack(lab: Lab, port: number, folder: string): Promise<boolean> {
  const url = `http://${lab.address('server', 4)}:${port}${ATTACK_PATH}`;
  const limit = ['--connect-timeout', String(CONNECT_SECONDS), '--max-time', String(ANSWER_SECONDS)];
  const argv = ['curl', '-s', '-o', '/dev/null', '--noproxy', '*', ...limit, '-w', '%{size_request}', url];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = arrivedAttacks(folder);
    const { code, stdout } = await lab.exec('attacker', argv, { timeout: ANSWER_SECONDS * 1000 + 15_000 });
    // What was not sent has not been stopped either.
    if (Number(stdout) > 0) return code !== 0 && arrivedAttacks(folder) === before;
  }
  throw new Error(`the planted attack could not be sent to ${url}`);
}

/** Attacks that have reached the server of a site. */
function arrivedAttacks(folder: string): number {
  const log = join(folder, ATTACK_LOG);
  return existsSync(log) ? readFileSync(log, 'latin1').split('\n').length - 1 : 0;
}
