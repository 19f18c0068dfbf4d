import { UnblockedByHand } from './unblocked-by-hand';

test('remembers the last 65 536 devices at least, and twice as many at most', () => {
  const unblocked = new UnblockedByHand();
  const total = 300_000;
  for (let n = 0; n < total; n++) unblocked.note(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, n);
  let known = 0;
  for (let n = 0; n < total; n++) {
    const at = unblocked.at(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    if (at !== undefined) known++;
    if (at !== (n >= total - 65_536 ? n : at) || (at !== undefined && at !== n))
      expect([n, at]).toEqual([n, n]);
  }
  expect(known).toBeGreaterThanOrEqual(65_536);
  expect(known).toBeLessThanOrEqual(131_072);
});

test('the last unblocking counts, times move with the clock, and what is long ago is forgotten', () => {
  const unblocked = new UnblockedByHand();
  unblocked.note('192.0.2.1', 1000);
  for (let n = 0; n < 65_536; n++) unblocked.note(`2001:db8::${n.toString(16)}`, 2000);
  unblocked.note('192.0.2.1', 3000);
  expect(unblocked.at('192.0.2.1')).toBe(3000);
  expect(unblocked.at('192.0.2.2')).toBeUndefined();
  unblocked.shiftClock(500);
  expect([unblocked.at('192.0.2.1'), unblocked.at('2001:db8::7')]).toEqual([3500, 2500]);
  unblocked.forget(3000);
  expect([unblocked.at('192.0.2.1'), unblocked.at('2001:db8::7')]).toEqual([3500, undefined]);
  unblocked.forget(4000);
  expect(unblocked.at('192.0.2.1')).toBeUndefined();
});

describe('refuses a ban', () => {
  const GRACE = 30_000;
  const unblocked = new UnblockedByHand();
  unblocked.note('192.0.2.1', 100_000);
  unblocked.noteAll(50_000);

  test.each([
    ['for a packet seen before the unblocking', '192.0.2.1', 100_000, 900_000, 'unblocked-since'],
    ['for any packet in the time of grace', '192.0.2.1', 100_001, 129_999, 'grace-after-unblocking'],
    ['for nobody knows what in that time', '192.0.2.1', undefined, 129_999, 'grace-after-unblocking'],
    ['not for a later packet behind it', '192.0.2.1', 100_001, 130_000, undefined],
    [
      'of a device unnamed, for a packet seen before all were',
      '192.0.2.2',
      50_000,
      900_000,
      'unblocked-since',
    ],
    ['of such a one, not for a later packet', '192.0.2.2', 50_001, 50_002, undefined],
  ])('%s', (_, prefix, seenAt, now, reason) => {
    expect(unblocked.refusal(prefix, seenAt, now, GRACE)).toBe(reason);
  });

  test('as long as before when the clock is set back', () => {
    const all = new UnblockedByHand();
    all.noteAll(100_000_000);
    all.shiftClock(-90_000_000);
    expect(all.refusal('192.0.2.1', 10_000_000, 10_000_001, 0)).toBe('unblocked-since');
    expect(all.refusal('192.0.2.1', 10_000_001, 10_000_002, 0)).toBeUndefined();
  });
});
