import { repetitionDepth } from './repetition-depth';

const cases: [string, number][] = [
  ['', 0],
  ['abc', 0],
  ['a?b{3}(?:cd){2,4}', 0],
  ['a*', 1],
  ['a+?b*+', 1],
  ['a{2,}', 1],
  ['a{1,1000}', 1],
  ['(?:ab)*c+', 1],
  ['(?:a*)b', 1],
  ['(?=.*x)a', 1],
  ['(?:a*b)*', 2],
  ['((a|b+)c){5,}', 2],
  ['(?:(?!.*x)a)*+', 2],
  ['(?:a*b){2,3}', 1],
  ['(?:(?:a*b)+c)*', 3],
  ['(?:a\\*b)*', 1],
  ['(?:[*+]b)*', 1],
  ['(?:[]*+]b)*', 1],
  ['(?:[^]*+]b)*', 1],
  ['(?:[[:alpha:]*]b)*', 1],
  ['(?:[a\\]*]b)*', 1],
  ['(?:[a]*]b)*', 2],
  ['(?:\\Qa*(\\Eb)*', 1],
  ['(?:a(?#*)b)*', 1],
  ['(?<n>a*)(?P=n)', 1],
  ['(?P<n>a*)\\k<n>*', 1],
  ['a{,3}b{x}', 0],
  ['(a|(?R))', 3],
  ['(?<n>a|(?&n))', 3],
  ['(a|(?1))', 3],
  ['(a|(?-1))', 3],
  ["(?<n>a|\\g'n')", 3],
  ['(?x) a # (', 3],
  ['(?i)a*', 1],
  [')*(', 1],
  ['(?:a', 0],
  ['[', 0],
  ['\\', 0],
];

test.each(cases)('/%s/ has depth %d', (pattern, depth) => {
  expect(repetitionDepth(pattern, false)).toBe(depth);
});

test('comments and white space of an extended expression are no part of it', () => {
  expect(repetitionDepth('(?: a # [ *\n * b ) *', true)).toBe(2);
  expect(repetitionDepth('(?: a * # ( \n b )', true)).toBe(1);
});
