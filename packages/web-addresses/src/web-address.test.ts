import { WebAddress } from './web-address';

function normal(url: string | Uint8Array): string | null {
  const address = new WebAddress();
  const bytes = Buffer.from(url);
  return address.readUrl(bytes, 0, bytes.length) ? address.text : null;
}

test.each([
  ['http://Example.COM/', 'example.com'],
  ['example.com.', 'example.com'],
  ['https://user:secret@example.com:443/', 'example.com'],
  ['http://example.com:80', 'example.com'],
  ['http://example.com:8080/a', 'example.com:8080/a'],
  ['http://example.com/a/b/../c/./d/', 'example.com/a/c/d'],
  ['http://example.com/../../x', 'example.com/x'],
  ['http://example.com//a///b', 'example.com/a/b'],
  ['http://example.com/%61%2fb', 'example.com/a/b'],
  ['http://example.com/%2E%2e/x', 'example.com/x'],
  ['http://example.com/a%20b%3fc%23%25', 'example.com/a%20b%3Fc%23%25'],
  ['http://example.com/a?Q=%41#top', 'example.com/a?Q=A'],
  ['http://example.com?x=1', 'example.com?x=1'],
  ['http://example.com/A', 'example.com/A'],
  ['http://example.com/%', 'example.com/%'],
  ['http://example.com/%zz%4', 'example.com/%zz%4'],
  ['http://bücher.example/', 'xn--bcher-kva.example'],
  ['http://ex%61mple.com/', 'example.com'],
  ['http://192.0.2.1/', '192.0.2.1'],
  ['http://0xC0.0.2.1/', '192.0.2.1'],
  ['http://3221225985/', '192.0.2.1'],
  ['http://0300.0.513/', '192.0.2.1'],
  ['http://[2001:DB8:0::1]:8443/x', '[2001:db8::1]:8443/x'],
  ['http://a_b.example', 'a_b.example'],
])('%s is %s', (url, want) => expect(normal(url)).toBe(want));

test.each([
  '',
  'http://',
  'http:///path',
  'http://.example.com/',
  'http://a..b/',
  'http://a b/',
  'http://example.com:99999/',
  'http://example.com:8x/',
  'http://[2001:db8::1/',
  'http://1.2.3.4.5/',
  'http://256.1.1.1/',
  `http://${'a'.repeat(64)}.com/`,
  `http://${'a.'.repeat(130)}com/`,
])('%j is none', (url) => expect(normal(url)).toBeNull());

/** Where labels and segments begin, found by splitting the text; null: as the address says. */
function wrongParts(address: WebAddress): string | null {
  const host = Buffer.from(address.host.subarray(0, address.hostEnd)).toString('latin1');
  const labels = [...host.split('.').keys()].map((label) => host.split('.').slice(0, label).join('.').length);
  const starts = host === '' ? [] : labels.map((length, label) => (label === 0 ? 0 : length + 1));
  const path = Buffer.from(address.path.subarray(0, address.pathEnd)).toString('latin1');
  const segments = [...path.matchAll(/\//g)].map(({ index }) => index);
  const want = [starts, [...segments, path.length]];
  const got = [
    [...address.labelStarts.subarray(0, address.labels)],
    [...address.segmentStarts.subarray(0, address.segments + 1)],
  ];
  return JSON.stringify(want) === JSON.stringify(got) ? null : `${host}${path}: ${got}, not ${want}`;
}

test.each([
  'http://a.bc.example/',
  'example.com',
  'http://%61..b/x',
  'http://192.0.2.1/a/b/',
  'http://[2001:db8::1]:8443/x/y',
  'http://example.com//a/./b/../c//d/',
  'http://example.com/%61%2fb/',
  'http://example.com/a/b?c/d',
  'http://example.com/',
  `http://example.com/${'a/'.repeat(5000)}`,
])('where labels and segments of %s begin', (url) => {
  const address = new WebAddress();
  const bytes = Buffer.from(url);
  expect(address.readUrl(bytes, 0, bytes.length)).toBe(true);
  expect(wrongParts(address)).toBeNull();
});

test('a path that is too long is cut, and says so', () => {
  const address = new WebAddress();
  const bytes = Buffer.from(`example.com/${'a/'.repeat(5000)}`);
  expect(address.readUrl(bytes, 0, bytes.length)).toBe(true);
  expect(address.cut).toBe(true);
});

test('any bytes are read without an error', () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  let state = seed;
  const address = new WebAddress();
  for (let round = 0; round < 20_000; round++) {
    const bytes = new Uint8Array(round % 40);
    for (let at = 0; at < bytes.length; at++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes[at] = (state >>> 24) & (round % 2 ? 0x7f : 0xff);
    }
    try {
      address.readUrl(bytes, 0, bytes.length);
      address.readTarget(bytes, 0, bytes.length);
      if (!(address.hostEnd <= 253 && address.pathEnd <= address.queryEnd))
        throw new Error(
          `host to ${address.hostEnd}, path to ${address.pathEnd}, query to ${address.queryEnd}`,
        );
      const wrong = wrongParts(address);
      if (wrong !== null) throw new Error(wrong);
    } catch (error) {
      throw new Error(`SEED=${seed}, round ${round}: ${(error as Error).message}`);
    }
  }
});

test('a path has one normal form, however many passes it takes to find it', () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  let state = seed;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % limit;
  };
  for (let round = 0; round < 5000; round++) {
    const letters = Array.from({ length: below(9) }, () => 'ab/./?#'[below(7)] as string);
    const written = `http://example.com/x${letters.join('')}`;
    // The same in other words, which cannot be read in one pass.
    const other = written.replace('/x', '/%78');
    // Asked first: `expect` takes longer than what is tested.
    const [one, two] = [normal(written), normal(other)];
    if (one !== two) expect([seed, written, one]).toEqual([seed, written, two]);
  }
});

test('the target of a request: path, whole address, authority', () => {
  const address = new WebAddress();
  const target = (text: string) => {
    const bytes = Buffer.from(text);
    address.readTarget(bytes, 0, bytes.length);
    return Buffer.from(address.path.subarray(0, address.queryEnd)).toString();
  };
  expect(target('/a/b?c')).toBe('/a/b?c');
  expect(target('http://example.com/a?c')).toBe('/a?c');
  expect(target('http://example.com')).toBe('');
  expect(target('example.com:443')).toBe('');
  expect(target('*')).toBe('');
});
