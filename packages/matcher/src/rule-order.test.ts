import { Harness } from '../testing/harness';
import { type ActionOrder, STANDARD_ACTION_ORDER } from './rule-order';

const RULES = [
  'alert tcp any any -> any any (content:"x"; sid:1;)',
  'rejectboth tcp any any -> any any (content:"x"; sid:2;)',
  'drop tcp any any -> any any (content:"x"; sid:3;)',
  'pass tcp any any -> any any (content:"x"; sid:4;)',
].join('\n');

test.each<[ActionOrder, number[]]>([
  [STANDARD_ACTION_ORDER, [4]],
  [
    ['drop', 'pass', 'reject', 'alert'],
    [3, 4],
  ],
  [
    ['alert', 'reject', 'drop', 'pass'],
    [1, 2, 3, 4],
  ],
])('rules come in the order of their actions, and a pass ends it: %j', (actionOrder, expected) => {
  const harness = new Harness(RULES, {}, { actionOrder });
  expect(harness.packet({ payload: 'x' })).toEqual([]);
  expect(harness.stream('x')).toEqual(expected);
});
