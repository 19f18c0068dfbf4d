import { compileText, Harness, TestTransaction } from '../../testing/harness';

/** Big-endian bytes as text, one character a byte. */
function bytes(value: bigint, count: number): string {
  let text = '';
  for (let i = count - 1; i >= 0; i--) text += String.fromCharCode(Number((value >> BigInt(8 * i)) & 0xffn));
  return text;
}

/** The sids of rules numbered from 1, one for each condition, that match the values of a buffer. */
function fires(keyword: string, conditions: readonly string[], values: readonly bigint[], size: number) {
  const rules = conditions.map(
    (condition, i) =>
      `alert ${keyword.split('.')[0] === 'dns' ? 'dns' : 'http'} any any -> any any (${keyword}:${condition}; sid:${i + 1};)`,
  );
  const harness = new Harness(rules.join('\n'));
  const transaction = new TestTransaction().set(
    keyword,
    values.map((value) => bytes(value, size)),
  );
  const fired = harness.transaction(transaction, 3, 0, keyword.startsWith('dns') ? 'dns' : 'http');
  return conditions.filter((_, i) => fired.includes(i + 1));
}

test('comparisons', () => {
  const conditions = [
    '5',
    '=5',
    '!5',
    '!=5',
    '<5',
    '<=5',
    '>5',
    '>=5',
    '4-6',
    '4<>6',
    '5-7',
    '!4-6',
    '!5-7',
    '0x5',
  ];
  expect(fires('dns.opcode', conditions, [5n], 1)).toEqual([
    '5',
    '=5',
    '<=5',
    '>=5',
    '4-6',
    '4<>6',
    '!5-7',
    '0x5',
  ]);
});

test('masks', () => {
  const conditions = ['&0xc0=0x80', '&0xc0!=0x80', '&0xc0=0', '&0xc0 != 0x40', '& 0x3 = 0x1'];
  expect(fires('dns.opcode', conditions, [0x81n], 1)).toEqual(['&0xc0=0x80', '&0xc0 != 0x40', '& 0x3 = 0x1']);
});

test('names and flags', () => {
  expect(fires('dns.opcode', ['notify', '!NOTIFY', 'query', '!Query'], [4n], 1)).toEqual([
    'notify',
    '!Query',
  ]);
  const flags = ['retain', 'retain,!dup', 'retain, dup', '!retain', 'HIGH,!dup', '0x8001', '>=0x8000'];
  expect(fires('dns.flags', flags, [0x8001n], 2)).toEqual([
    'retain',
    'retain,!dup',
    'HIGH,!dup',
    '0x8001',
    '>=0x8000',
  ]);
});

test('64 bits are exact', () => {
  const value = 0x20000000000001n;
  const conditions = ['9007199254740993', '9007199254740992', '>9007199254740992', '>9007199254740993'];
  expect(fires('file.size', conditions, [value], 8)).toEqual(['9007199254740993', '>9007199254740992']);
  expect(
    fires('file.size', ['0xffffffffffffffff', '>0xfffffffffffffffe'], [(1n << 64n) - 1n], 8),
  ).toHaveLength(2);
  expect(fires('file.size', ['2kb', '2KiB', '1mb'], [2048n], 8)).toEqual(['2kb', '2KiB']);
});

test('one of several, all of them, or the one at a place', () => {
  const conditions = [
    '2',
    '2,any',
    '2,0',
    '2,1',
    '2,-1',
    '>0,all',
    '>1,all',
    '>1,nb>1',
    '>2,nb 1',
    '9,oob_or 7',
  ];
  expect(fires('dns.rrtype', [...conditions, 'count 3', 'count >3'], [1n, 2n, 3n], 2)).toEqual([
    '2',
    '2,any',
    '2,1',
    '>0,all',
    '>1,nb>1',
    '>2,nb 1',
    '9,oob_or 7',
    'count 3',
  ]);
});

test('each condition may be met by another occurrence', () => {
  const harness = new Harness('alert dns any any -> any any (dns.rrtype:1; dns.rrtype:3; sid:1;)');
  const of = (...values: bigint[]) =>
    new TestTransaction().set(
      'dns.rrtype',
      values.map((value) => bytes(value, 2)),
    );
  expect(harness.transaction(of(3n, 2n, 1n), 1, 0, 'dns')).toEqual([1]);
  expect(harness.transaction(of(3n, 2n), 1, 0, 'dns')).toEqual([]);
});

test.each([
  ['dns.opcode:256', /larger than 255/],
  ['dns.opcode:<0', /no number is/],
  ['dns.opcode:>=0', /every number is/],
  ['dns.opcode:4-5', /no number lies between/],
  ['dns.opcode:&1=2', /has bits that are not in/],
  ['dns.opcode:&0x40', /neither a number nor a name/],
  ['dns.opcode:unheard', /neither a number nor a name/],
  ['dns.flags:retain,unheard', /neither a number nor a name/],
  ['dns.rrtype:1,sideways', /not a place in the list/],
  ['dns.opcode', /needs a value/],
])('%s is refused', (option, message) => {
  const { failed } = compileText(`alert dns any any -> any any (${option}; sid:1;)`);
  expect(failed).toHaveLength(1);
  expect(failed[0].error.message).toMatch(message);
});
