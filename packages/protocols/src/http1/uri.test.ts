import { Random, rounds, testSeed } from '../../testing/random';
import {
  DEFAULT_URI_NORMALIZATION,
  endOfHost,
  isNormalUri,
  isValidHost,
  parsePort,
  type UriNormalization,
  UriParts,
  writeNormalUri,
} from './uri';

const bytesOf = (text: string) => Buffer.from(text, 'latin1');

function normal(target: string, how: Partial<UriNormalization> = {}): string {
  const bytes = bytesOf(target);
  const parts = new UriParts();
  parts.parse(bytes, 0, bytes.length);
  const out = new Uint8Array(bytes.length + 2);
  const end = writeNormalUri(bytes, parts, out, 0, { ...DEFAULT_URI_NORMALIZATION, ...how });
  return Buffer.from(out.subarray(0, end)).toString('latin1');
}

test.each([
  ['/', '/'],
  ['/a/b/c/./../../g', '/a/g'],
  ['/../../../images.gif', '/images.gif'],
  ['mid/content=5/../6', 'mid/6'],
  ['./one', 'one'],
  ['../one', 'one'],
  ['.', ''],
  ['..', ''],
  ['one/.', 'one'],
  ['one/..', ''],
  ['one/../', ''],
  ['/a/./', '/a'],
  ['/a//b///c', '/a/b/c'],
  ['/a\\b\\..\\c', '/a/c'],
  ['/%2e%2e/%2E./x', '/x'],
  ['/a%2fb%5cc', '/a/b/c'],
  ['/%252e', '/%2e'],
  ['/%u002e%u002e%u2215x', '/x'],
  ['/%uff0e%uff0e%uff0fetc', '/etc'],
  ['/%c0%af%c0%ae%c0%ae%c0%afx', '/x'],
  ['/%e0%80%af', '//'],
  ['/caf%c3%a9', '/caf\xe9'],
  ['/%c4%80', '/A'],
  ['/%e4%b8%ad', '/?'],
  ['/%ff', '/?'],
  ['/a%00b', '/a\0b'],
  ['/%', '/%'],
  ['/%4', '/%4'],
  ['/%zz%41', '/%zzA'],
  ['/%u12', '/%u12'],
  ['/a?b//../c\\d%2f+%20', '/a?b//../c\\d/+ '],
  ['/A?x=%25%41', '/A?x=%A'],
  // Overlong forms of ASCII characters, and what only begins like them.
  ['/?%c1%a5%e0%81%b6%f0%80%81%a9l', '/?evil'],
  ['/?%c3%a9%c1%ff%c1', '/?\xc3\xa9\xc1\xff\xc1'],
  ['/?\xc1\xa5vil', '/?evil'],
  ['/a#f%41', '/a#f%41'],
  ['?q', '?q'],
  ['http://host/p/../q?r', '/q?r'],
  ['http://host', ''],
  ['http://user:pw@host:80?x', '?x'],
  ['http:///p', '/p'],
  ['*', '*'],
])('%s is %s', (target, wanted) => {
  expect(normal(target)).toBe(wanted);
  const bytes = bytesOf(target);
  if (isNormalUri(bytes, 0, bytes.length)) expect(wanted).toBe(target);
});

test.each([
  ['http://Host.example:8080/x', 'Host.example', '8080'],
  ['http://u:p@h/x', 'h', null],
  ['http://[::1]:81/', '[::1]', '81'],
  ['//h/x', null, null],
  ['/x:y', null, null],
  ['ftp:h:2', 'h', '2'],
])('host and port of %s', (target, host, port) => {
  const bytes = bytesOf(target);
  const parts = new UriParts();
  parts.parse(bytes, 0, bytes.length);
  const range = (start: number, end: number) => (end < 0 ? null : bytes.toString('latin1', start, end));
  expect([range(parts.hostStart, parts.hostEnd), range(parts.portStart, parts.portEnd)]).toEqual([
    host,
    port,
  ]);
});

test('hosts and ports that can be', () => {
  const valid = (host: string) => isValidHost(bytesOf(host), 0, host.length);
  expect(['a', 'a-b.c_d.example', '1.2.3.4', '[::1]'].map(valid)).toEqual([true, true, true, true]);
  expect(
    ['', '.a', 'a..b', 'a b', 'a,b', '[x]', '[::1', 'a'.repeat(64), 'a.'.repeat(200)].map(valid),
  ).not.toContain(true);
  const port = (text: string) => parsePort(bytesOf(text), 0, text.length);
  expect(['1', '65535', '', '0', '65536', '8x', '000080'].map(port)).toEqual([1, 65535, -1, -1, -1, -1, -1]);
  expect(endOfHost(bytesOf('abc:1'), 0, 5)).toBe(3);
});

/** Path normalisation as RFC 3986 says it, over split segments: slow and obvious. */
function twin(path: string): string {
  const out: string[] = [];
  const segments = path.replace(/\/+/g, '/').split('/').slice(1);
  segments.forEach((segment, i) => {
    if (segment === '..') out.pop();
    else if (segment !== '.' && !(segment === '' && ['.', '..'].includes(segments[i - 1]))) out.push(segment);
  });
  return out.length === 0 ? '' : `/${out.join('/')}`;
}

test('dot segments are removed as the slow twin does it', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < rounds(2000, 20_000); round++) {
    let path = '/';
    for (let n = random.next(10); n > 0; n--)
      path += random.pick(['a', 'bc', '.', '..', '/', '/', '...', '.x']);
    if (path === '/' || /^\/+$/.test(path)) continue;
    if (normal(path) !== twin(path))
      expect({ seed, path, normal: normal(path) }).toEqual({ seed, path, normal: twin(path) });
  }
});

test('what counts as normal is normal', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < rounds(2000, 20_000); round++) {
    let target = '/';
    for (let n = random.next(8); n > 0; n--)
      target += random.pick(['a', '/', '.', '%41', '%', '\\', '?', '#', '\xe9', '+', '=']);
    const bytes = bytesOf(target);
    if (isNormalUri(bytes, 0, bytes.length) && normal(target) !== target)
      expect({ seed, uri: normal(target) }).toEqual({ seed, uri: target });
  }
});

test.each([
  ['/%252e%252e/a%2520b?%2541+', { doubleDecodePath: true }, '/../a b?%41+'],
  ['/%252e?%252541%20+', { doubleDecodeQuery: true }, '/%2e?%41 +'],
  ['/a+b?c+d', { plusIsSpace: true }, '/a+b?c d'],
  ['http://u@H:1//a?b', { includeAll: true }, 'http://u@H:1/a?b'],
  ['/a', { includeAll: true }, '/a'],
])('%s with %j is %s', (target, how, wanted) => {
  expect(normal(target, how)).toBe(wanted);
});

test('a plus is not normal where it is a space', () => {
  const bytes = bytesOf('/a+?b+');
  expect([isNormalUri(bytes, 0, 6), isNormalUri(bytes, 0, 6, true)]).toEqual([true, false]);
});
