/** Rules that look at buffers and are found by raw contents in the stream. */

import { Harness, latin1, TestTransaction } from '../testing/harness';

const RULE = 'alert http any any -> any any (content:"rare raw 7Zq"; http.method; content:"GET"; sid:1;)';

/** One call of the engine: the window is scanned, the transaction progresses, the window is inspected and held. */
function feed(
  harness: Harness,
  window: string,
  fresh: number,
  streamOffset: number,
  transaction: TestTransaction | null,
  progress: number,
): number[] {
  const { matcher, context } = harness;
  const bytes = latin1(window);
  const end = bytes.length;
  matcher.begin(context);
  context.appProtocol = 1;
  context.streamBytes = bytes;
  context.streamStart = 0;
  context.streamEnd = end;
  matcher.scanStream(context, bytes, 0, end, fresh, streamOffset);
  if (transaction !== null) {
    transaction.progressOf[0] = progress;
    matcher.inspectTransaction(context, transaction, 0);
  }
  matcher.inspectStream(context, bytes, 0, end, fresh, streamOffset);
  matcher.keepStream(context, streamOffset + end);
  matcher.end(context);
  return Array.from(matcher.matches.subarray(0, matcher.matchCount), (number) => matcher.rule(number).sid);
}

describe('raw contents as the pattern of a rule with buffers', () => {
  test('seen with the buffer, once for each transaction', () => {
    const harness = new Harness(RULE);
    expect(harness.matcher.ruleset.rules.get(0).rawFiltered).toBe(true);
    const transaction = new TestTransaction(0).set('http.method', 'GET');
    expect(feed(harness, 'GET rare raw 7Zq', 0, 0, transaction, 1)).toEqual([1]);
    expect(feed(harness, 'GET rare raw 7Zq, more', 16, 0, transaction, 2)).toEqual([]);
    expect(feed(harness, 'GET nothing', 0, 22, new TestTransaction(1).set('http.method', 'GET'), 1)).toEqual(
      [],
    );
    harness.matcher.close();
  });

  test('seen before the buffer is there, as long as the window holds it', () => {
    const harness = new Harness(RULE);
    const transaction = new TestTransaction(0).set('http.method', 'GET');
    expect(feed(harness, 'rare raw 7Zq GE', 0, 0, null, 0)).toEqual([]);
    expect(feed(harness, 'rare raw 7Zq GET', 15, 0, transaction, 1)).toEqual([1]);
    // The window has moved on.
    expect(feed(harness, 'GET', 0, 16, new TestTransaction(1).set('http.method', 'GET'), 1)).toEqual([]);
    expect(harness.context.flowState).toBeNull();
    harness.matcher.close();
  });

  test('seen before the buffer is there, with very many others', () => {
    const others = Array.from({ length: 50 }, (_, i) =>
      RULE.replace('rare raw 7Zq', `other raw ${100 + i}`).replace('sid:1', `sid:${100 + i}`),
    );
    const harness = new Harness([...others, RULE].join('\n'));
    const decoys = others.map((_, i) => `other raw ${100 + i} `).join('');
    const all = [...others.map((_, i) => 100 + i), 1].sort((a, b) => a - b);
    const transaction = new TestTransaction(0).set('http.method', 'GET');
    expect(feed(harness, `${decoys}rare raw 7Zq GE`, 0, 0, null, 0)).toEqual([]);
    const window = `${decoys}rare raw 7Zq GET`;
    expect(feed(harness, window, window.length - 1, 0, transaction, 1).sort((a, b) => a - b)).toEqual(all);
    expect(
      feed(harness, 'GET', 0, window.length, new TestTransaction(1).set('http.method', 'GET'), 1),
    ).toEqual([]);
    expect(harness.context.flowState).toBeNull();
    harness.matcher.close();
  });

  test('seen after the buffer, and cut in two', () => {
    const harness = new Harness(RULE);
    const transaction = new TestTransaction(0).set('http.method', 'GET');
    expect(feed(harness, 'GET rare ra', 0, 0, transaction, 1)).toEqual([]);
    expect(feed(harness, 'GET rare raw 7Zq', 11, 0, transaction, 2)).toEqual([1]);
    harness.matcher.close();
  });

  test('without a scan of the stream the payload is looked at', () => {
    const harness = new Harness(RULE);
    const transaction = new TestTransaction(0).set('http.method', 'GET');
    harness.setPacket({ payload: 'GET rare raw 7Zq' });
    expect(harness.transaction(transaction, 1)).toEqual([1]);
    harness.matcher.close();
  });
});
