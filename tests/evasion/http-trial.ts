/** A trick within HTTP, or several together and with tricks of TCP and IP, tried with and without an engine in the way. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Reading, reads, SeededRandom } from '@portcullis/testkit';
import { bytesOf, isTooDeep, type Place } from './http-request';
import { type HttpPlan, requestOf } from './http-tricks';
import type { Plan } from './plan';
import type { Outcome, Way } from './trial';
import type { Trick } from './tricks';

/** What a web application must not read, by where it stands. */
export const ATTACKS: Readonly<Record<Place, string>> = {
  uri: 'evasion-attack-in-target',
  header: 'evasion-attack-in-header',
  body: 'evasion-attack-in-body',
};
/** As long, and matched by no rule. */
const HARMLESS: Readonly<Record<Place, string>> = {
  uri: 'harmless-other-in-target',
  header: 'harmless-other-in-header',
  body: 'harmless-other-in-body',
};

/** Those built-in rules that refuse what the engine does not look at. */
const REFUSING = [9000901, 9000902, 9000905, 9000906, 9000907, 9000908, 9000909, 9000910, 9000912];
const builtIn = readFileSync(join(__dirname, '../../rules/evasion.rules'), 'utf8')
  .split('\n')
  .filter((line) => REFUSING.some((sid) => line.includes(`sid:${sid};`)));

/** One rule for each place, which looks nowhere else; with the decoding that administrators ask for. */
const placeRules = (
  [
    [1, 'http.uri', ATTACKS.uri],
    [2, 'http.uri; url_decode', ATTACKS.uri],
    [3, 'http.header', ATTACKS.header],
    [6, 'http.trailer', ATTACKS.header],
    [4, 'http.request_body', ATTACKS.body],
    [5, 'http.request_body; url_decode', ATTACKS.body],
  ] as const
)
  .map(
    ([sid, buffer, word]) =>
      `drop http any any -> any any (msg:"evasion"; flow:established,to_server; ${buffer}; content:"${word}"; sid:${sid}; rev:1;)\n`,
  )
  .join('');

export const HTTP_RULES = `${placeRules}${builtIn.join('\n')}\n`;

/** Bytes of a segment where no trick cuts. */
const SEGMENT = 1200;
/** Milliseconds until the application has read what it is going to, once all that was sent has crossed. */
const READING_TIME = 400;
/** Longer requests are not sent a byte at a time. */
export const LONG_REQUEST = 600;

function tcpPlan(bytes: Buffer, tricks: readonly Trick[], initial: number, random: SeededRandom): Plan {
  const steps = [];
  for (let at = 0; at < bytes.length; at += SEGMENT)
    steps.push({ at, bytes: bytes.subarray(at, at + SEGMENT) });
  const plain: Plan = { initial, timestamps: false, synData: new Uint8Array(0), steps, stream: bytes };
  const fitting = bytes.length > LONG_REQUEST ? tricks.filter((trick) => !trick.small) : tricks;
  return fitting.reduce((plan, trick) => trick.apply(plan, random), plain);
}

/**
 * Whether the application read the word where it was put. Elsewhere it is not what the rule is about: a target in a body,
 * because a decoy has changed what told the length of that.
 */
async function arrives(
  way: Way,
  port: number,
  plan: Plan,
  reading: Reading,
  seed: number,
  time: number,
): Promise<boolean> {
  const { peers, server, fence } = way;
  await peers.play(port, plan, new SeededRandom(seed));
  await fence.passed(port);
  const taken = await server.take({
    remoteAddress: peers.sourceOf(port),
    remotePort: port,
    length: 0,
    reading,
    timeout: time,
  });
  return taken !== null && reads(taken.readings, reading);
}

/** What a client sends, with a word somewhere in it. */
export interface Message {
  readonly place: Place;
  make(word: string, random: SeededRandom): MadeMessage;
}

/** `stream.reassembly.depth`: what lies behind is not looked into. */
const DEPTH = 1 << 20;

export interface MadeMessage {
  readonly bytes: Buffer;
  /** By a built-in rule, whatever it holds. */
  readonly refused: boolean;
}

export const messageOf = (plan: HttpPlan): Message => ({
  place: plan.writing.place,
  make: (word, random) => {
    const request = requestOf(plan, word, random);
    return { bytes: bytesOf(request), refused: request.refused === true || isTooDeep(request) };
  },
});

/** @param port of the client, and the next one; not in use within the last minutes */
export async function attemptHttp(
  { place, make }: Message,
  tricks: readonly Trick[],
  ways: { readonly plain: Way; readonly engine: Way },
  port: number,
  seed: number,
  time = READING_TIME,
): Promise<Outcome> {
  // Several tricks together may write very much between.
  if (make(ATTACKS[place], new SeededRandom(seed)).bytes.length > DEPTH)
    return { works: false, evaded: false, broken: false, compared: false };
  let refused = false;
  const send = async (way: Way, word: string, from: number) => {
    const random = new SeededRandom(seed);
    const made = make(word, random);
    refused = made.refused;
    const plan = tcpPlan(made.bytes, tricks, random.next(), random);
    return arrives(way, from, plan, { place, text: word }, seed, time);
  };
  const [works, evaded] = await Promise.all([
    send(ways.plain, ATTACKS[place], port),
    send(ways.engine, ATTACKS[place], port),
  ]);
  if (refused || tricks.some((trick) => trick.conflicting))
    return { works, evaded, broken: false, compared: false };
  const [plain, inspected] = await Promise.all([
    send(ways.plain, HARMLESS[place], port + 1),
    send(ways.engine, HARMLESS[place], port + 1),
  ]);
  return { works, evaded, broken: plain && !inspected, compared: plain };
}
