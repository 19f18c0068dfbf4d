/** What rules remember of flows and hosts. */

import { compileText, Harness } from '../../testing/harness';
import { MAX_HOST_BITS } from '../host-bits';

const SECOND = 1e6;
const HOST_A = [0, 0, 0xffff, 0x0a000001];
const HOST_B = [0, 0, 0xffff, 0x0a000002];

test('variables of a flow', () => {
  const harness = new Harness(
    [
      'alert tcp any any -> any any (flags:S; flowint:n,+,1; sid:1;)',
      'alert tcp any any -> any any (flags:A; flowint:n,>=,3; sid:2;)',
      'alert tcp any any -> any any (flags:A; flowint:n,notset; sid:3;)',
      'alert tcp any any -> any any (flags:A; flowint:n,isset; flowint:n,<,10; sid:4;)',
      'alert tcp any any -> any any (flags:F; flowint:m,=,7; flowint:n,-,m; sid:5;)',
      'alert tcp any any -> any any (flags:A; flowint:n,==,m; sid:6;)',
      'alert tcp any any -> any any (flags:A; flowint:n,!=,2; sid:7;)',
    ].join('\n'),
  );
  const syn = () => harness.packet({ tcpFlags: 2 });
  const ack = () => harness.packet({ tcpFlags: 16 });
  expect(ack()).toEqual([3]);
  syn();
  syn();
  expect(ack()).toEqual([4]);
  syn();
  expect(ack()).toEqual([2, 4, 7]);
  // 3 - 7 wraps around.
  harness.packet({ tcpFlags: 1 });
  expect(ack()).toEqual([2, 7]);
  harness.context.flowState = null;
  expect(ack()).toEqual([3]);
});

test('bits of hosts and pairs expire', () => {
  const harness = new Harness(
    [
      'alert tcp any any -> any any (flags:S; xbits:set,a,track ip_src,expire 10; sid:1;)',
      'alert tcp any any -> any any (flags:A; xbits:isset,a,track ip_dst; sid:2;)',
      'alert tcp any any -> any any (flags:A; xbits:isset,a,track ip_src; sid:3;)',
      'alert tcp any any -> any any (flags:S; xbits:set,p,track ip_pair,expire 10; sid:4;)',
      'alert tcp any any -> any any (flags:A; xbits:isset,p,track ip_pair; sid:5;)',
      'alert tcp any any -> any any (flags:A; hostbits:isset,a,dst; sid:6;)',
      'alert tcp any any -> any any (flags:F; xbits:toggle,a,track ip_src; xbits:unset,p,track ip_pair; sid:7;)',
    ].join('\n'),
  );
  const send = (tcpFlags: number, source: readonly number[], destination: readonly number[]) => {
    // Whatever flow it is.
    harness.context.flowState = null;
    return harness.packet({ tcpFlags, source, destination });
  };
  expect(send(16, HOST_B, HOST_A)).toEqual([]);
  expect(send(2, HOST_A, HOST_B)).toEqual([1, 4]);
  expect(send(16, HOST_B, HOST_A)).toEqual([2, 5, 6]);
  expect(send(16, HOST_A, HOST_B)).toEqual([3, 5]);
  harness.context.timeMicros += 10 * SECOND;
  expect(send(16, HOST_A, HOST_B)).toEqual([3, 5]);
  harness.context.timeMicros += 1;
  expect(send(16, HOST_A, HOST_B)).toEqual([]);
  send(1, HOST_A, HOST_B);
  expect(send(16, HOST_A, HOST_B)).toEqual([3]);
  send(1, HOST_A, HOST_B);
  expect(send(16, HOST_A, HOST_B)).toEqual([]);
});

test('the table of host bits is bounded', () => {
  const { context } = new Harness('alert tcp any any -> any any (flags:S; sid:1;)');
  const endpoints = { source: new Uint32Array(4), destination: new Uint32Array(4) };
  const { hostBits } = context;
  for (let i = 0; i < MAX_HOST_BITS * 2; i++) {
    endpoints.source[3] = i;
    hostBits.set(1, 'source', endpoints, 5, 10 + i);
  }
  expect(hostBits.evictions).toBeGreaterThanOrEqual(MAX_HOST_BITS);
  expect(hostBits.has(1, 'source', endpoints, 5)).toBe(true);
});

test('the protocol of the flow', () => {
  const harness = new Harness(
    [
      'alert tcp any any -> any any (flags:A; app-layer-protocol:http; sid:1;)',
      'alert tcp any any -> any any (flags:A; app-layer-protocol:!http; sid:2;)',
      'alert tcp any any -> any any (flags:A; app-layer-protocol:failed; sid:3;)',
      'alert tcp any any -> any any (flags:A; app-layer-protocol:dns,to_client; app-layer-protocol:http,to_server; sid:4;)',
      'alert tcp any any -> any any (app-layer-protocol:dns; sid:5;)',
      'alert tcp any any -> any any (flags:A; app-layer-protocol:http,original; sid:6;)',
    ].join('\n'),
  );
  const { context } = harness;
  const fired = () => harness.packet({ tcpFlags: 16 });
  expect(fired()).toEqual([]);
  context.appProtocolFailed = true;
  expect(fired()).toEqual([2, 3]);
  context.appProtocolFailed = false;
  context.appProtocol = 1;
  expect(fired()).toEqual([1, 6]);
  context.sideProtocols[1] = 2;
  expect(fired()).toEqual([1, 4, 6]);
  context.sideProtocols[1] = 0;
  context.appProtocol = 2;
  context.originalProtocol = 1;
  expect(fired()).toEqual([2, 6]);
  context.protocolDetected = true;
  expect(fired()).toEqual([2, 5, 6]);
});

test('events of the packet', () => {
  const harness = new Harness(
    [
      'alert ip any any -> any any (decode-event:ipv4.trunc_pkt; sid:1;)',
      'alert tcp any any -> any any (stream-event:3whs_ack_in_wrong_dir; sid:2;)',
    ].join('\n'),
  );
  expect(harness.packet()).toEqual([]);
});

test.each([
  ['flowint:n,isset,1', /takes no number/],
  ['flowint:n,+', /needs a number/],
  ['flowint:n,~,1', /is not an operator/],
  ['flowint:7n,+,1', /cannot be a name/],
  ['flowint:n,+,4294967296', /larger than/],
  ['xbits:set,a', /needs "track"/],
  ['xbits:set,a,track ip_all', /cannot track/],
  ['xbits:set,a,track tx,expire 5', /do not expire/],
  ['xbits:set,a,track ip_src,expire 0', /between 1/],
  ['xbits:shake,a,track ip_src', /unknown command/],
  ['hostbits:set,a,both', /neither src nor dst/],
  ['hostbits:noalert,a', /takes no name/],
  ['app-layer-protocol:unheard', /is no application protocol/],
  ['app-layer-protocol:http,sometimes', /unknown mode/],
  ['decode-event:ipv4.unheard', /there is no event/],
  ['stream-event:unheard', /there is no event/],
  ['app-layer-event:http', /there is no event/],
  ['lua:script.lua', /scripts are not run/],
  ['filemagic:"PDF"', /libmagic/],
])('%s is refused', (option, message) => {
  const { failed } = compileText(`alert tcp any any -> any any (${option}; sid:1;)`);
  expect(failed.map(({ error }) => error.message)).toEqual([expect.stringMatching(message)]);
});
