import { addressGroups, addressOfLine } from './ban-file';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['  2001:db8::/32\r', '2001:db8::/32'],
  ['192.0.2.0/24 ; SBL1', '192.0.2.0/24'],
  ['192.0.2.1,malware', '192.0.2.1'],
  ['# a remark', null],
  ['; another', null],
  ['', null],
  ['nonsense here', 'nonsense'],
])('%p has %p', (line, address) => {
  expect(addressOfLine(line)).toBe(address);
});

async function* pieces(...texts: string[]) {
  yield* texts;
}

test('lines are put together, and go in groups', async () => {
  const groups: string[][] = [];
  for await (const group of addressGroups(pieces('192.0', '.2.1\n#x\n192.0.2.2\n', '192.0.2.', '3')))
    groups.push(group);
  expect(groups).toEqual([['192.0.2.1', '192.0.2.2', '192.0.2.3']]);
  const many = Array.from({ length: 40_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  const sizes: number[] = [];
  const seen: string[] = [];
  for await (const group of addressGroups(pieces(many.join('\n')))) {
    sizes.push(group.length);
    seen.push(...group);
  }
  expect(Math.max(...sizes)).toBeLessThanOrEqual(16_384);
  expect(seen).toEqual(many);
});

test('a line without an end is cut, and takes no memory', async () => {
  const groups: string[][] = [];
  for await (const group of addressGroups(
    pieces('192.0.2.9 ', ...Array.from({ length: 50 }, () => 'x'.repeat(1000))),
  ))
    groups.push(group);
  expect(groups).toEqual([['192.0.2.9']]);
});
