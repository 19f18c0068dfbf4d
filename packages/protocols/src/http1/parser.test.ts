import { gzipSync } from 'node:zlib';
import { CONVERSATIONS } from '../../testing/http1/conversations';
import { record } from '../../testing/http1/record';
import { Random, rounds, testSeed } from '../../testing/random';
import { bytesOf, emptyView, feedAll, Recorder, split } from '../../testing/recorder';
import {
  type BufferView,
  type Direction,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { HTTP1_BUFFERS, Http1Buffer } from './buffers';
import { createHttp1 } from './definition';
import { MOST_EARLY_BYTES } from './early-bytes';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A listener from a few functions. */
function listener(on: Partial<TransactionListener>): TransactionListener {
  return {
    onProgress: () => {},
    onTransactionEnd: () => {},
    onEvent: () => {},
    onUpgrade: () => {},
    onExpectation: () => {},
    ...on,
  };
}

function feedText(
  parser: { feed(d: Direction, b: Uint8Array, s: number, e: number): void },
  direction: Direction,
  text: string,
): void {
  const bytes = bytesOf(text);
  parser.feed(direction, bytes, 0, bytes.length);
}

describe('what is borrowed and what is kept', () => {
  test('a head in one piece is shown where it lies, and nothing is held between transactions', () => {
    const views: BufferView[] = [];
    const bytes = bytesOf(GET);
    const parser = createHttp1().create(
      listener({
        onProgress: (tx) => {
          const view = emptyView();
          if (tx.buffer(Http1Buffer.URI, 0, view)) views.push(view);
        },
      }),
    );
    parser.feed(0, bytes, 0, bytes.length);
    expect(views).toHaveLength(1);
    expect(views[0].bytes).toBe(bytes);
    expect(parser.heldBytes()).toBeLessThan(2000);
    feedText(parser, 1, OK);
    expect(parser.heldBytes()).toBe(0);
  });

  test.each(['GET', 'QUERY', 'MKCALENDAR', 'ANY'])(
    '%s behind another request in the same piece is one of its own',
    (method) => {
      const seen = new Set<Transaction>();
      const parser = createHttp1().create(listener({ onProgress: (tx) => void seen.add(tx) }));
      feedText(parser, 0, `${GET}${GET.replace('GET', method)}`);
      expect(seen.size).toBe(2);
    },
  );

  test('a method nobody knows makes a request of a line that has its form, wherever it is cut', () => {
    const second = GET.replace('GET', 'ANY');
    for (let cut = 0; cut <= second.length; cut++) {
      const seen = new Set<Transaction>();
      const parser = createHttp1().create(listener({ onProgress: (tx) => void seen.add(tx) }));
      feedText(parser, 0, GET + second.slice(0, cut));
      feedText(parser, 0, second.slice(cut));
      if (seen.size !== 2) throw new Error(`${seen.size} requests when it is cut at ${cut}`);
    }
    expect(second).toMatch(/^ANY \//);
  });

  test.each([
    ['a method as long as one likes', `${'Q'.repeat(33)} / HTTP/1.1\r\n`, 1],
    ['one that does not end', 'Q'.repeat(1100), 1],
    ['nor yet', 'Q'.repeat(1000), 0],
    ['an unknown method and a long target', `QUACK /${'p'.repeat(1100)}`, 1],
    ['… and a whole address', `QUACK http://a/${'p'.repeat(1100)}`, 1],
    ['… whose end is to come', 'QUACK /path', 0],
    ['blanks behind the protocol', 'QUACK /path HTTP/1.1 \t\r\n', 1],
    ['small letters', 'quack /path http/1.1\n', 1],
    ['another protocol', 'QUACK /path FTP/1.1\r\n', -1],
    ['a long line of words', `QUACK ${'words '.repeat(200)}`, -1],
    ['a word', 'QUACK\r\n', -1],
  ])('first in a flow: %s', (_, text, told) => {
    const bytes = bytesOf(text);
    const flow = { transport: Transport.TCP, clientPort: 4000, serverPort: 80 };
    expect(createHttp1().probe(0, bytes, 0, Math.min(bytes.length, 1024), flow)).toBe(told);
    // As in a tunnel, where all that has come is looked at.
    const behindBlankLines = bytesOf('\r\n'.repeat(800) + text);
    expect(createHttp1().probe(0, behindBlankLines, 0, behindBlankLines.length, flow)).toBe(told);
  });

  test.each(['a=b&c=d', 'ANY /path', 'ANY /path FTP/1.0', '{"a": 1} HTTP/1.1'])(
    '"%s" behind a request is its body',
    (line) => {
      const seen = new Set<Transaction>();
      const parser = createHttp1().create(listener({ onProgress: (tx) => void seen.add(tx) }));
      feedText(parser, 0, `${GET}${line}\r\n\r\n`);
      expect(seen.size).toBe(1);
    },
  );

  test('the head stays for the sake of the body, and a body grows', () => {
    const seen: unknown[] = [];
    const view = emptyView();
    const parser = createHttp1().create(
      listener({
        onProgress: (tx, direction) => {
          if (direction !== 0) return;
          tx.buffer(Http1Buffer.URI, 0, view);
          const uri = Buffer.from(view.bytes.subarray(view.start, view.end)).toString();
          const body = tx.buffer(Http1Buffer.REQUEST_BODY, 0, view)
            ? [view.end - view.start, view.fresh - view.start, view.streamOffset, view.complete]
            : null;
          seen.push([uri, tx.progress(0), body]);
        },
      }),
    );
    feedAll(parser, [
      [0, bytesOf('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n')],
      [0, bytesOf('01234')],
      [0, bytesOf('56789')],
    ]);
    expect(seen).toEqual([
      ['/x', 2, null],
      ['/x', 3, [5, 0, 0, false]],
      ['/x', 5, [10, 5, 0, true]],
    ]);
  });

  test('a body is kept up to its limit and counted', () => {
    const parser = createHttp1({ limits: { responseBody: 4096 } }).create(listener({}));
    feedText(parser, 0, GET);
    feedText(parser, 1, `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n`);
    const piece = Buffer.alloc(1000, 0x61);
    for (let i = 0; i < 900; i++) parser.feed(1, piece, 0, piece.length);
    expect(parser.heldBytes()).toBeGreaterThan(4096);
    expect(parser.heldBytes()).toBeLessThan(16_384);
    parser.reset();
    expect(parser.heldBytes()).toBe(0);
  });

  test('a derived buffer is built once and differs by transaction', () => {
    const seen: string[] = [];
    const parser = createHttp1().create(
      listener({
        onProgress: (tx) => {
          const first = emptyView();
          const second = emptyView();
          if (!tx.buffer(Http1Buffer.URI, 0, first)) return;
          tx.buffer(Http1Buffer.HEADER, 0, second);
          tx.buffer(Http1Buffer.URI, 0, second);
          expect(second).toEqual(first);
          seen.push(Buffer.from(first.bytes.subarray(first.start, first.end)).toString());
        },
      }),
    );
    for (const letter of 'abc') feedText(parser, 0, `GET /%2e/${letter} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(seen).toEqual(['/a', '/b', '/c']);
  });
});

describe('limits', () => {
  test('are checked', () => {
    expect(() => createHttp1({ limits: { requestBody: 0 } })).toThrow(
      /'requestBody' must be a whole number from 1024/,
    );
    expect(() => createHttp1({ limits: { nonsense: 1 } as never })).toThrow(/no limit 'nonsense'/);
  });

  test('a request with more of a body than rules see is told of, once', () => {
    const post = (length: number) =>
      bytesOf(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${'b'.repeat(length)}`);
    const told = (bytes: Buffer) =>
      record([[0, bytes]], { limits: { requestBody: 2000 } }).transactions.flatMap(({ events }) => events);
    expect(told(post(2000))).toEqual([]);
    expect(told(post(2001))).toEqual(['>http.REQUEST_BODY_LIMIT_REACHED']);
    expect(told(Buffer.concat([post(2100), post(10)]))).toEqual(['>http.REQUEST_BODY_LIMIT_REACHED']);
    const coded = gzipSync('b'.repeat(2500));
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: ${coded.length}\r\n\r\n`;
    expect(told(Buffer.concat([bytesOf(head), coded]))).toEqual(['>http.REQUEST_BODY_LIMIT_REACHED']);
  });

  test('waiting requests: the oldest is given up and its response has no request', () => {
    const run = record(
      [
        [0, bytesOf(['1', '2', '3', '4'].map((n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))],
        [1, bytesOf([1, 2, 3, 4].map((n) => `HTTP/1.1 200 r${n}\r\nContent-Length: 0\r\n\r\n`).join(''))],
      ],
      { limits: { pendingTransactions: 2 } },
    );
    expect(run.events).toEqual(Array(2).fill('>http.TOO_MANY_PENDING_TRANSACTIONS'));
    const pairs = run.transactions.map((tx) => [tx.buffers['>http.uri'], tx.buffers['<http.stat_msg']]);
    expect(pairs).toEqual([
      ['/1', undefined],
      ['/2', undefined],
      ['/3', 'r3'],
      ['/4', 'r4'],
      [undefined, 'r1'],
      [undefined, 'r2'],
    ]);
  });

  test('fields and their repetitions', () => {
    const run = record([[0, bytesOf(`GET / HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(30)}\r\n`)]], {
      limits: { headerCount: 20, headerRepetitions: 4 },
    });
    expect(run.transactions[0].buffers['>http.header']).toBe('Host: a\r\nX: 1, 1, 1, 1, 1\r\n');
    expect(run.transactions[0].buffers['>http.request_header[1]']).toBe('X: 1, 1, 1, 1, 1');
    expect(run.transactions[0].buffers['>http.request_header[2]']).toBeUndefined();
    expect(run.transactions[0].events).toContain('>http.REQUEST_TOO_MANY_HEADERS');
  });
});

test('a field is seen behind very many repetitions of others, and behind much else', () => {
  const agentBehind = (fields: string) => {
    const request = `GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: one\r\n${fields}User-Agent: two\r\n\r\n`;
    const [{ buffers, events }] = record([[0, bytesOf(request)]]).transactions;
    return [buffers['>http.user_agent'], events.filter((event) => !event.includes('REPETITION'))];
  };
  expect(agentBehind('X: 1\r\n'.repeat(900))).toEqual(['one, two', []]);
  expect(agentBehind(`X: ${'1'.repeat(7000)}\r\n`.repeat(18))).toEqual(['one, two', []]);
  // What is more than that is told.
  expect(agentBehind('X: 1\r\n'.repeat(1100))).toEqual(['one', ['>http.REQUEST_TOO_MANY_HEADERS']]);
  expect(agentBehind(`X: ${'1'.repeat(7000)}\r\n`.repeat(20))).toEqual([
    'one',
    ['>http.REQUEST_HEAD_TOO_LONG', '>http.REQUEST_FIELD_TOO_LONG'],
  ]);
});

describe('the files of a form', () => {
  const upload = (boundary: string, parts: readonly string[]) => {
    const body = `${parts.map((part) => `--${boundary}\r\n${part}\r\n\r\ncontent\r\n`).join('')}--${boundary}--\r\n`;
    const head = [
      'POST / HTTP/1.1',
      'Host: a',
      `Content-Type: multipart/form-data; boundary=${boundary}`,
      `Content-Length: ${body.length}`,
    ];
    const { transactions } = record([[0, bytesOf(`${head.join('\r\n')}\r\n\r\n${body}`)]]);
    const [{ buffers, events }] = transactions;
    const names = Object.keys(buffers).filter((name) => name.startsWith('>file.name'));
    return { last: buffers[names.at(-1) ?? ''], events };
  };
  const file = (name: string) => `Content-Disposition: form-data; name="f"; filename="${name}"`;
  const many = (count: number) => Array.from({ length: count }, (_, index) => file(`${index}`));

  test('are seen behind many others, and under a long boundary', () => {
    expect(upload('b', [...many(300), file('x.php')])).toEqual({ last: 'x.php', events: [] });
    expect(upload('b'.repeat(200), [file('x.php')])).toEqual({ last: 'x.php', events: [] });
    const padded = `X-Padding: ${'p'.repeat(9000)}\r\n${file('x.php')}`;
    expect(upload('b', [padded])).toEqual({ last: 'x.php', events: [] });
  });

  test('that are more than is followed are told', () => {
    const told = ['>http.MULTIPART_LIMIT_REACHED'];
    expect(upload('b', many(700)).events).toEqual(told);
    expect(upload('b'.repeat(201), [file('x.php')]).events).toEqual(told);
    const padded = `X-Padding: ${'p'.repeat(20_000)}\r\n${file('x.php')}`;
    expect(upload('b', [padded]).events).toEqual(['>http.MULTIPART_INVALID_HEADER', ...told]);
  });
});

describe('missing bytes', () => {
  function run(steps: (parser: ReturnType<ReturnType<typeof createHttp1>['create']>) => void): Recorder {
    const recorder = new Recorder(HTTP1_BUFFERS);
    const parser = createHttp1().create(recorder);
    steps(parser);
    parser.close(0);
    parser.close(1);
    expect(parser.heldBytes()).toBe(0);
    for (const tx of recorder.transactions) expect(tx.ended).toBe(1);
    return recorder;
  }

  test('within a body of known length: what follows has its place', () => {
    const offsets: number[][] = [];
    const view = emptyView();
    const parser = createHttp1().create(
      listener({
        onProgress: (tx, direction) => {
          if (direction === 1 && tx.buffer(Http1Buffer.RESPONSE_BODY, 0, view)) {
            offsets.push([view.streamOffset, view.end - view.start, view.fresh - view.start]);
          }
        },
      }),
    );
    feedText(parser, 0, GET);
    feedText(parser, 1, 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234');
    parser.gap(1, 10);
    feedText(parser, 1, '56789HTTP/1.1 200 next\r\nContent-Length: 0\r\n\r\n');
    expect(offsets).toEqual([
      [0, 5, 0],
      [15, 5, 0],
    ]);
  });

  test('within a chunk, and in a chunk size', () => {
    const recorder = run((parser) => {
      feedText(parser, 0, GET);
      feedText(parser, 1, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n01');
      parser.gap(1, 5);
      feedText(parser, 1, '789\r\n2\r\nab\r\n0\r\n\r\n');
      feedText(parser, 0, GET);
      feedText(parser, 1, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n01');
      parser.gap(1, 20);
      feedText(parser, 1, 'nothing to hold on to');
      feedText(parser, 1, OK);
      feedText(parser, 0, GET);
    });
    expect(recorder.transactions.map((tx) => tx.buffers['<http.response_body'])).toEqual([
      '789ab',
      '01',
      'ok',
      undefined,
    ]);
  });

  test('in a request head: the next message is found again', () => {
    const recorder = run((parser) => {
      feedText(parser, 0, 'GET /lost HT');
      parser.gap(0, 100);
      feedText(parser, 0, 'rest of something\r\n');
      feedText(parser, 0, 'GET /found HTTP/1.1\r\nHost: a\r\n\r\n');
      feedText(parser, 1, OK);
    });
    expect(recorder.transactions.map((tx) => [tx.buffers['>http.uri'], tx.events])).toEqual([
      [undefined, ['>http.INVALID_GAP']],
      ['/found', []],
    ]);
  });

  test('before a whole response: no event about a missing request', () => {
    const recorder = run((parser) => {
      parser.gap(0, 500);
      feedText(parser, 1, OK);
    });
    expect(recorder.transactions.map((tx) => tx.events)).toEqual([[]]);
  });

  test('that end coded bodies', () => {
    const coded = gzipSync(Buffer.alloc(3000, 'abcdef'));
    run((parser) => {
      feedText(parser, 0, GET);
      feedText(
        parser,
        1,
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${coded.length}\r\n\r\n`,
      );
      parser.feed(1, coded, 0, 12);
      parser.gap(1, 5);
      parser.feed(1, coded, 17, coded.length);
    });
  });
});

test('where another protocol begins within a piece', () => {
  for (const [request, head, protocol] of [
    [
      'GET /ws HTTP/1.1\r\nHost: a\r\n\r\n',
      'HTTP/1.1 101 Switching\r\nUpgrade: WebSocket\r\n\r\n',
      'websocket',
    ],
    ['CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 'HTTP/1.1 200 OK\r\nX: y\r\n\r\n', null],
  ] as const) {
    const recorder = new Recorder(HTTP1_BUFFERS);
    const parser = createHttp1().create(recorder);
    feedText(parser, 0, request);
    feedText(parser, 1, head.slice(0, 20));
    feedText(parser, 1, `${head.slice(20)}\x82\x01a`);
    expect(recorder.upgrades).toEqual([{ protocol, at: head.length - 20 }]);
    expect(recorder.transactions.map((tx) => [tx.ended, tx.progress])).toEqual([[1, [5, 5]]]);
    expect(parser.heldBytes()).toBe(0);
    feedText(parser, 0, GET);
    feedText(parser, 1, OK);
    expect(recorder.transactions).toHaveLength(1);
  }
});

describe('what a client sends behind a CONNECT before the answer', () => {
  const CONNECT = 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n';
  const ACCEPTED = 'HTTP/1.1 200 Connected\r\n\r\n';
  const REFUSED = 'HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n';
  const start = () => {
    const recorder = new Recorder(HTTP1_BUFFERS);
    return { recorder, parser: createHttp1().create(recorder) };
  };
  const targets = ({ transactions }: Recorder) => transactions.map((tx) => tx.buffers['>http.uri']);

  test.each([
    ['in one piece with it', (text: string) => [CONNECT + text]],
    ['behind it', (text: string) => [CONNECT, text]],
    ['byte by byte', (text: string) => [...(CONNECT + text)]],
  ])('another protocol, %s: it goes to whoever reads the tunnel', (_, pieces) => {
    const { recorder, parser } = start();
    for (const piece of pieces('\r\n\x16\x03\x01GET')) feedText(parser, 0, piece);
    feedText(parser, 1, ACCEPTED);
    expect(recorder.upgrades).toEqual([
      { protocol: null, at: ACCEPTED.length, early: '\r\n\x16\x03\x01GET', missing: 0 },
    ]);
    expect(parser.heldBytes()).toBe(0);
  });

  test('a request that has not come whole is the beginning of the tunnel, and read on', () => {
    const { recorder, parser } = start();
    feedText(parser, 0, `${CONNECT}GET /tun`);
    feedText(parser, 1, ACCEPTED);
    feedText(parser, 0, 'nelled HTTP/1.1\r\nHost: a\r\n\r\n');
    feedText(parser, 1, OK);
    expect(recorder.upgrades).toEqual([]);
    expect(targets(recorder)[1]).toBe('/tunnelled');
    expect(recorder.transactions.map((tx) => tx.ended)).toEqual([1, 1]);
  });

  test('so little that nobody can tell is left to whoever reads the tunnel', () => {
    const { recorder, parser } = start();
    feedText(parser, 0, `${CONNECT}GE`);
    feedText(parser, 1, ACCEPTED);
    expect(recorder.upgrades).toMatchObject([{ protocol: null, early: 'GE' }]);
  });

  test.each(['GET', 'ANY'])('a %s is seen at once, whatever the answer will be', (method) => {
    const { recorder, parser } = start();
    feedText(parser, 0, `${CONNECT}${method} /seen HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(targets(recorder)[1]).toBe('/seen');
  });

  test('where there is no tunnel, all of it is for the server', () => {
    const { recorder, parser } = start();
    feedText(parser, 0, `${CONNECT}\x01junk\r\n\r\nG`);
    feedText(parser, 1, REFUSED);
    feedText(parser, 0, GET.slice(1));
    feedText(parser, 1, OK + OK);
    expect(recorder.upgrades).toEqual([]);
    expect(targets(recorder).at(-1)).toBe('/');
    expect(recorder.transactions.at(-1)).toMatchObject({ ended: 1, progress: [5, 5] });
    expect(parser.heldBytes()).toBe(0);
  });

  test('a client that has closed its side has sent it all the same', () => {
    const { recorder, parser } = start();
    feedText(parser, 0, `${CONNECT}\x16\x03`);
    parser.close(0);
    feedText(parser, 1, ACCEPTED);
    expect(recorder.upgrades).toMatchObject([{ protocol: null, early: '\x16\x03' }]);
  });

  test('no more than a limit is kept, and of the rest its length', () => {
    const { recorder, parser } = start();
    feedText(parser, 0, CONNECT);
    for (let i = 0; i < 5; i++) feedText(parser, 0, '\x16'.repeat(20_000));
    parser.gap(0, 5);
    feedText(parser, 0, '\x16');
    feedText(parser, 1, ACCEPTED);
    const [{ early, missing }] = recorder.upgrades;
    expect([early?.length, missing]).toEqual([MOST_EARLY_BYTES, 100_006 - MOST_EARLY_BYTES]);
  });
});

describe('what a client sends behind an Upgrade before the answer', () => {
  const UPGRADE = 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';
  const FRAME = '\x81\x02hi';

  test.each([
    ['in one piece with it', [UPGRADE + FRAME]],
    ['behind it', [UPGRADE, FRAME]],
    ['byte by byte', [...(UPGRADE + FRAME)]],
  ])('belongs to the other protocol, %s', (_, pieces) => {
    const recorder = new Recorder(HTTP1_BUFFERS);
    const parser = createHttp1().create(recorder);
    for (const piece of pieces) feedText(parser, 0, piece);
    feedText(parser, 1, SWITCHING);
    expect(recorder.upgrades).toEqual([
      { protocol: 'websocket', at: SWITCHING.length, early: FRAME, missing: 0 },
    ]);
    expect(recorder.transactions).toHaveLength(1);
    expect(parser.heldBytes()).toBe(0);
  });

  test.each(['404 No', '200 OK'])('is more of HTTP where the answer is %s', (status) => {
    const recorder = new Recorder(HTTP1_BUFFERS);
    const parser = createHttp1().create(recorder);
    feedText(parser, 0, `${UPGRADE}GE`);
    feedText(parser, 1, `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
    feedText(parser, 0, 'T /next HTTP/1.1\r\nHost: a\r\n\r\n');
    feedText(parser, 1, OK);
    expect(recorder.upgrades).toEqual([]);
    expect(recorder.transactions.map((tx) => tx.buffers['>http.uri'])).toEqual(['/chat', '/next']);
    expect(recorder.transactions.map((tx) => tx.ended)).toEqual([1, 1]);
  });

  test('a request behind one that was sent before it is answered in its turn', () => {
    const recorder = new Recorder(HTTP1_BUFFERS);
    const parser = createHttp1().create(recorder);
    feedText(parser, 0, GET + UPGRADE + FRAME);
    feedText(parser, 1, OK);
    expect(recorder.upgrades).toEqual([]);
    feedText(parser, 1, SWITCHING);
    expect(recorder.upgrades).toMatchObject([{ protocol: 'websocket', early: FRAME }]);
  });
});

test('targets that are encoded twice are told where they are decoded twice', () => {
  const request = (target: string) => [[0, bytesOf(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)]] as const;
  for (const [target, uri, events, shown] of [
    ['/%2541?%2542', {}, [], '/%41?%42'],
    ['/%2541?%2542', { doubleDecodePath: true }, ['>http.DOUBLE_ENCODED_URI'], '/A?%42'],
    ['/%41?%2542', { doubleDecodeQuery: true }, ['>http.DOUBLE_ENCODED_URI'], '/A?B'],
    ['/%41?%42', { doubleDecodePath: true, doubleDecodeQuery: true }, [], '/A?B'],
  ] as const) {
    const [tx] = record(request(target), { uri }).transactions;
    expect([tx.buffers['>http.uri'], tx.events]).toEqual([shown, events]);
  }
});

test('a CR that waited for the byte behind it is no part of the head, and no byte before that is taken for it', () => {
  const pieces = ['\0 \0 \0\n\r\r\r', 'next\r\n'].map((piece) => [0, bytesOf(piece)] as const);
  const told = record(pieces).transactions.map(({ buffers }) => buffers);
  expect(told).toHaveLength(2);
  expect(told[0]['>http.request_body']).toBeUndefined();
  expect(told[1]).toMatchObject({ '>http.method': 'next' });
});

test('what follows a CONNECT is not kept for an answer that cannot come', () => {
  const recorder = new Recorder(HTTP1_BUFFERS);
  const parser = createHttp1().create(recorder);
  feedText(parser, 0, 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n');
  parser.close(1);
  feedText(parser, 0, '\x16\x03\x01\x02\x00\x01');
  parser.close(0);
  expect(parser.heldBytes()).toBe(0);
  expect(recorder.transactions.map((tx) => tx.ended)).toEqual([1]);
});

test('a parser that was reset is as new', () => {
  const recorder = new Recorder(HTTP1_BUFFERS);
  const parser = createHttp1().create(recorder);
  feedText(parser, 0, `${GET}POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12`);
  parser.reset();
  expect(recorder.transactions.map((tx) => tx.ended)).toEqual([1, 1]);
  feedText(parser, 0, GET);
  feedText(parser, 1, OK);
  expect(recorder.transactions[2]).toMatchObject({ id: 0, ended: 1, progress: [5, 5], events: [] });
});

test('matchState is carried and null on reuse', () => {
  const states: unknown[] = [];
  const parser = createHttp1().create(
    listener({
      onProgress: (tx: Transaction) => {
        states.push(tx.matchState);
        tx.matchState = 7;
      },
    }),
  );
  for (let i = 0; i < 2; i++) {
    feedText(parser, 0, GET);
    feedText(parser, 1, OK);
  }
  expect(states).toEqual([null, 7, null, 7]);
});

describe('hostile input', () => {
  const corpus = CONVERSATIONS.filter(({ name }) => !name.startsWith('an absurd') && name !== 'a bomb');
  const definition = createHttp1({
    limits: { headBytes: 4096, requestBody: 4096, responseBody: 4096, pendingTransactions: 8 },
  });

  test('mutated conversations, gaps and closes: nothing is thrown, nothing stays, every transaction ends', () => {
    const seed = testSeed();
    const random = new Random(seed);
    for (let round = 0; round < rounds(80, 400); round++) {
      const mutated = [...random.pick(corpus).pieces, ...random.pick(corpus).pieces].map(
        ([direction, original]) => {
          let bytes: Buffer = Buffer.from(original);
          for (let n = random.next(4); n > 0; n--) bytes = mutate(bytes, random);
          return [direction, bytes] as const;
        },
      );
      const recorder = new Recorder(HTTP1_BUFFERS);
      const parser = definition.create(recorder);
      try {
        for (const piece of split(mutated, random, random.pick([3, 50, 2000]))) {
          if (random.next(60) === 0) parser.gap(random.next(2) as Direction, 1 + random.next(100));
          feedAll(parser, [piece]);
          if (random.next(200) === 0) parser.close(random.next(2) as Direction);
          if (parser.heldBytes() >= 200_000) throw new Error(`holds ${parser.heldBytes()} bytes`);
        }
        parser.close(0);
        parser.close(1);
        if (parser.heldBytes() !== 0) throw new Error(`holds ${parser.heldBytes()} bytes`);
        if (recorder.transactions.some((tx) => tx.ended !== 1))
          throw new Error(
            `a transaction did not end once: ${JSON.stringify(recorder.transactions.find((tx) => tx.ended !== 1))}`,
          );
      } catch (error) {
        throw new Error(`SEED=${seed} round ${round}: ${(error as Error).stack}`);
      }
    }
  });

  test('random bytes', () => {
    const seed = testSeed();
    const random = new Random(seed);
    const letters = [
      '\r',
      '\n',
      ' ',
      ':',
      '0',
      'a',
      'F',
      ';',
      '\0',
      'GET ',
      ' HTTP/1.1',
      'HTTP/1.1 200',
      '\t',
      '\xff',
      'chunked',
    ];
    for (let round = 0; round < rounds(400, 2000); round++) {
      const pieces = Array.from({ length: 1 + random.next(6) }, () => {
        let text = '';
        for (let n = random.next(40); n > 0; n--) text += random.pick(letters);
        return [random.next(2) as Direction, bytesOf(text)] as const;
      });
      try {
        record(pieces);
      } catch (error) {
        throw new Error(`SEED=${seed} round ${round}: ${(error as Error).stack}`);
      }
    }
  });

  test('white space before a response is bounded, also by a small limit', () => {
    for (const headBytes of [512, 65_536]) {
      const recorder = new Recorder(HTTP1_BUFFERS);
      const parser = createHttp1({ limits: { headBytes } }).create(recorder);
      feedText(parser, 0, GET);
      feedText(parser, 1, ' '.repeat(100_000));
      for (let i = 0; i < 3000; i++) feedText(parser, 1, ' ');
      parser.close(1);
      parser.close(0);
      expect(recorder.transactions.map((tx) => [tx.ended, tx.progress[1]])).toEqual([[1, 5]]);
    }
  });

  test('one byte at a time, without end: work and memory stay in proportion', () => {
    const endless = ['GET /', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nX: ', 'GET / HTTP/1.1\r\nx\r\n '];
    const tails = ['a', '\r', ' ', 'x\r\n ', 'a\r\n', 'a:\r\n'];
    for (const head of endless) {
      for (const tail of tails) {
        for (const direction of [0, 1] as const) {
          const recorder = listener({});
          const parser = createHttp1({ limits: { headBytes: 4096 } }).create(recorder);
          feedText(parser, 0, GET);
          feedText(
            parser,
            direction,
            direction === 0 ? head : head.replace('GET / HTTP/1.1', 'HTTP/1.1 200 OK'),
          );
          const bytes = bytesOf(tail);
          for (let i = 0; i < 6000; i++) {
            const at = i % bytes.length;
            parser.feed(direction, bytes, at, at + 1);
          }
          expect(parser.heldBytes()).toBeLessThan(400_000);
          parser.reset();
        }
      }
    }
  });
});

function mutate(bytes: Buffer, random: Random): Buffer {
  if (bytes.length === 0) return bytes;
  const at = random.next(bytes.length);
  const out = Buffer.from(bytes);
  switch (random.next(6)) {
    case 0:
      out[at] = random.next(256);
      return out;
    case 1:
      out[at] = random.pick([10, 13, 32, 0, 58, 9]);
      return out;
    case 2:
      return Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(Math.min(bytes.length, at + 1 + random.next(20))),
      ]);
    case 3:
      return Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(random.next(at + 1), at),
        bytes.subarray(at),
      ]);
    case 4:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(random.pick(['\r\n', '\n', '\r', '\r\n\r\n', ': ', '\0'])),
        bytes.subarray(at),
      ]);
    default:
      return bytes.subarray(0, at);
  }
}
