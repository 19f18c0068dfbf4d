import { decodeContent, decodeText, parseInteger, parseList, parseQuoted, RuleError } from './index';

const AT = { line: 3, column: 100 };
const failure = (action: () => unknown): RuleError => {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(RuleError);
    return error as RuleError;
  }
  throw new Error('accepted');
};

describe('content', () => {
  const bytes = (value: string) => Buffer.from(decodeContent(value, AT).bytes).toString('latin1');

  test.each([
    ['"abc"', 'abc'],
    ['"abc|0d 0a|def"', 'abc\r\ndef'],
    ['"|0D0a|"', '\r\n'],
    ['"|00|a|ff|"', '\0a\xff'],
    ['"||a"', 'a'],
    ['"|2 2|"', '"'],
    ['"a\\"b\\;c\\:d\\\\e"', 'a"b;c:d\\e'],
    ['" a "', ' a '],
    ['"é€😀"', Buffer.from('é€😀').toString('latin1')],
    ['"a:b"', 'a:b'],
  ])('%s', (value, expected) => {
    expect(bytes(value)).toBe(expected);
    expect(decodeContent(value, AT).negated).toBe(false);
  });

  test('negation', () => {
    expect(decodeContent('!"a"', AT).negated).toBe(true);
    expect(decodeContent('! "a"', AT).negated).toBe(true);
  });

  test.each<[string, string, number]>([
    ['abc', 'double quotes', 0],
    ['!abc', 'double quotes', 1],
    ['"abc', 'closing double quote is missing', 4],
    ['"', 'closing double quote is missing', 1],
    ['""', 'the content is empty', 1],
    ['"||"', 'the content is empty', 1],
    ['"ab|0g|"', "'g' is not a hexadecimal digit", 5],
    ['"ab|0d 0|"', 'a byte has two hexadecimal digits', 7],
    ['"ab|0d"', "'|' that opens the hexadecimal bytes is not closed", 3],
    ['"a\\nb"', "'\\n' is not an escape", 2],
    ['"ab\\"', "'\\' is not an escape", 3],
    ['"a"b"', 'a double quote within a content', 2],
    ['!"é\\n"', "'\\n' is not an escape", 3],
    ['"a\ufffd"', 'not UTF-8', 2],
  ])('%s is refused', (value, message, offset) => {
    const error = failure(() => decodeContent(value, AT));
    expect(error.message).toContain(message);
    expect(error.place).toEqual({ line: 3, column: 100 + offset });
  });
});

test('text for people', () => {
  expect(decodeText('"a\\;b\\"c\\\\d"')).toBe('a;b"c\\d');
  expect(decodeText('plain')).toBe('plain');
  expect(decodeText('"')).toBe('"');
});

test('quoted values', () => {
  expect(parseQuoted('!"a"', AT)).toEqual({ negated: true, text: 'a', place: { line: 3, column: 102 } });
});

test.each<[string, [string, number][]]>([
  [
    'a, b ,c',
    [
      ['a', 0],
      ['b', 3],
      ['c', 6],
    ],
  ],
  [
    '"a,b",c',
    [
      ['"a,b"', 0],
      ['c', 6],
    ],
  ],
  [
    'a\\,b,c',
    [
      ['a\\,b', 0],
      ['c', 5],
    ],
  ],
  [
    'a,,b',
    [
      ['a', 0],
      ['', 2],
      ['b', 3],
    ],
  ],
  ['', [['', 0]]],
  [
    'a,',
    [
      ['a', 0],
      ['', 2],
    ],
  ],
  ['a\\', [['a\\', 0]]],
])('list %s', (value, expected) => {
  expect(parseList(value, AT).map(({ text, place }) => [text, place.column - AT.column])).toEqual(expected);
});

describe('numbers', () => {
  const what = 'depth';

  test.each<[string, number]>([
    ['0', 0],
    [' 17 ', 17],
    ['+3', 3],
    ['0x10', 16],
    ['4294967295', 4294967295],
  ])('integer %s', (text, expected) => {
    expect(parseInteger(text, AT, { what })).toBe(expected);
  });

  test('negative integers where the limits allow them', () => {
    expect(parseInteger('-5', AT, { what, minimum: -10 })).toBe(-5);
    expect(Object.is(parseInteger('-0', AT, { what }), 0)).toBe(true);
  });

  test.each(['', 'x', '1x', '-1', '4294967296', '1.5', '1e3', '99999999999999999999', '0x', '--1'])(
    'integer %j is refused',
    (text) => {
      expect(failure(() => parseInteger(text, AT, { what })).message).toContain(what);
    },
  );
});
