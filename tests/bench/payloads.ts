/** Bodies of the same size that cost the pattern search more or less. */
import { readFileSync } from 'node:fs';
import { SeededRandom } from '@portcullis/testkit';

export const payloadNames = ['text', 'zeros', 'near'] as const;
export type PayloadName = (typeof payloadNames)[number];

/** Below the depth of a stream, so that all of it is looked at. */
export const PAYLOAD_BYTES = 512 * 1024;
const SEED = 1;
const WORDS =
  'the of and to in that it with as for was on are by be this have from or had not but what all were when we there can an your which their said if do will each about how up out them then she many some so these would other into has more her two like him see time could no make than first been its who now people my made over did down only way find use may water long little very after words called just where most know'.split(
    ' ',
  );

export function makePayload(name: PayloadName, ruleFile: string | null): Buffer {
  if (name === 'zeros') return Buffer.alloc(PAYLOAD_BYTES);
  const random = new SeededRandom(SEED);
  const pieces = name === 'text' ? WORDS : nearMatches(ruleFile);
  const separator = name === 'text' ? ' ' : '';
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  for (let at = 0; at < PAYLOAD_BYTES; )
    at += payload.write(`${random.pick(pieces)}${separator}`, at, 'latin1');
  return payload;
}

/** Contents of the rules, all but the last letter of each: the search has to follow them almost to their end. */
export function nearMatches(ruleFile: string | null): string[] {
  const text = ruleFile === null ? '' : readFileSync(ruleFile, 'latin1');
  const found = new Set<string>();
  for (const [, content] of text.matchAll(/content:"([\w ./=?&%-]{5,40})"/g))
    found.add(`${(content as string).slice(0, -1)}~`);
  return found.size > 0 ? [...found] : WORDS.map((word) => `${word.slice(0, -1)}~`);
}
