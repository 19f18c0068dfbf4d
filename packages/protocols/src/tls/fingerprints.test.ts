import {
  clientHello,
  type ExtensionBytes,
  groups,
  type HelloFields,
  pointFormats,
  protocols,
  serverHello,
  serverName,
  signatureAlgorithms,
  supportedVersions,
} from '../../testing/tls/messages';
import { ja3Hash, ja3Text, ja4, writeJa3 } from './fingerprints';
import { Hello } from './hello';

function helloOf(fields: HelloFields, client = true): Hello {
  const bytes = client ? clientHello(fields) : serverHello(fields);
  const hello = new Hello();
  expect(hello.read(bytes, 0, bytes.length, client, { fault() {} })).toBe(true);
  return hello;
}

const empty = (type: number): ExtensionBytes => [type, Buffer.alloc(0)];

test('JA3 of the published example', () => {
  const text = ja3Text(
    helloOf({
      version: 769,
      ciphers: [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
      extensions: [serverName('a'), groups([23, 24, 25]), pointFormats([0])],
    }),
  );
  expect(text).toBe('769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0');
  expect(ja3Hash(text)).toBe('ada70206e40642a3e4461f35503241d5');
});

test('JA3 without extensions, without values that mean nothing, and of servers', () => {
  expect(ja3Text(helloOf({ version: 769, ciphers: [4, 5] }))).toBe('769,4-5,,,');
  const greased = helloOf({
    ciphers: [0x0a0a, 0x1301],
    extensions: [empty(0xfafa), groups([0x2a2a, 29]), empty(0x1a1a)],
  });
  expect(ja3Text(greased)).toBe('771,4865,10,29,');
  const server = helloOf(
    { version: 769, ciphers: [47], extensions: [empty(65281), empty(0), empty(11)] },
    false,
  );
  expect(ja3Text(server)).toBe('769,47,65281-0-11');
});

test('JA3 of hellos that come again, and of others with the same numbers elsewhere', () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  let state = seed;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
  // Few numbers, so that lists are confused where their ends are.
  const numbers = (most: number) =>
    Array.from({ length: below(most) }, () => [0, 1, 2, 10, 11, 0x0a0a][below(6)]);
  for (let round = 0; round < 3000; round++) {
    const extensions = Array.from(
      { length: below(4) },
      () =>
        [
          groups(numbers(4)),
          pointFormats(numbers(3).map((n) => n & 255)),
          empty(below(13)),
          empty(10),
          empty(0x1a1a),
        ][below(5)],
    );
    const hello = helloOf({ ciphers: numbers(4), extensions }, true);
    if (ja3Text(hello) !== writeJa3(hello))
      throw new Error(`seed ${seed}, round ${round}: ${ja3Text(hello)}`);
  }
  const many = helloOf({ ciphers: Array.from({ length: 2000 }, (_, i) => i) });
  expect(ja3Text(many)).toBe(writeJa3(many));
  const more = helloOf({ ciphers: Array.from({ length: 2001 }, (_, i) => i) });
  expect(ja3Text(more)).toBe(writeJa3(more));
});

test('JA4 of the published example', () => {
  const hello = helloOf({
    ciphers: [
      0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c,
      0x9d, 0x2f, 0x35,
    ],
    extensions: [
      empty(0x0a0a),
      empty(0x001b),
      serverName('example.org'),
      empty(0x0033),
      protocols(['h2', 'http/1.1']),
      empty(0x4469),
      empty(0x0017),
      empty(0x002d),
      signatureAlgorithms([0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]),
      empty(0x0005),
      empty(0x0023),
      empty(0x0012),
      supportedVersions([0x0304, 0x0303]),
      empty(0xff01),
      pointFormats([0]),
      groups([29]),
      empty(0x0015),
    ],
  });
  expect(ja4(hello, false)).toBe('t13d1516h2_8daaf6152771_e5627efa2ab1');
  expect(ja4(hello, true)).toMatch(/^q13d1516h2_/);
});

test('JA4 of a hello with nothing in it', () => {
  expect(ja4(helloOf({ version: 0x0302, ciphers: [] }), false)).toBe('t11i000000_e3b0c44298fc_d2e2adf7177b');
});
