import type { EveRecord } from './record';

/**
 * What a terminal acts on, of what JSON leaves as it is: DEL and C1 control characters (one of them begins escape sequences),
 * and those that turn the direction of writing or break lines.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Everything that `UNSAFE` is among; most records have none of it, and this is soon found out. */
const BEYOND_ASCII = /[^ -~]/;

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A record on one line of JSON: whatever packets have put into it, it can be shown in a terminal as it is. */
export function eveJson(record: EveRecord): string {
  const text = JSON.stringify(record);
  return BEYOND_ASCII.test(text) ? text.replace(UNSAFE, escaped) : text;
}
