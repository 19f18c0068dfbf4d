import { LiveClock } from './live-clock';

const START = 1_700_000_000_000;
const DAY = 86_400_000;

test.each([
  ['forward', DAY],
  ['back', -DAY],
])('a system clock that is set %s changes what is told, and nothing that is counted', (_, jump) => {
  let steady = 5000.25;
  let wall = START;
  const clock = new LiveClock(
    () => steady,
    wall - steady,
    () => wall,
  );
  const before = clock.micros(steady);
  expect(before).toBe(START * 1000);
  expect(clock.timeOfDay(before)).toBe(START * 1000);
  steady += 3000;
  wall += 3000 + jump;
  clock.compare();
  // A worker that comes later counts by the same time, and tells the new one at once.
  const later = new LiveClock(
    () => steady,
    START - 5000.25,
    () => wall,
  );
  expect([later.micros(steady), later.timeOfDay(later.micros(steady))]).toEqual([
    clock.micros(steady),
    wall * 1000,
  ]);
  const after = clock.micros(steady);
  expect(after - before).toBe(3_000_000);
  expect(clock.timeOfDay(after)).toBe(wall * 1000);
});
