import { createHttp1 } from '@portcullis/protocols';
import { firedBy, ruleErrors } from '../../testing/protocol-rules';

const http = createHttp1();

/** Which of the options match, by piece. */
function matching(
  options: readonly string[],
  pieces: readonly (readonly [0 | 1, string])[],
  header = 'http',
) {
  const rules = options.map((each, i) => `alert ${header} any any -> any any (${each}; sid:${i + 1};)`);
  return firedBy(
    http,
    rules,
    pieces.map(([direction, text]) => [direction, Buffer.from(text, 'latin1')]),
  );
}

const first = 'GET /first HTTP/1.1\r\nHost: a\r\n\r\n';
const second = 'GET /second HTTP/1.1\r\nHost: a\r\n\r\n';

test('names, with the protocol before them or without', () => {
  const option = 'frame:request; content:"GET /first"';
  for (const header of ['http', 'http1']) expect(matching([option], [[0, first]], header)).toEqual([[1]]);
  for (const header of ['tcp', 'http'])
    expect(matching(['frame:http1.request; content:"GET"'], [[0, first]], header)).toEqual([[1]]);
  expect(ruleErrors(http, ['alert http any any -> any any (frame:nothing; content:"x"; sid:1;)'])).toEqual([
    'frame: no protocol has a frame "nothing"',
  ]);
});

test('each frame is looked at by itself, a growing one as it grows', () => {
  const options = [
    'frame:http1.request; content:"GET"; startswith; content:"|0d 0a 0d 0a|"; endswith; bsize:32',
    'frame:http1.request; content:"first"; content:"second"',
    'frame:http1.stream; content:"first"; content:"second"',
    'frame:http1.request; content:!"first"; content:"GET"',
    'frame:http1.stream; content:"HTTP/1.1"',
    'frame:http1.request; strip_whitespace; content:"GET/firstHTTP"; startswith',
    'flow:to_client; frame:http1.stream; content:"GET"',
  ];
  const fired = matching(options, [
    [0, first + second.slice(0, 9)],
    [0, second.slice(9)],
  ]);
  expect(fired).toEqual([[1, 4, 5, 6], [3]]);
});

test('a rule fires for every frame that it matches', () => {
  expect(matching(['frame:http1.request; content:"GET"'], [[0, first + second + first]])).toEqual([
    [1, 1, 1],
  ]);
});

test('a frame stands alone', () => {
  let sid = 1;
  const rule = (options: string) => `alert http any any -> any any (${options}; sid:${sid++};)`;
  expect(
    ruleErrors(http, [
      rule('frame:http1.request; content:"a"; http.uri; content:"b"'),
      rule('frame:http1.request; content:"a"; frame:http1.stream; content:"b"'),
      rule('frame:http1.request; content:"a"; app-layer-event:http.missing_host_header'),
    ]),
  ).toEqual([
    'frame:http1.request and http.uri cannot stand in one rule: a frame is looked at by itself',
    'frame:http1.request and frame:http1.stream cannot stand in one rule: a frame is looked at by itself',
    'frame:http1.request and http.missing_host_header cannot stand in one rule: a frame is looked at by itself',
  ]);
});
