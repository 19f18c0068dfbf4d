import { bytesOf } from '../../testing/recorder';
import type { Direction } from '../transaction';
import { createHttp1 } from './definition';

/** What is told of the last transaction, by the direction that has progressed. */
function told(request: string, response: string): Record<Direction, Record<string, unknown>> {
  const facts: Record<Direction, Record<string, unknown>> = { 0: {}, 1: {} };
  const http = createHttp1();
  const parser = http.create({
    onProgress: (tx, direction) => {
      facts[direction] = http.describe?.(tx) ?? {};
    },
    onTransactionEnd: () => {},
    onEvent: () => {},
    onUpgrade: () => {},
    onExpectation: () => {},
  });
  for (const [direction, text] of [
    [0, request],
    [1, response],
  ] as const) {
    // In two pieces: what is told must not lie in bytes that are gone.
    const bytes = bytesOf(text);
    const first = Buffer.from(bytes.subarray(0, 10));
    parser.feed(direction, first, 0, first.length);
    first.fill(0x3f);
    parser.feed(direction, bytes, 10, bytes.length);
    bytes.fill(0x3f);
  }
  parser.reset();
  return facts;
}

test('the request is told, also with the response', () => {
  const facts = told(
    'GET /a%20b?c HTTP/1.1\r\nHost: Example.COM:8080\r\nUser-Agent: ua\r\nReferer: r\r\nContent-Type: no\r\n\r\n',
    'HTTP/1.0 302 Found\r\nContent-Type: text/html; charset=x\r\nLocation: /there\r\nContent-Length: 5\r\n\r\nhello',
  );
  const request = {
    hostname: 'example.com',
    http_port: 8080,
    url: '/a%20b?c',
    http_user_agent: 'ua',
    http_refer: 'r',
    http_method: 'GET',
    protocol: 'HTTP/1.1',
  };
  expect(facts[0]).toEqual({ ...request, length: 0 });
  expect(facts[1]).toEqual({
    ...request,
    http_content_type: 'text/html',
    status: 302,
    redirect: '/there',
    length: 5,
  });
});

test('a host in the target; a status that is none; nothing at all', () => {
  expect(told('GET http://A.b:1/c HTTP/1.1\r\nHost: x\r\n\r\n', 'HTTP/1.1 2x0 OK\r\n\r\n')[1]).toMatchObject({
    hostname: 'a.b',
    http_port: 1,
    url: 'http://A.b:1/c',
    status_string: '2x0',
  });
  expect(told('', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx')[1]).toEqual({ status: 200, length: 1 });
});

test('texts are bounded', () => {
  const long = 'x'.repeat(17_000);
  const facts = told(
    `GET /${long} HTTP/1.1\r\nHost: ${long}\r\nUser-Agent: ${long}\r\n\r\n`,
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
  );
  for (const direction of [0, 1] as const)
    expect(JSON.stringify(facts[direction]).length).toBeLessThan(13_000);
});
