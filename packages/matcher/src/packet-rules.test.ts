import { Harness, PROTOCOLS } from '../testing/harness';

test('rules without a pattern are candidates in flows of their protocol only', () => {
  const harness = new Harness(
    `alert dns any any -> any any (threshold:type limit, track by_src, count 100, seconds 60; dsize:>2; sid:1;)
     alert tcp any any -> any any (dsize:>2; sid:2;)`,
  );
  const packet = (protocol: string) => {
    harness.context.appProtocol = PROTOCOLS.indexOf(protocol as 'http') + 1;
    const before = harness.matcher.statistics().candidates;
    const sids = harness.packet({ payload: 'abc', protocol: 6 });
    return { sids, candidates: harness.matcher.statistics().candidates - before };
  };
  expect(packet('none')).toEqual({ sids: [2], candidates: 1 });
  expect(packet('http')).toEqual({ sids: [2], candidates: 1 });
  expect(packet('dns')).toEqual({ sids: [1, 2], candidates: 2 });
});
