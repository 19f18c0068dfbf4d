import { parseThresholdConfig } from '@portcullis/rules';
import { compileText, Harness, type PacketFields, VARIABLES } from '../../testing/harness';

const SECOND = 1e6;

/** Packets at given seconds; which of them the rule alerts on, by place. */
function alerts(
  options: string,
  packets: readonly (readonly [second: number, fields?: PacketFields])[],
  config = '',
  action = 'alert',
) {
  const thresholds = parseThresholdConfig(config, VARIABLES);
  expect(thresholds.problems).toEqual([]);
  const harness = new Harness(
    `${action} tcp any any -> any any (flags:S; ${options} sid:1;)`,
    {},
    { thresholds },
  );
  return packets.flatMap(([second, fields], place) => {
    harness.context.timeMicros = 1e15 + second * SECOND;
    const fired = harness.packet({ tcpFlags: 2, ...fields });
    const told = fired.length > 0 && harness.matcher.fired.silent[0] === 0;
    return told ? [place] : [];
  });
}

const every = (seconds: readonly number[]) => seconds.map((second) => [second] as const);

test('backoff', () => {
  const packets = every(Array.from({ length: 130 }, (_, i) => i));
  expect(alerts('threshold:type backoff, track by_src, count 1, multiplier 10;', packets)).toEqual([
    0, 9, 99,
  ]);
  expect(alerts('threshold:type backoff, track by_flow, count 2, multiplier 3;', packets)).toEqual([
    1, 5, 17, 53,
  ]);
});

test('limit, threshold and both', () => {
  const packets = every([0, 1, 2, 3, 11, 12]);
  expect(alerts('threshold:type limit, track by_dst, count 2, seconds 10;', packets)).toEqual([0, 1, 4, 5]);
  expect(alerts('threshold:type threshold, track by_rule, count 2, seconds 10;', packets)).toEqual([1, 3, 5]);
  expect(alerts('threshold:type both, track by_both, count 2, seconds 10;', packets)).toEqual([1, 5]);
});

test('a detection filter may count ports once', () => {
  const options = 'detection_filter:track by_src, count 2, seconds 60, unique_on src_port;';
  const packets = [1, 1, 2, 2, 3, 3, 1].map((sourcePort, i) => [i, { sourcePort }] as const);
  expect(alerts(options, packets)).toEqual([4, 5, 6]);
  // A new period begins without ports.
  expect(alerts(options, [...packets.slice(0, 4), [100, { sourcePort: 3 }]])).toEqual([]);
});

test('a rate filter changes the action while it is exceeded, and for some time after', () => {
  const config =
    'rate_filter gen_id 1, sig_id 1, track by_src, count 2, seconds 10, new_action drop, timeout 5';
  const harness = new Harness(
    'alert tcp any any -> any any (flags:S; sid:1;)',
    {},
    { thresholds: parseThresholdConfig(config, VARIABLES) },
  );
  const actions = [0, 1, 2, 3, 8, 20, 30].map((second) => {
    harness.context.timeMicros = 1e15 + second * SECOND;
    expect(harness.packet({ tcpFlags: 2 })).toEqual([1]);
    return harness.matcher.fired.action(0);
  });
  expect(actions).toEqual(['alert', 'alert', 'drop', 'drop', 'drop', 'alert', 'alert']);
});

test('suppressed addresses', () => {
  const packets = [[0, { source: [0, 0, 0xffff, 0x0a000005] }], [1], [2]] as const;
  expect(alerts('', packets, 'suppress gen_id 1, sig_id 1, track by_src, ip 10.0.0.0/8')).toEqual([1, 2]);
  expect(
    alerts('', packets, 'suppress gen_id 1, sig_id 1, track by_src, ip [10.0.0.0/8,!10.0.0.5]'),
  ).toHaveLength(3);
  expect(alerts('', packets, 'suppress gen_id 1, sig_id 1, track by_dst, ip 10.0.0.1')).toEqual([]);
  expect(alerts('', packets, 'suppress gen_id 0, sig_id 0, track by_either, ip 10.0.0.5')).toEqual([1, 2]);
  expect(alerts('', packets, 'suppress gen_id 1, sig_id 0')).toEqual([]);
  expect(alerts('', packets, 'suppress gen_id 1, sig_id 2')).toHaveLength(3);
  expect(alerts('', packets, 'suppress gen_id 2, sig_id 0')).toHaveLength(3);
});

test('what is suppressed is dropped all the same', () => {
  const harness = new Harness(
    'drop tcp any any -> any any (flags:S; sid:1;)',
    {},
    { thresholds: parseThresholdConfig('suppress gen_id 1, sig_id 1', VARIABLES) },
  );
  expect(harness.packet({ tcpFlags: 2 })).toEqual([1]);
  expect(harness.matcher.fired.silent[0]).toBe(1);
  expect(harness.matcher.fired.action(0)).toBe('drop');
});

test('a filter for one rule stands in for its own, one for all does not', () => {
  const own = 'threshold:type limit, track by_src, count 2, seconds 60;';
  const filter = (sid: number) =>
    `event_filter gen_id 1, sig_id ${sid}, type limit, track by_src, count 1, seconds 60`;
  const packets = every([0, 1, 2]);
  expect(alerts(own, packets, filter(1))).toEqual([0]);
  expect(alerts(own, packets, filter(0))).toEqual([0, 1]);
  expect(alerts('', packets, filter(0))).toEqual([0]);
});

test.each([
  ['threshold:type backoff, track by_src, count 1, multiplier 1;', /between 2/],
  ['threshold:type backoff, track by_src, count 1, seconds 1;', /has no "seconds"/],
  ['threshold:type limit, track by_src, count 1, seconds 1, multiplier 2;', /for type backoff/],
  ['detection_filter:track by_src, count 1, seconds 1, unique_on flags;', /cannot count/],
  ['threshold:type sometimes, track by_src, count 1, seconds 1;', /there is no type/],
])('%s', (option, message) => {
  const { failed } = compileText(`alert tcp any any -> any any (${option} sid:1;)`);
  expect(failed.map(({ error }) => error.message)).toEqual([expect.stringMatching(message)]);
});
