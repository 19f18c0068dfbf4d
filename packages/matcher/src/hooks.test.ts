import { createEnip, createHttp1, createSsh } from '@portcullis/protocols';
import { compileText, Harness } from '../testing/harness';
import { firedBy, ruleErrors } from '../testing/protocol-rules';

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

const http = createHttp1();
const text = (direction: 0 | 1, bytes: string) => [direction, Buffer.from(bytes, 'latin1')] as const;
/** A request in three pieces, its answer in one. */
const conversation = [
  text(0, 'POST / HTTP/1.1\r\n'),
  text(0, 'Host: a\r\nContent-Length: 4\r\n\r\nab'),
  text(0, 'cd'),
  text(1, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
];

test('a rule is asked in each state that a transaction goes through, and as long as it stays there', () => {
  const states = ['started', 'line', 'headers', 'body', 'trailer', 'complete'];
  const rules = ['request', 'response'].flatMap((side, i) =>
    states.map((state, k) => `alert http1:${side}_${state} any any -> any any (sid:${10 * i + k + 1};)`),
  );
  expect(firedBy(http, rules, conversation)).toEqual([
    [1, 2],
    [2, 3, 4],
    [4, 5, 6],
    [11, 12, 13, 14, 15, 16],
  ]);
});

test('what else the rule asks is asked in that state', () => {
  const rules = [
    'alert http1:request_headers any any -> any any (http.method; content:"POST"; sid:1;)',
    'alert http1:request_complete any any -> any any (http.method; content:"POST"; sid:2;)',
    'alert http1:request_complete any any -> any any (http.method; content:"GET"; sid:3;)',
    'alert http1:request_started any any -> any any (http.method; content:"POST"; sid:4;)',
  ];
  expect(firedBy(http, rules, conversation)).toEqual([[4], [1], [2], []]);
});

test('app-layer-state compares with a state', () => {
  const rules = [
    'alert http1 any any -> any any (app-layer-state:request_body; sid:1;)',
    'alert http any any -> any any (app-layer-state:<request_line; sid:2;)',
    'alert http1 any any -> any any (app-layer-state:>=request_trailer; sid:3;)',
    'alert http1 any any -> any any (app-layer-state:>request_line; app-layer-state:<request_body; sid:4;)',
    'alert http1 any any -> any any (app-layer-state:request_body; flow:to_server; sid:6;)',
    'alert http1 any any -> any any (app-layer-state:!response_started; app-layer-state:<response_headers; sid:5;)',
  ];
  expect(firedBy(http, rules, conversation)).toEqual([[2], [1, 4, 6], [1, 3, 6], [5]]);
});

test('other protocols have a beginning and an end', () => {
  const question = Buffer.concat([Buffer.from([0x63]), Buffer.alloc(23)]);
  const rules = [
    'alert enip:request_started any any -> any any (sid:1;)',
    'alert enip:request_complete any any -> any any (enip.command:99; sid:2;)',
    'alert enip:response_complete any any -> any any (sid:3;)',
  ];
  expect(firedBy(createEnip(), rules, [[0, question]], 1)).toEqual([[1, 2]]);
  const ssh = ['alert ssh:request_banner_done any any -> any any (sid:1;)'];
  expect(firedBy(createSsh(), ssh, [text(0, 'SSH-2.0-a'), text(0, '\r\n')])).toEqual([[], [1]]);
});

test.each([
  ['http', 'app-layer-state:some_time', /http has no state "some_time"/],
  ['http', 'app-layer-state:', /needs a value/],
  ['http', 'app-layer-state:<request_started', /no state before that/],
  ['http', 'app-layer-state:request_line; app-layer-state:response_line', /another state is of the other/],
  ['http', 'flow:to_client; app-layer-state:request_line', /flow names the other/],
  ['http', 'app-layer-state:request_line; flow:to_client', /flow names the other/],
  ['http', 'app-layer-state:request_line; app-layer-state:request_body', /in one state at a time/],
  ['http1:request_line', 'frame:request; content:"x"', /cannot stand in one rule/],
])('%s: %s', (header, options, message) => {
  const rule = `alert ${header} any any -> any any (${options}; sid:1;)`;
  expect(ruleErrors(http, [rule])).toEqual([expect.stringMatching(message)]);
});
