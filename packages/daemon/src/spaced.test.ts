import { spaced } from './spaced';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('is done at once, and what is asked for soon after is done together', () => {
  const action = jest.fn();
  const ask = spaced(10, action);
  ask();
  expect(action).toHaveBeenCalledTimes(1);
  ask();
  ask();
  jest.advanceTimersByTime(9);
  expect(action).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(1);
  expect(action).toHaveBeenCalledTimes(2);
  // That counts as done, too.
  ask();
  expect(action).toHaveBeenCalledTimes(2);
  jest.advanceTimersByTime(10);
  expect(action).toHaveBeenCalledTimes(3);
  jest.advanceTimersByTime(100);
  expect(action).toHaveBeenCalledTimes(3);
  ask();
  expect(action).toHaveBeenCalledTimes(4);
});
