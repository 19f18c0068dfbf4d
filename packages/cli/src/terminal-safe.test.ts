/** What packets, rules and feeds have put into a text, a terminal only shows, wherever it is printed. */
import { colour, printJson, printLine, printProblem, printTable } from './print';
import { shown, terminalSafe, terminalSafeJson } from './terminal-safe';

const ESCAPE = '\u001b';
/** Clears the screen, sets a title, begins a sequence with C1, turns the direction of writing, and forges a line. */
const HOSTILE = `a${ESCAPE}[2J${ESCAPE}]0;owned\u0007\u009b31m\u202e\u2028\r\u007fb\nportcullis: all is well`;
const ACTED_UPON = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

function printed(action: () => void): string {
  let text = '';
  const write = (chunk: string | Uint8Array) => {
    text += chunk;
    return true;
  };
  const spies = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation(write),
  );
  action();
  for (const spy of spies) spy.mockRestore();
  return text;
}

test.each([
  ['a line', () => printLine(HOSTILE)],
  ['a problem', () => printProblem(HOSTILE)],
  ['JSON', () => printJson({ reason: HOSTILE })],
  ['a table', () => printTable(['REASON'], [[HOSTILE]])],
])('%s holds nothing that a terminal acts on but line ends', (_, action) => {
  const text = printed(action);
  expect(text).toContain('\\u009b31m');
  expect(text.replaceAll('\n', '')).not.toMatch(ACTED_UPON);
});

test('a cell stays in its row, JSON on its line', () => {
  expect(printed(() => printTable(['A', 'B'], [[HOSTILE, 'x']])).split('\n')).toHaveLength(3);
  expect(printed(() => printJson(HOSTILE)).split('\n')).toHaveLength(2);
  expect(JSON.parse(terminalSafeJson(HOSTILE))).toBe(HOSTILE);
});

test('where colours are in use only theirs are left, none that hides or moves', () => {
  const text = `${ESCAPE}[31mred${ESCAPE}[39m${ESCAPE}[8mhidden${ESCAPE}[1A`;
  expect(shown(text, true)).toBe(`${ESCAPE}[31mred${ESCAPE}[39m\\u001b[8mhidden\\u001b[1A`);
  expect(shown(text, false)).not.toContain(ESCAPE);
  for (const name of ['bold', 'dim', 'red', 'green', 'yellow', 'cyan'] as const) {
    // picocolors, told to colour.
    const made = require('picocolors').createColors(true)[name]('x') as string;
    expect(shown(made, true)).toBe(made);
  }
  expect(colour).toBeDefined();
});

test('one line of text', () => {
  expect(terminalSafe('a\nb')).toBe('a\\u000ab');
  expect(terminalSafe('straße 日本 €')).toBe('straße 日本 €');
});
