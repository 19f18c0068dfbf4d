import { PatternError } from './pattern-error';
import { Regex, type RegexOptions, RegexResult, regexLibraryVersion } from './regex';

const text = (value: string) => Buffer.from(value, 'latin1');
const out = new Int32Array(20);

/** The pairs of a match, or the result below one. */
function exec(regex: Regex, input: string, from = 0, start = 0, end = input.length): number[][] | number {
  const result = regex.exec(text(input), start, end, from, out);
  if (result < 1) return result;
  return Array.from({ length: result }, (_, pair) => [out[2 * pair], out[2 * pair + 1]]);
}

function errorOf(work: () => unknown): PatternError {
  try {
    work();
  } catch (error) {
    if (error instanceof PatternError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe.each([
  ['JIT', true],
  ['interpreter', false],
])('%s', (_, jit) => {
  const compile = (pattern: string | Uint8Array, options: RegexOptions = {}) =>
    Regex.compile(pattern, { jit, ...options });

  test('runs what it says', () => {
    expect(compile('a').jitLength > 0).toBe(jit);
  });

  const cases: [string, string, RegexOptions, string, number[][] | number][] = [
    ['a match', 'b', {}, 'abc', [[1, 2]]],
    ['no match', 'x', {}, 'abc', 0],
    [
      'groups, one of them not taking part',
      '(a)|(b)(c)',
      {},
      'bc',
      [
        [0, 2],
        [-1, -1],
        [0, 1],
        [1, 2],
      ],
    ],
    [
      'a last group that takes no part',
      '(a)(z)?',
      {},
      'a',
      [
        [0, 1],
        [0, 1],
        [-1, -1],
      ],
    ],
    ['an empty match', 'x*', {}, 'abc', [[0, 0]]],
    ['an empty subject', '^$', {}, '', [[0, 0]]],
    ['case', 'AB', {}, 'ab', 0],
    ['caseless', 'AB', { caseless: true }, 'ab', [[0, 2]]],
    ['one line', '^b$', {}, 'a\nb\nc', 0],
    ['multiline', '^b$', { multiline: true }, 'a\nb\nc', [[2, 3]]],
    ['carriage return is no newline', 'a$', { multiline: true }, 'a\r\n', 0],
    ['a dot without newline', 'a.b', {}, 'a\nb', 0],
    ['dotAll', 'a.b', { dotAll: true }, 'a\nb', [[0, 3]]],
    ['extended', 'a b # c', { extended: true }, 'ab', [[0, 2]]],
    ['anchored', 'b', { anchored: true }, 'ab', 0],
    ['dollar before a final newline', 'a$', {}, 'a\n', [[0, 1]]],
    ['dollarEndOnly', 'a$', { dollarEndOnly: true }, 'a\n', 0],
    ['greedy', 'a+', {}, 'aaa', [[0, 3]]],
    ['ungreedy', 'a+', { ungreedy: true }, 'aaa', [[0, 1]]],
    ['binary bytes', '\\x00\\xff', {}, 'a\x00\xff', [[1, 3]]],
    ['binary bytes as they are', '\x00\xff', {}, 'a\x00\xff', [[1, 3]]],
    ['a high byte is one character', '^.$', {}, '\xe4', [[0, 1]]],
    [
      'a back reference',
      '(.)\\1',
      {},
      'abccd',
      [
        [2, 4],
        [2, 3],
      ],
    ],
  ];
  test.each(cases)('%s: /%s/ %j', (_name, pattern, options, input, expected) => {
    expect(exec(compile(pattern, options), input)).toEqual(expected);
    expect(exec(compile(text(pattern), options), input)).toEqual(expected);
  });

  test('begins at an offset and sees what lies before it', () => {
    expect(exec(compile('a'), 'banana', 2)).toEqual([[3, 4]]);
    expect(exec(compile('(?<=b)a'), 'banana', 1)).toEqual([[1, 2]]);
    expect(exec(compile('^a'), 'banana', 1)).toBe(0);
    expect(exec(compile('\\Ga'), 'banana', 1)).toEqual([[1, 2]]);
    expect(exec(compile('a'), 'banana', 6)).toBe(0);
  });

  test('sees nothing outside start and end', () => {
    expect(exec(compile('(?<=b)a'), 'banana', 1, 1)).toBe(0);
    expect(exec(compile('^a'), 'banana', 1, 1)).toEqual([[1, 2]]);
    expect(exec(compile('n$'), 'banana', 0, 0, 5)).toEqual([[4, 5]]);
    expect(exec(compile('a(?=n)'), 'banana', 3, 0, 4)).toBe(0);
    expect(exec(compile('an', { anchored: true }), 'banana', 3, 3)).toEqual([[3, 5]]);
  });

  test('a short result array takes what fits', () => {
    const short = new Int32Array(3);
    expect(compile('(a)(b)').exec(text('ab'), 0, 2, 0, short)).toBe(3);
    expect([...short]).toEqual([0, 2, 0]);
    expect(compile('(a)(b)').exec(text('ab'), 0, 2, 0, new Int32Array(0))).toBe(3);
  });

  test.each([
    [-1, 2, 0],
    [0, 4, 0],
    [2, 1, 2],
    [1, 3, 0],
    [0, 2, 3],
    [0, 2, -1],
  ])('start %d, end %d, from %d of three bytes are refused', (start, end, from) => {
    expect(errorOf(() => compile('a').exec(text('abc'), start, end, from, out)).code).toBe('RANGE');
  });

  // Each of them would take seconds to centuries without a limit.
  test.each([
    '(a+)+[0-9]',
    '(a|aa)+[0-9]',
    '(?:[a-z]+\\.)*[0-9]',
    '(?=.*x)a',
    '(?:(?!.*x)a)*+[0-9]',
    '(?:(?:a*x|a)*y|a)*z?[0-9]',
  ])('the limits end /%s/ on 64 KiB', (pattern) => {
    const regex = compile(pattern);
    const hostile = Buffer.alloc(65_536, 'a');
    const begin = process.cpuUsage();
    expect(regex.exec(hostile, 0, hostile.length, 0, out)).toBe(RegexResult.LIMIT_EXCEEDED);
    const { user, system } = process.cpuUsage(begin);
    expect(user + system).toBeLessThan(1_000_000);
    expect(regex.limitExceeded).toBe(1);
  });

  test('(a+)+$ ends at once', () => {
    const regex = compile('(a+)+$');
    expect(exec(regex, `${'a'.repeat(60)}!`)).toBe(RegexResult.LIMIT_EXCEEDED);
    expect(
      exec(compile('(a+)+$', { matchLimit: 10_000_000, depthLimit: 1_000_000 }), `${'a'.repeat(12)}!`),
    ).toBe(0);
  });

  test('a long search finds what one search from each position finds', () => {
    // Matches and misses on both sides of the windows that a long search is cut into.
    for (const at of [0, 1, 2, 4, 5, 20, 21, 84, 85, 255, 256, 257, 340, 341, 342, 596, 597, 1999]) {
      const input = `${'\n'.repeat(at)}xy${'\n'.repeat(2000 - at)}`;
      for (const pattern of ['xy', 'x(?=y)y', '(?m)^xy', '(?<!x)xy', '[x]y', '.+y', 'x.', '(?s)x.(?=\\n)']) {
        expect([at, pattern, (exec(compile(pattern), input) as number[][])[0]]).toEqual([
          at,
          pattern,
          [at, at + 2],
        ]);
      }
      expect(exec(compile('q'), input)).toBe(0);
      expect(exec(compile('^xy'), input)).toEqual(at === 0 ? [[0, 2]] : 0);
      // What \G and (*COMMIT) mean depends on where the whole search began.
      expect(exec(compile('\\Gxy|q'), input)).toEqual(at === 0 ? [[0, 2]] : 0);
      expect(exec(compile('(?:\\n|x)(*COMMIT)y'), input)).toEqual(at === 0 ? [[0, 2]] : 0);
    }
  });
});

describe('compiling', () => {
  test.each([
    ['a(b', 3],
    ['[z-a]', 3],
    ['*a', 0],
    ['(?<n>a)(?<n>b)', 12],
  ])('/%s/ is refused at offset %d', (pattern, position) => {
    const error = errorOf(() => Regex.compile(pattern));
    expect(error).toMatchObject({ code: 'REGEX_COMPILE', position });
    expect(error.message.length).toBeGreaterThan(5);
  });

  test('a pattern cannot ask for characters instead of bytes', () => {
    expect(errorOf(() => Regex.compile('(*UTF)a')).code).toBe('REGEX_COMPILE');
    expect(errorOf(() => Regex.compile('a\u0100'))).toMatchObject({ code: 'REGEX_COMPILE', position: 1 });
  });

  test('size, groups and limits are bounded', () => {
    expect(errorOf(() => Regex.compile('a'.repeat(70_000))).code).toBe('REGEX_COMPILE');
    expect(Regex.compile('(a)'.repeat(255)).captureCount).toBe(255);
    expect(errorOf(() => Regex.compile('(a)'.repeat(256))).code).toBe('REGEX_COMPILE');
    for (const value of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
      expect(errorOf(() => Regex.compile('a', { matchLimit: value })).code).toBe('INVALID_ARGUMENT');
    }
  });

  test('names of groups stand at their numbers', () => {
    const regex = Regex.compile('(?<first>a)(b)(?P<third>c)');
    expect(regex.captureCount).toBe(3);
    expect(regex.captureNames).toEqual([null, 'first', null, 'third']);
  });

  test('the library says what it is', () => {
    expect(regexLibraryVersion()).toMatch(/^10\.\d+/);
  });
});
