import { compileText, Harness } from '../testing/harness';

test('the first packet of each direction of a flow', () => {
  const harness = new Harness('alert tcp:flow_start any any -> any any (sid:1;)');
  const { context } = harness;
  context.flowPackets[0] = 1;
  expect(harness.packet()).toEqual([1]);
  context.flowPackets[0] = 2;
  expect(harness.packet()).toEqual([]);
  context.flowPackets[1] = 1;
  context.direction = 1;
  expect(harness.packet()).toEqual([1]);
  context.hasFlow = false;
  expect(harness.packet()).toEqual([]);
});

test.each([
  ['http1:some_time', /hook http1:some_time is not supported yet/],
  ['tls:client_hello_done', /protocol tls is not supported yet/],
  ['udp:flow_end', /is not supported yet/],
])('%s', (protocol, message) => {
  const { failed } = compileText(`alert ${protocol} any any -> any any (sid:1;)`);
  expect(failed.map(({ error }) => error.message)).toEqual([expect.stringMatching(message)]);
});
