import { formatCount, formatDuration } from './print';

test.each([
  [0, '0s'],
  [59, '59s'],
  [3600, '1h'],
  [3725, '1h 2m'],
  [90061, '1d 1h'],
  [86401, '1d'],
])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

test('thousands are set apart', () => expect(formatCount(1234567)).toBe('1 234 567'));
