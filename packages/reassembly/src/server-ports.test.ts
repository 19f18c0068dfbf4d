import { comesFromServer } from './server-ports';

test.each([
  ['a well-known port', 80, 50_000, true],
  ['a client of one', 50_000, 80, false],
  ['a registered port that is the higher one', 44_818, 3033, true],
  ['its client', 3033, 44_818, false],
  ['two well-known ports: the first is the client', 53, 80, false],
  ['two others: the lower one serves', 4000, 5000, true],
  ['… and the higher one asks', 5000, 4000, false],
])('%s', (_, source, destination, expected) => {
  expect(comesFromServer(source, destination)).toBe(expected);
});
