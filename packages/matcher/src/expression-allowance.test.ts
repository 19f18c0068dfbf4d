import { ExpressionAllowance } from './expression-allowance';

/** Searches of one expression that take so long each, packet after packet, for a second. */
function attack(milliseconds: number): { searching: number; skipped: number } {
  let now = 0;
  const allowance = new ExpressionAllowance(() => now);
  let slowUntil = 0;
  let searching = 0;
  while (now < 10_000) {
    const begun = allowance.begin(slowUntil);
    if (begun >= 0) {
      now += milliseconds;
      searching += milliseconds;
      slowUntil = allowance.charge(begun);
    }
    now += 0.01;
  }
  return { searching, skipped: allowance.skipped };
}

test('slow searches take a tenth of the time, and what was saved up', () => {
  const { searching, skipped } = attack(10);
  expect(searching).toBeGreaterThan(900);
  expect(searching).toBeLessThan(1200);
  expect(skipped).toBeGreaterThan(1000);
});

test('quick searches are never left out', () => {
  expect(attack(0.1).skipped).toBe(0);
});

test('an expression that was not slow is searched for while others have used up the allowance', () => {
  let now = 0;
  const allowance = new ExpressionAllowance(() => now);
  const begun = allowance.begin(0);
  now += 500;
  const slowUntil = allowance.charge(begun);
  expect(allowance.begin(slowUntil)).toBe(-1);
  expect(allowance.begin(0)).toBe(now);
  expect(allowance.skipped).toBe(1);
});

test('a slow expression is searched for again when time has been saved up', () => {
  let now = 0;
  const allowance = new ExpressionAllowance(() => now);
  const begun = allowance.begin(0);
  now += 110;
  const slowUntil = allowance.charge(begun);
  expect(allowance.begin(slowUntil)).toBeGreaterThanOrEqual(0);
  expect(allowance.charge(now - 20)).toBeGreaterThan(0);
  expect(allowance.begin(slowUntil)).toBe(-1);
  now += 300;
  expect(allowance.begin(slowUntil)).toBe(now);
});
