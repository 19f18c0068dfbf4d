import { Harness } from '../../testing/harness';

const call = '\0\0\0\x01\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x03\0\0\0\x11';
const conditions = [
  '100003,3,17',
  '100003,*,17',
  '100003,3,*',
  '100003',
  '100003,2,*',
  '100000,*,*',
  '100003,*,18',
];

test.each([
  ['UDP', 17, call],
  ['TCP', 6, `\x80\0\0\x18${call}`],
])('calls over %s', (_, protocol, payload) => {
  const rules = conditions.map((each, i) => `alert ip any any -> any any (rpc:${each}; sid:${i + 1};)`);
  const harness = new Harness(rules.join('\n'));
  expect(harness.packet({ protocol, payload })).toEqual([1, 2, 3, 4]);
  expect(harness.packet({ protocol, payload: payload.slice(0, -1) })).toEqual([]);
});
