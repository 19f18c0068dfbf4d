/**
 * What a terminal acts on instead of showing it: control characters (C0, DEL, C1), and those that turn the direction of
 * writing or break lines. Text from packets may hold any of them.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text that a terminal only shows; what it would act on is written as `\u001b`. */
export function terminalSafe(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** JSON on one line with the same meaning, all of it safe to show. */
export function terminalSafeJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, escaped);
}
