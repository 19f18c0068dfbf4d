import { isEveryPort, normalisePorts } from './ports';

describe('normalisePorts', () => {
  test('sorts and merges', () => {
    const ports = [
      { first: 443, last: 443 },
      { first: 80, last: 90 },
      { first: 85, last: 86 },
      { first: 91, last: 100 },
    ];
    expect(normalisePorts(ports)).toEqual([
      { first: 80, last: 100 },
      { first: 443, last: 443 },
    ]);
  });

  test('any is everything, nothing is nothing', () => {
    expect(normalisePorts('any')).toEqual([{ first: 0, last: 65535 }]);
    expect(normalisePorts([])).toEqual([]);
  });

  test.each([
    [-1, 5],
    [5, 4],
    [0, 65536],
    [1.5, 2],
    [Number.NaN, 2],
  ])('%p-%p is refused', (first, last) => {
    expect(() => normalisePorts([{ first, last }])).toThrow(
      expect.objectContaining({ code: 'PORTS_INVALID' }),
    );
  });
});

test('every port is selected however it is said', () => {
  expect(isEveryPort('any')).toBe(true);
  expect(
    isEveryPort([
      { first: 1000, last: 65535 },
      { first: 0, last: 999 },
    ]),
  ).toBe(true);
  expect(isEveryPort([{ first: 1, last: 65535 }])).toBe(false);
  expect(isEveryPort([])).toBe(false);
});
