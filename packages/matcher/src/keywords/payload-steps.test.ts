/** Keywords that look at places of a buffer: numbers, base64, ASN.1, entropy. */

import { compileText, Harness, TestTransaction } from '../../testing/harness';

/** The conditions that match a payload. */
function matching(
  payload: string,
  conditions: readonly string[],
  header = 'udp any any -> any any',
): string[] {
  const rules = conditions.map((condition, i) => `alert ${header} (${condition} sid:${i + 1};)`);
  const harness = new Harness(rules.join('\n'));
  const fired = harness.packet({ protocol: 17, payload });
  return conditions.filter((_, i) => fired.includes(i + 1));
}

const allMatch = (payload: string, conditions: readonly string[]) =>
  expect(matching(payload, conditions)).toEqual(conditions);
const noneMatches = (payload: string, conditions: readonly string[]) =>
  expect(matching(payload, conditions)).toEqual([]);

test('byte_math calculates in 64 bits', () => {
  const at = (rest: string) => `content:"|05|"; ${rest} content:"X"; distance:n; within:1;`;
  allMatch('\x05aaaaaaaX', [
    at('byte_math:bytes 1, offset -1, oper +, rvalue 2, result n, relative;'),
    at('byte_math:bytes 1, offset 0, oper +, rvalue 2, result n;'),
    at(
      'byte_math:bytes 1, offset 0, oper <<, rvalue 1, result m; byte_math:bytes 1, offset 0, oper +, rvalue 2, result n;',
    ),
  ]);
  allMatch('\x0e X12', [
    'byte_math:bytes 1, offset 0, oper /, rvalue 7, result n; content:"X"; offset:n; depth:1;',
    'byte_math:bytes 1, offset 0, oper -, rvalue 12, result n; content:"X"; offset:n; depth:1;',
    'byte_math:bytes 1, offset 0, oper >>, rvalue 2, result k; byte_test:1,>,k,0;',
    'byte_math:bytes 2, offset 3, oper *, rvalue 2, result k, string dec; byte_test:1,<,k,0;',
    'byte_math:bytes 1, offset 0, oper +, rvalue 0, result k, bitmask 0x0c; content:"2"; offset:k; depth:2;',
  ]);
  noneMatches('\x00', ['byte_math:bytes 1, offset 0, oper -, rvalue 1, result n; byte_test:1,>=,n,0;']);
  // A division by an extracted 0 is no match, and no error.
  noneMatches('\x00\x05', ['byte_extract:1,0,z; byte_math:bytes 1, offset 1, oper /, rvalue z, result n;']);
});

test('byte_test, byte_jump and byte_extract share their words', () => {
  allMatch('\x00\x00\x00\x08abcdX___', [
    'byte_jump:4,0,post_offset -4; content:"X"; distance:0; within:1;',
    'byte_jump:1,3,multiplier 2,from_beginning,post_offset -8; content:"X"; within:1;',
    'byte_jump:1,3,from_end,post_offset -12; content:"X"; within:1;',
    'byte_test:1,=,1,3,bitmask 0x08;',
    'byte_test:4,!=,9,0,big;',
    'byte_test:4,=,134217728,0,little;',
    'byte_test:1,!&,1,3;',
    'byte_test:1,^,1,3;',
    'byte_extract:1,3,n,multiplier 1,align 4; content:"X"; offset:n; depth:1;',
    'byte_extract:1,3,n; isdataat:n; isdataat:!13;',
    'content:"abcd"; byte_jump:0,0,relative,post_offset -4; content:"abcd"; within:4;',
  ]);
  // A jump to the end of the buffer, or behind it, is none.
  noneMatches('\x00\x00\x00\x08abcdX___', ['byte_jump:4,0;', 'byte_jump:4,0,post_offset 1;']);
  allMatch('0x1F', ['byte_test:4,=,31,0,string,hex;', 'byte_test:0,=,31,0,string,hex;']);
});

test('base64_decode stands before base64_data, which decides', () => {
  allMatch('x=aGVsbG8gd29ybGQ=;', [
    'content:"x="; base64_decode:relative; base64_data; content:"hello"; startswith; content:"world"; distance:1; within:5;',
    'base64_decode:bytes 8, offset 2; base64_data; content:"hello"; content:!"world"; isdataat:!6;',
    'content:"x="; base64_decode:relative;',
  ]);
  noneMatches('x=aGVsbG8gd29ybGQ=;', [
    'content:"x="; base64_decode:relative; base64_data; content:"world"; startswith;',
    'base64_decode:bytes 8, offset 2; base64_data; content:"world";',
    'base64_decode:offset 99; base64_data; content:"hello";',
    'content:"="; base64_decode:relative,offset 14; base64_data; content:"h";',
  ]);
});

test('what counts from a content looks at the buffer of that content', () => {
  const harness = new Harness(
    [
      'alert http any any -> any any (content:"arg="; http_uri; base64_decode:relative; base64_data; content:"hello"; sid:1;)',
      'alert http any any -> any any (content:"arg="; http_uri; isdataat:5,relative; sid:2;)',
      'alert http any any -> any any (content:"arg="; http_uri; isdataat:20,relative; sid:3;)',
      'alert http any any -> any any (uricontent:"arg="; byte_test:1,=,0x61,0,relative; sid:4;)',
      'alert http any any -> any any (content:"arg="; http_uri; pcre:"/^aGV/R"; sid:5;)',
    ].join('\n'),
  );
  const request = new TestTransaction().set('http.uri', '/?arg=aGVsbG8');
  expect(harness.transaction(request, 1)).toEqual([1, 2, 4, 5]);
});

test('a number that may not follow is looked for behind every occurrence', () => {
  allMatch('fix this and fix this now', [
    'content:"fix"; content:"this"; within:6; content:!"and"; distance:0;',
  ]);
});

test('objects of ASN.1 that overrun their decoders', () => {
  const long = (tag: string, length: number, first: string) =>
    `${tag}\x82${String.fromCharCode(length >> 8, length & 255)}${first}${'A'.repeat(length - 1)}`;
  allMatch(`..${long('\x09', 300, '\x00')}`, [
    'asn1:double_overflow, absolute_offset 2;',
    'content:".."; asn1:double_overflow, relative_offset 0;',
    'asn1:oversize_length 299, absolute_offset 2;',
  ]);
  noneMatches(`..${long('\x09', 300, '\x00')}`, [
    'asn1:bitstring_overflow, absolute_offset 2;',
    'asn1:oversize_length 300, absolute_offset 2;',
    'asn1:double_overflow, absolute_offset 900;',
  ]);
  // A sequence with a bit string of one byte that says seventy bits of it are unused.
  allMatch('\x30\x04\x03\x02\x46A', ['asn1:bitstring_overflow;']);
  noneMatches('\x30\x04\x03\x02\x07A', ['asn1:bitstring_overflow, double_overflow, oversize_length 100;']);
  // Lengths that go nowhere end the walk.
  noneMatches(`${'\x30\x80'.repeat(300)}\xff\xff\xff`, ['asn1:bitstring_overflow;']);
});

test('entropy of bytes', () => {
  allMatch('abcdefgh', [
    'entropy:value =3;',
    'entropy:value >2.9;',
    'entropy:value 2-4;',
    'entropy:bytes 4, value =2;',
    'entropy:offset 4, value <=2;',
    'entropy:value !4-5;',
    'entropy:value !=4;',
  ]);
  noneMatches('aaaa', ['entropy:value >0;', 'entropy:offset 9, value >=0;']);
});

test('buffers that are not there', () => {
  const harness = new Harness(
    [
      'alert http any any -> any any (flow:to_server; http.user_agent; absent; sid:1;)',
      'alert http any any -> any any (flow:to_server; http.user_agent; absent:or_else; content:"good"; sid:2;)',
      'alert http any any -> any any (flow:to_server; http.user_agent; content:!"good"; sid:3;)',
      'alert http any any -> any any (flow:to_server; http.uri; content:"/"; http.user_agent; absent; sid:4;)',
    ].join('\n'),
  );
  const of = (agent: string | null) => {
    const request = new TestTransaction().set('http.uri', '/');
    return harness.transaction(agent === null ? request : request.set('http.user_agent', agent), 2);
  };
  expect(of(null)).toEqual([1, 2, 4]);
  expect(of('good')).toEqual([2]);
  expect(of('bad')).toEqual([3]);
});

test('expressions may go without quotes, and name their groups', () => {
  allMatch('abc', [
    'pcre:/B./i;',
    'pcre:"/(?P<flow_x>b)c/";',
    'pcre:"/(b)(c)/, flow:one, pkt:two";',
    'pcre:!/x/;',
  ]);
});

test.each([
  ['byte_math:bytes 1, offset 0, oper +, rvalue 1', /needs "result"/],
  ['byte_math:bytes 1, offset 0, oper %, rvalue 1, result n', /is not an operator/],
  ['byte_math:bytes 1, offset 0, oper /, rvalue 0, result n', /divides by 0/],
  ['byte_math:bytes 11, offset 0, oper +, rvalue 1, result n', /between 1 and 10|is not between/],
  ['byte_math:bytes 1, offset 0, oper +, rvalue 1, result n, string', /needs hex, dec or oct/],
  ['byte_math:bytes 1, offset 0, oper +, rvalue 1, result n, sideways', /unknown word/],
  ['byte_test:1,=,1,0,hex', /is for "string"/],
  ['byte_test:1,=,1,0,big,little', /exclude each other/],
  ['byte_test:1,=,1,0,multiplier 2', /unknown word/],
  ['byte_jump:1,0,relative,relative', /stands twice/],
  ['byte_test:2,=,1,0,dce', /protocol dcerpc is not supported yet/],
  ['base64_data', /needs a base64_decode/],
  ['base64_decode:sideways', /unknown word/],
  ['base64_decode; base64_data; content:"a"; fast_pattern', /cannot be set on base64_data/],
  ['asn1:absolute_offset 1', /needs something to look for/],
  ['asn1:bitstring_overflow, absolute_offset 1, relative_offset 1', /takes one offset/],
  ['asn1:sideways', /unknown word/],
  ['entropy:offset 1', /needs "value"/],
  ['entropy:value >9', /from 0 to 8/],
  ['absent', /needs a sticky buffer/],
  ['pcre:"/a/, name"', /is not flow:name/],
])('%s is refused', (option, message) => {
  const { failed } = compileText(`alert udp any any -> any any (${option}; sid:1;)`);
  expect(failed.map(({ error }) => error.message)).toEqual([expect.stringMatching(message)]);
});

test('absent stands right behind its buffer', () => {
  const { failed } = compileText('alert http any any -> any any (http.uri; content:"a"; absent; sid:1;)');
  expect(failed[0].error.message).toMatch(/right behind a sticky buffer/);
});
