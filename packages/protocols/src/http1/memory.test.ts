import { bytesOfEach, collectGarbage } from '@portcullis/testkit';
import { bytesOf } from '../../testing/recorder';
import { createHttp1 } from './definition';

const request = bytesOf('GET /a%20b HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\nCookie: y\r\n\r\n');
const response = bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
const listener = {
  onProgress: () => {},
  onTransactionEnd: () => {},
  onEvent: () => {},
  onUpgrade: () => {},
  onExpectation: () => {},
};

test('a parser at rest takes at most 250 bytes', () => {
  const definition = createHttp1();
  const begin = () => {
    const parser = definition.create(listener);
    // In two pieces, so that heads and bodies are held for a while.
    parser.feed(0, request, 0, 20);
    parser.feed(0, request, 20, request.length);
    parser.feed(1, response, 0, response.length - 2);
    parser.feed(1, response, response.length - 2, response.length);
    if (parser.heldBytes() !== 0) throw new Error(`${parser.heldBytes()} bytes are held`);
    return parser;
  };
  expect(bytesOfEach(25_000, begin, 0, 250)).toBeLessThanOrEqual(250);
});

test('requests and responses in the steady state allocate nothing that stays or counts', () => {
  const parser = createHttp1().create(listener);
  const round = () => {
    for (let i = 0; i < 20_000; i++) {
      parser.feed(0, request, 0, request.length);
      parser.feed(1, response, 0, response.length);
    }
  };
  round();
  round();
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  round();
  const each = (process.memoryUsage().heapUsed - before) / 20_000;
  expect(each).toBeLessThan(20);
});
