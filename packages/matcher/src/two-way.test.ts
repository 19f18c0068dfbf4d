/** Rules with `=>`, which look at both directions of a transaction. */

import type { Direction } from '@portcullis/protocols';
import { compileText, Harness, TestTransaction } from '../testing/harness';

const CLIENT = [0, 0, 0xffff, 0x01020304];
const SERVER = [0, 0, 0xffff, 0x0a000001];

/** A request and its response, in turn; which rules fire with each. */
function exchange(rules: readonly string[], request: TestTransaction) {
  const harness = new Harness(rules.map((rule, i) => `alert http ${rule} sid:${i + 1};)`).join('\n'));
  const step = (progress: number, direction: Direction) => {
    harness.setPacket(
      direction === 0
        ? { source: CLIENT, destination: SERVER, sourcePort: 40_000, destinationPort: 80 }
        : { source: SERVER, destination: CLIENT, sourcePort: 80, destinationPort: 40_000 },
    );
    return harness.transaction(request, progress, direction);
  };
  return [step(1, 0), step(3, 0), step(1, 1), step(3, 1)];
}

const transaction = () =>
  new TestTransaction().set('http.uri', '/download').set('http.stat_code', '200').set('http.header', 'eep');

test('both sides have to match, wherever the pattern is', () => {
  const fired = exchange(
    [
      'any any => any any (http.uri; content:"/download"; http.stat_code; content:"200";',
      'any any => any any (http.uri; content:"/download"; http.stat_code; content:"404";',
      'any any => any any (http.uri; content:"/upload"; http.stat_code; content:"200";',
      'any any => any any (http.uri; content:"down"; http.stat_code; content:"200"; fast_pattern;',
      'any any => any any (http.uri; content:"up"; http.stat_code; content:"200"; fast_pattern;',
      'any any => any any (http.uri; bsize:9; http.stat_code; bsize:3;',
    ],
    transaction(),
  );
  expect(fired).toEqual([[], [], [1, 4, 6], []]);
});

test('buffers that both sides have', () => {
  const fired = exchange(
    [
      'any any => any any (http.header: to_client; content:"eep"; http.uri; content:"/download";',
      'any any => any any (http.header; content:"eep"; http.uri; content:"/download";',
      'any any => any any (http.header: to_server; content:"eep"; http.header: to_client; content:"eep";',
    ],
    transaction(),
  );
  expect(fired).toEqual([[], [2], [], [1, 3]]);
});

test('addresses are those of the request', () => {
  const fired = exchange(
    [
      'any any => 10.0.0.1 80 (http.uri; content:"/download"; http.stat_code; content:"200"; fast_pattern;',
      '10.0.0.1 80 => any any (http.uri; content:"/download"; http.stat_code; content:"200"; fast_pattern;',
    ],
    transaction(),
  );
  expect(fired).toEqual([[], [], [1], []]);
});

test.each([
  ['any any -> any any (http.header: to_client; content:"a";', /for rules with =>/],
  ['any any => any any (flow:to_client; http.header; content:"a";', /looks both ways/],
  ['any any => any any (content:"a";', /looks at buffers/],
  ['any any => any any (http.header: sideways; content:"a";', /takes no value/],
])('%s is refused', (rule, message) => {
  const { failed } = compileText(`alert http ${rule} sid:1;)`);
  expect(failed.map(({ error }) => error.message)).toEqual([expect.stringMatching(message)]);
});
