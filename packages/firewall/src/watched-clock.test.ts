import { WatchedClock } from './watched-clock';

test('tells when and by how much the wall clock was set, and not of time that passes', () => {
  let wall = 1_700_000_000_000;
  let steady = 500;
  const told: number[] = [];
  const clock = new WatchedClock({ now: () => wall, monotonic: () => steady }, (by) => told.push(by));
  const pass = (milliseconds: number, set = 0): void => {
    steady += milliseconds;
    wall += milliseconds + set;
    expect([clock.now(), clock.monotonic()]).toEqual([wall, steady]);
  };
  pass(3_600_000);
  pass(10, 2000);
  pass(10, -2000);
  expect(told).toEqual([]);
  pass(60_000, 86_400_000);
  pass(60_000, -3001);
  pass(60_000);
  expect(told).toEqual([86_400_000, -3001]);
});
