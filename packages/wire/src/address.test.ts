import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { addressBytes, formatAddress, isIpv4, parseAddress } from './address';

describe('addresses', () => {
  test.each([
    // RFC 5952 §4 and §5.
    ['2001:db8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:DB8::A', '2001:db8::a'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['fe80::192.0.2.1', 'fe80::c000:201'],
    ['64:ff9b::255.255.255.255', '64:ff9b::ffff:ffff'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['0.0.0.0', '0.0.0.0'],
  ])('%s is written %s', (text, written) => {
    const words = parseAddress(text);
    expect(words).not.toBeNull();
    expect(formatAddress(words as Uint32Array)).toBe(written);
  });

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.0x4',
    '1..2.3',
    ' 1.2.3.4',
    '1.2.3.4 ',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
    '::1.2.3',
    '::1.2.3.4:5',
    '1.2.3.4::',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:1.2.3.4',
    `${'1'.repeat(100)}::`,
  ])('%j is no address', (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test('what is written is read back, and as Node reads it', () => {
    const word = fc.oneof(fc.constantFrom(0, 0xffff, 0xffff0000, 1), fc.nat(0xffffffff));
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (values) => {
        const words = Uint32Array.from(values);
        const text = formatAddress(words);
        expect(parseAddress(text)).toEqual(words);
        expect(isIpv4(words) ? isIPv4(text) : isIPv6(text)).toBe(true);
        expect(new URL(isIpv4(words) ? 'http://[::1]' : `http://[${text}]/`).hostname).toBe(
          isIpv4(words) ? '[::1]' : `[${text}]`,
        );
      }),
    );
  });

  test('no text makes the parser fail, and it agrees with Node on what is an address', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:.'), maxLength: 20 });
    fc.assert(
      fc.property(text, (candidate) => {
        expect(parseAddress(candidate) !== null).toBe(isIPv4(candidate) || isIPv6(candidate));
      }),
      { numRuns: process.env.PORTCULLIS_LONG ? 2000 : 400 },
    );
  });

  test('bytes in network order', () => {
    expect([...addressBytes(parseAddress('192.0.2.1') as Uint32Array)]).toEqual([192, 0, 2, 1]);
    expect(Buffer.from(addressBytes(parseAddress('2001:db8::ff01') as Uint32Array)).toString('hex')).toBe(
      '20010db800000000000000000000ff01',
    );
    const table = Uint32Array.of(9, 9, 9, 9, ...(parseAddress('10.0.0.1') as Uint32Array));
    expect(formatAddress(table, 4)).toBe('10.0.0.1');
    expect([...addressBytes(table, 4)]).toEqual([10, 0, 0, 1]);
  });
});
