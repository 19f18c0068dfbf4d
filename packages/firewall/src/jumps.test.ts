import { isOwnJump, jump, targetOf } from './jumps';

test.each([
  ['-j portcullis', 'portcullis'],
  ['-i eth0 -g portcullis_new', 'portcullis_new'],
  ['-j CONNMARK --save-mark --nfmask 0xf00000 --ctmask 0xf00000', undefined],
  ['-m comment --comment x-j -p tcp', undefined],
  ['', undefined],
])('%j leads to %j', (rule, target) => {
  expect(targetOf(rule)).toBe(target);
});

const asked = '-m set --match-set portcullis_ban6 dst ! --update-counters';

test.each([
  ['', true],
  [asked, true],
  ['-m conntrack --ctdir ORIGINAL', true],
  ['-m mark ! --mark 0x0/0xf00000', true],
  ['-m mark ! --mark 0x0/0xff', true],
  ['-i eth0', false],
  [`-i eth0 ${asked}`, false],
  [`${asked} -i eth0`, false],
  ['-m conntrack --ctdir REPLY', false],
])('a jump with the condition %j is ours: %j', (condition, ours) => {
  expect(isOwnJump(jump('portcullis_ban', condition), 'portcullis_ban')).toBe(ours);
  expect(isOwnJump(jump('portcullis_ban', condition), 'portcullis')).toBe(false);
});
