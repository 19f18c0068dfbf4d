import { deflateSync, gzipSync } from 'node:zlib';
import { compileText, Harness, latin1, TestTransaction } from '../../testing/harness';

/** What transforms make of a buffer, found by asking for it whole. */
function becomes(options: string, input: string, expected: string): boolean {
  const hex = Buffer.from(latin1(expected)).toString('hex').replace(/../g, '$& ');
  const content = expected === '' ? 'bsize:0;' : `content:"|${hex.trim()}|"; bsize:${expected.length};`;
  const harness = new Harness(`alert http any any -> any any (http.uri; ${options} ${content} sid:1;)`);
  return harness.transaction(new TestTransaction().set('http.uri', input), 1).length > 0;
}

const binary = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

test.each([
  ['xor:"42";', '\x2a\x27', 'he'],
  ['xor:offset 1,extract 1 0;', '\x42\x2a\x27', '\x42he'],
  ['xor:offset 1,4243;', 'x\x2a\x26', 'xhe'],
  ['xor:extract 1 200;', 'abc', 'abc'],
  ['xor:offset 9,42;', 'abc', 'abc'],
  ['subslice:2;', 'abcdef', 'cdef'],
  ['subslice:-2;', 'abcdef', 'ef'],
  ['subslice:1,-3;', 'abcdef', 'bc'],
  ['subslice:5,-4;', 'abcdef', 'cde'],
  ['subslice:9;', 'abc', ''],
  ['subslice:0,9;', 'abc', ''],
  ['subslice:0,9,truncate;', 'abc', 'abc'],
  ['subslice:-9,2,truncate;', 'abc', 'ab'],
  ['subslice:0,-9,truncate;', 'abc', ''],
  ['from_base64;', 'aGVsbG8=', 'hello'],
  ['from_base64:offset 2;', 'xxaGVsbG8', 'hello'],
  ['from_base64:bytes 4, offset 2;', 'xxaGVsbG8', 'hel'],
  ['from_base64:bytes 99;', 'aGVsbG8=', 'aGVsbG8='],
  ['from_base64:offset 99;', 'aGVsbG8=', 'aGVsbG8='],
  ['from_base64;', 'aGVs!bG8', 'hel'],
  ['from_base64:mode rfc2045;', 'aGVs\r\nbG8=', 'hello'],
  ['from_base64:mode strict;', 'aGVsbG8=', 'hello'],
  ['strip_pseudo_headers;', ':method: GET\nhost: a\n:path: /\n', 'host: a\n'],
  ['header_lowercase;', 'Host: A\nX-Y: Z', 'host: A\nx-y: Z'],
  ['to_uppercase;', 'aBc', 'ABC'],
  ['strip_whitespace; to_lowercase;', 'A B\tC', 'abc'],
  ['domain;', 'www.example.co.uk', 'example.co.uk'],
  ['domain;', 'co.uk', ''],
  ['tld;', 'www.example.co.uk', 'co.uk'],
  ['tld;', 'com', ''],
  ['dotprefix;', 'example.com', '.example.com'],
  ['pcrexform:"([a-z]+)!";', '12abc!34', 'abc'],
  ['pcrexform:"([a-z]+)!";', '1234', '1234'],
  ['gunzip;', binary(gzipSync('packed')), 'packed'],
  ['gunzip:max-size 3;', binary(gzipSync('packed')), 'pac'],
  ['gunzip;', 'not packed', ''],
  ['zlib_deflate:max-size 1kb;', binary(deflateSync('packed')), 'packed'],
  ['url_decode;', 'a%41+%4', 'aA %4'],
])('%s', (options, input, expected) => {
  expect(becomes(options, input, expected)).toBe(true);
});

test('what cannot be decoded is no buffer', () => {
  const harness = new Harness(
    [
      'alert http any any -> any any (http.uri; from_base64; content:!"x"; sid:1;)',
      'alert http any any -> any any (http.uri; from_base64:mode strict; content:!"x"; sid:2;)',
      'alert http any any -> any any (http.uri; from_base64; absent; sid:3;)',
    ].join('\n'),
  );
  const of = (uri: string) => harness.transaction(new TestTransaction().set('http.uri', uri), 1);
  expect(of('!!!!')).toEqual([3]);
  expect(of('aGVsbG8')).toEqual([1]);
});

test('a transform behind a content begins another buffer', () => {
  const harness = new Harness(
    'alert http any any -> any any (http.uri; content:"AB"; to_lowercase; content:"ab"; sid:1;)',
  );
  expect(harness.transaction(new TestTransaction().set('http.uri', 'AB'), 1)).toEqual([1]);
});

test.each([
  ['xor:"4"', /key of 1 to 255 bytes/],
  ['xor:extract 0 0', /1 to 255 bytes/],
  ['subslice:1,0', /leaves nothing/],
  ['subslice:1,2,3', /takes an offset/],
  ['from_base64:mode loose', /there is no mode/],
  ['from_base64:bytes 1, bytes 2', /stands twice/],
  ['gunzip:max-size 0', /leaves nothing/],
  ['gunzip:fast', /takes "max-size"/],
  ['pcrexform:"abc"', /exactly one group/],
  ['pcrexform:"(a)(b)"', /exactly one group/],
  ['luaxform:x.lua', /scripts are not run/],
])('%s is refused', (option, message) => {
  const { failed } = compileText(`alert http any any -> any any (http.uri; ${option}; content:"a"; sid:1;)`);
  expect(failed.map(({ error }) => error.message)).toEqual([expect.stringMatching(message)]);
});
