import { parseAddress } from './address';
import { AddressPrefixes } from './address-prefixes';

const words = (text: string) => parseAddress(text) as Uint32Array;

test('addresses are found by the bits of a prefix, of either family', () => {
  const prefixes = new AddressPrefixes(['10.1.0.0/16', '192.0.2.7', 'fd00:1::/33', '2001:db8::5']);
  for (const inside of ['10.1.0.0', '10.1.255.255', '192.0.2.7', 'fd00:1:7fff::1', '2001:db8::5'])
    expect([inside, prefixes.has(words(inside))]).toEqual([inside, true]);
  for (const outside of [
    '10.2.0.0',
    '192.0.2.6',
    'fd00:1:8000::1',
    '2001:db8::4',
    '::a01:0',
    '255.255.255.255',
  ])
    expect([outside, prefixes.has(words(outside))]).toEqual([outside, false]);
});

test('a prefix of no bits holds its own family only', () => {
  const v4 = new AddressPrefixes(['0.0.0.0/0']);
  expect(v4.has(words('203.0.113.1'))).toBe(true);
  expect(v4.has(words('2001:db8::1'))).toBe(false);
  expect(new AddressPrefixes(['::/0']).has(words('203.0.113.1'))).toBe(true);
  expect(new AddressPrefixes([]).has(words('203.0.113.1'))).toBe(false);
});

test('prefixes touch where one lies in the other', () => {
  const prefixes = new AddressPrefixes(['10.1.0.0/16', '192.0.2.7', 'fd00:1::/48', '2001:db8::5']);
  const touches = (address: string, length: number) => prefixes.touches(words(address), length);
  expect(touches('192.0.2.0', 96 + 24)).toBe(true);
  expect(touches('192.0.2.8', 96 + 30)).toBe(false);
  expect(touches('10.1.2.0', 96 + 24)).toBe(true);
  expect(touches('10.0.0.0', 96 + 8)).toBe(true);
  expect(touches('2001:db8::', 64)).toBe(true);
  expect(touches('2001:db8:0:1::', 64)).toBe(false);
  expect(touches('fd00:1:0:5::', 64)).toBe(true);
  expect(touches('fd00:2::', 48)).toBe(false);
});

test.each(['x', '10.0.0.0/33', '10.0.0.0/1/2', 'fd00::/129', '10.0.0.0/-1', ''])('%p is refused', (text) => {
  expect(() => new AddressPrefixes([text])).toThrow(RangeError);
});
