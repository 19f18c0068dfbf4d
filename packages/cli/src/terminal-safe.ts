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

/** What `picocolors` writes for the colours of ours. */
const COLOURS: ReadonlySet<string> = new Set([1, 2, 22, 31, 32, 33, 36, 39].map((code) => `\u001b[${code}m`));
const UNSAFE_OR_COLOUR = new RegExp(`\\p{Cc}\\[\\d{1,2}m|${UNSAFE.source}`, 'gu');

/**
 * Text of several lines and, where there are any, colours, that a terminal only shows.
 * @param coloured whether colours are in use
 */
export function shown(text: string, coloured: boolean): string {
  return text.replace(UNSAFE_OR_COLOUR, (found) =>
    found === '\n' || (coloured && COLOURS.has(found)) ? found : terminalSafe(found),
  );
}

/** JSON on one line with the same meaning, all of it safe to show. */
export function terminalSafeJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, escaped);
}
