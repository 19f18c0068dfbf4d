import { isIP } from 'node:net';
import { LocalGuard, localRefusal } from './guards';
import { banRefusal, Prefix } from './prefix';

function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

/** Thousands of times in a test, where `expect` would take longer than what is tested. */
function same(got: string, wanted: string, where: string): void {
  if (got !== wanted) expect({ where, got }).toEqual({ where, got: wanted });
}

function bytesOf({ family, w0, w1, w2, w3 }: Prefix): number[] {
  const words = family === 4 ? [w0] : [w0, w1, w2, w3];
  return words.flatMap((word) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 255));
}

describe('Prefix', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.77/24', '192.0.2.0/24'],
    ['192.0.2.1/32', '192.0.2.1'],
    ['10.255.255.255/9', '10.128.0.0/9'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['::ffff:192.0.2.9/120', '192.0.2.0/24'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8::1:2:3:4/64', '2001:db8::/64'],
    ['2001:db8::1/128', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1::', '1::'],
    ['::192.0.2.1', '::c000:201'],
    ['::/0', '::/0'],
    ['0.0.0.0/0', '0.0.0.0/0'],
  ])('%s is %s', (text, normal) => {
    expect(Prefix.parse(text).text).toBe(normal);
    expect(Prefix.parse(normal).text).toBe(normal);
  });

  test.each([
    '',
    'x',
    '192.0.2',
    '3221225985',
    '192.0.2.1/33',
    '192.0.2.1/-1',
    '192.0.2.1/ 8',
    '192.0.2.1/08',
    '192.0.2.1/8/8',
    '192.0.2.1/',
    '2001:db8::/129',
    'fe80::1%eth0',
    '::ffff:192.0.2.1/95',
    '192.0.2.1\n',
    `${'1'.repeat(100)}`,
  ])('%p is refused', (text) => {
    expect(() => Prefix.parse(text)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }));
  });

  test('IPv6 in every way of writing it', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = generator(seed);
    for (let round = 0; round < 5000; round++) {
      const groups = Array.from({ length: 8 }, () => (random(3) === 0 ? 0 : random(65_536)));
      const words = groups.map((group) => {
        const digits = group.toString(16).padStart(random(5), '0');
        return random(2) ? digits : digits.toUpperCase();
      });
      if (random(4) === 0) {
        const [high, low] = groups.slice(6) as [number, number];
        words.splice(6, 2, `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`);
      }
      let text = words.join(':');
      // `::` for a run of zero groups, also of a single one, anywhere.
      const from = random(8);
      let to = from;
      while (to < Math.min(8, words.length) && groups[to] === 0) to++;
      if (to > from && !words.slice(from, to).some((word) => word.includes('.')))
        text = `${words.slice(0, from).join(':')}::${words.slice(to).join(':')}`;
      const bytes = bytesOf(Prefix.parse(`${text}/128`));
      const expected = groups.flatMap((group) => [group >> 8, group & 255]);
      const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
      same(`${bytes}`, `${mapped ? expected.slice(12) : expected}`, `seed ${seed}, ${text}`);
      const printed = Prefix.parse(text).text;
      const again = Prefix.parse(printed);
      same(`${again.text} ${bytesOf(again)}`, `${printed} ${bytes}`, `seed ${seed}, ${text}`);
    }
  });

  test('takes for an address what Node takes for one', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = generator(seed);
    const pieces = [
      '0',
      '1',
      '25',
      '255',
      '256',
      '01',
      'a',
      'fF',
      '00ab',
      'ffff',
      '12345',
      'g',
      ':',
      '::',
      '.',
      '',
    ];
    const known = { addresses: 0, others: 0 };
    for (let round = 0; round < 20_000; round++) {
      const separator = ['.', ':'][random(2)] as string;
      const length = separator === '.' ? 3 + random(3) : 1 + random(9);
      let text = Array.from({ length }, () => pieces[random(random(4) === 0 ? pieces.length : 4)]).join(
        separator,
      );
      if (random(3) === 0) text += `${random(2) === 0 ? ':' : '::'}1.2.${random(300)}.4`;
      if (random(3) === 0) text = `${['', '1:', '::ffff'][random(3)]}:${text}`;
      const expected = isIP(text) !== 0;
      let taken = true;
      try {
        const { text: normal } = Prefix.parse(text);
        same(Prefix.parse(normal).text, normal, `seed ${seed}, ${text}`);
      } catch {
        taken = false;
      }
      same(`${taken}`, `${expected}`, `seed ${seed}, ${JSON.stringify(text)}`);
      known[expected ? 'addresses' : 'others']++;
    }
    expect(Math.min(known.addresses, known.others)).toBeGreaterThan(1000);
  });

  test('contains: compared with a twin over bit strings', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = generator(seed);
    const bits = (prefix: Prefix): string =>
      bytesOf(prefix)
        .map((byte) => byte.toString(2).padStart(8, '0'))
        .join('')
        .slice(0, prefix.length);
    const draw = (): Prefix => {
      if (random(2)) return Prefix.parse(`10.${random(2)}.${random(2) * 128}.${random(4)}/${random(33)}`);
      const front = [['2001', '0', '20', ''][random(4)], ['db8', ''][random(2)]].filter(Boolean).join(':');
      return Prefix.parse(`${front}::${random(4)}/${random(129)}`);
    };
    for (let round = 0; round < (process.env.PORTCULLIS_LONG ? 3000 : 500); round++) {
      const a = draw();
      const b = draw();
      const expected = a.family === b.family && bits(b).startsWith(bits(a));
      if (a.contains(b) !== expected) throw new Error(`seed ${seed}: ${a.text} contains ${b.text}?`);
      if (a.containment()(b.text) !== expected) throw new Error(`seed ${seed}: ${a.text} holds ${b.text}?`);
      expect(a.widen(a.length).text).toBe(a.text);
      if (a.length > 3) expect(a.widen(3).contains(a)).toBe(true);
    }
  });
});

describe('what may not be banned', () => {
  test.each([
    ['0.0.0.0/0', 'prefix-too-wide'],
    ['128.0.0.0/1', 'prefix-too-wide'],
    ['::/0', 'prefix-too-wide'],
    ['2000::/3', 'prefix-too-wide'],
    ['224.0.0.251', 'multicast'],
    ['ff02::1', 'multicast'],
    ['169.254.1.1', 'link-local'],
    ['169.0.0.0/8', 'link-local'],
    ['fe80::1', 'link-local'],
    ['fe80::/64', 'link-local'],
    ['127.0.0.1', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['255.255.255.255', 'broadcast'],
  ])('%s: %s', (text, reason) => {
    expect(banRefusal(Prefix.parse(text))).toBe(reason);
  });

  test.each(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32', 'fd00::1', '223.255.255.255'])(
    '%s may be',
    (text) => {
      expect(banRefusal(Prefix.parse(text))).toBeUndefined();
    },
  );

  test("the host's own addresses and networks", () => {
    const shared = { mac: '00:00:00:00:00:00', internal: false };
    const interfaces = {
      eth0: [
        { ...shared, address: '192.0.2.10', netmask: '255.255.255.0', family: 'IPv4', cidr: '192.0.2.10/24' },
        {
          ...shared,
          address: 'fe80::1',
          netmask: 'ffff:ffff:ffff:ffff::',
          family: 'IPv6',
          scopeid: 2,
          cidr: 'fe80::1/64',
        },
        {
          ...shared,
          address: '2001:db8::1',
          netmask: 'ffff:ffff:ffff:ffff::',
          family: 'IPv6',
          scopeid: 0,
          cidr: '2001:db8::1/64',
        },
      ] as const,
    } as unknown as Parameters<typeof localRefusal>[1];
    const refusal = (text: string) => localRefusal(Prefix.parse(text), interfaces);
    expect(refusal('192.0.2.10')).toBe('own-address');
    expect(refusal('192.0.0.0/16')).toBe('own-address');
    expect(refusal('192.0.2.128/25')).toBe('on-link-network');
    expect(refusal('2001:db8::/64')).toBe('own-address');
    expect(refusal('2001:db8::8000:0:0:0/65')).toBe('on-link-network');
    expect(refusal('192.0.2.11')).toBeUndefined();
    expect(refusal('2001:db8::2')).toBeUndefined();
    expect(refusal('2001:db8:0:1::/64')).toBeUndefined();
  });

  test('the guard asks the host it runs on', () => {
    const guard = new LocalGuard().refusal;
    expect(guard(Prefix.parse('127.0.0.1'))).toBe('own-address');
    expect(guard(Prefix.parse('192.0.2.254'))).toBeUndefined();
  });
});
