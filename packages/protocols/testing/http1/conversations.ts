/** Conversations and what a rule must see of them; every one is also fed in pieces. */

import { createHash } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { bytesOf, type Piece } from '../recorder';

export interface Conversation {
  name: string;
  pieces: readonly Piece[];
  /** Buffers that must be so, per transaction; null: must not be there. */
  expect: readonly Record<string, string | null>[];
  /** All events of each transaction; left out: none. */
  events?: readonly (readonly string[])[];
  /** Events without a transaction. */
  loose?: readonly string[];
  /** Protocols that follow; left out: none. */
  upgrades?: readonly (string | null)[];
  /** Where bytes that were not announced are cut decides what they belong to, as in libhtp: fed only as it stands. */
  uncut?: true;
}

const C = (text: string): Piece => [0, bytesOf(text)];
const S = (text: string): Piece => [1, bytesOf(text)];
const raw = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const text = 'the quick brown fox jumps over the lazy dog '.repeat(40);
const gzipped = raw(gzipSync(text));

function coded(coding: string, body: string, more = ''): Piece[] {
  return [
    C(GET),
    S(
      `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`,
    ),
  ];
}

function form(type: string, parts: readonly string[]): string {
  const body = parts.join('');
  return `POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function digest(algorithm: string, content: string): string {
  return createHash(algorithm).update(content, 'latin1').digest().toString('latin1');
}

export const CONVERSATIONS: readonly Conversation[] = [
  {
    name: 'an ordinary request and response',
    pieces: [
      C(
        'GET /index.html?a=1 HTTP/1.1\r\nHost: Example.COM:8080\r\nUser-Agent: Mozilla/5.0\r\nCookie: s=1; t=2\r\nAccept: */*\r\n\r\n',
      ),
      S(
        'HTTP/1.1 200 OK\r\nServer: nginx\r\nSet-Cookie: a=b\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello',
      ),
    ],
    expect: [
      {
        '>http.method': 'GET',
        '>http.uri': '/index.html?a=1',
        '>http.protocol': 'HTTP/1.1',
        '>http.request_line': 'GET /index.html?a=1 HTTP/1.1',
        '>http.header': 'Host: Example.COM:8080\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n',
        '>http.header_names': '\r\nHost\r\nUser-Agent\r\nCookie\r\nAccept\r\n\r\n',
        '>http.host': 'example.com',
        '>http.host.raw': 'Example.COM:8080',
        '>http.cookie': 's=1; t=2',
        '>http.request_header[2]': 'Cookie: s=1; t=2',
        '>http.request_body': null,
        '<http.stat_code': '200',
        '<http.stat_msg': 'OK',
        '<http.protocol': 'HTTP/1.1',
        '<http.response_line': 'HTTP/1.1 200 OK',
        '<http.cookie': 'a=b',
        '<http.server': 'nginx',
        '<http.header': 'Server: nginx\r\nContent-Type: text/html\r\nContent-Length: 5\r\n',
        '<http.content_type': 'text/html',
        '<http.content_len': '5',
        '<http.response_body': 'hello',
        '<file.data': 'hello',
      },
    ],
  },
  {
    name: 'pipelined requests, responses in order, HEAD without body',
    pieces: [
      C(
        `HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET /3 HTTP/1.1\r\nHost: a\r\n\r\n`,
      ),
      S(
        'HTTP/1.1 200 one\r\nContent-Length: 99\r\n\r\nHTTP/1.1 204 two\r\n\r\nHTTP/1.1 200 three\r\nContent-Length: 1\r\n\r\nx',
      ),
    ],
    expect: [
      { '>http.uri': '/1', '<http.stat_msg': 'one', '<http.response_body': null },
      { '>http.uri': '/2', '>http.request_body': 'body', '<http.stat_msg': 'two' },
      { '>http.uri': '/3', '<http.stat_msg': 'three', '<http.response_body': 'x' },
    ],
  },
  {
    name: 'chunked with extensions and trailers, both directions',
    pieces: [
      C(
        'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-T: 1\r\nX-U:2\r\n\r\n',
      ),
      S('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'),
    ],
    expect: [
      {
        '>http.request_body': 'abc0123456789',
        '>http.trailer': 'X-T: 1\r\nX-U: 2\r\n',
        '>file.data[0]': 'abc0123456789',
        '>file.name[0]': '/c',
        '<http.response_body': 'hi',
        '<http.trailer': null,
      },
    ],
    events: [['>http.REQUEST_CHUNK_EXTENSION']],
  },
  {
    name: 'chunked with white space, line feeds only and leading zeros',
    pieces: [
      C(GET),
      S('HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n\r\n  0003 \nabc\n002\r\nde\r\n00\n\n'),
    ],
    expect: [{ '<http.response_body': 'abcde' }],
  },
  {
    name: 'an invalid chunk size: the rest is the body',
    pieces: [C(GET), S('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nxyz evil')],
    expect: [{ '<http.response_body': 'hixyz evil' }],
    events: [['<http.INVALID_RESPONSE_CHUNK_LEN']],
  },
  {
    name: 'chunked wins over Content-Length',
    pieces: [
      C(
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      ),
      S(OK),
    ],
    expect: [{ '>http.request_body': 'hello' }],
  },
  {
    name: 'conflicting Content-Length: the first counts',
    pieces: [
      C(
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 9\r\n\r\nabcGET /x HTTP/1.1\r\nHost: a\r\n\r\n',
      ),
      S(OK + OK),
    ],
    expect: [{ '>http.request_body': 'abc', '>http.content_len': '3' }, { '>http.uri': '/x' }],
    events: [['>http.REQUEST_HEADER_REPETITION', '>http.DUPLICATE_CONTENT_LENGTH_FIELD_IN_REQUEST']],
  },
  {
    name: 'a Content-Length that is none',
    pieces: [
      C('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n'),
    ],
    expect: [{ '>http.uri': '/a' }, { '>http.uri': '/b' }],
    events: [['>http.INVALID_CONTENT_LENGTH_FIELD_IN_REQUEST']],
  },
  {
    name: 'a body until the connection closes',
    pieces: [C('GET / HTTP/1.0\r\n\r\n'), S('HTTP/1.0 200 OK\r\n\r\nall of it'), S(' and more')],
    expect: [{ '<http.response_body': 'all of it and more' }],
  },
  {
    name: 'HTTP/0.9',
    pieces: [C('GET /old\r\n'), S('<html>old</html>')],
    expect: [
      {
        '>http.uri': '/old',
        '>http.protocol': null,
        '>http.header': null,
        '<http.response_body': '<html>old</html>',
      },
    ],
  },
  {
    name: 'HTTP/0.9 answered with a head',
    pieces: [C('GET /old\r\n'), S(OK)],
    expect: [{ '>http.uri': '/old', '<http.stat_code': '200', '<http.response_body': 'ok' }],
  },
  {
    name: 'a request line without protocol, but with fields',
    pieces: [C('GET /old\r\nHost: a\r\n\r\n'), S(OK)],
    expect: [{ '>http.uri': '/old', '>http.host': 'a' }],
    events: [['>http.REQUEST_LINE_MISSING_PROTOCOL']],
  },
  {
    name: 'repeated fields are joined, in the first place',
    pieces: [
      C('GET / HTTP/1.1\r\nHost: A\r\nX-Y: 1\r\nUser-Agent: a\r\nx-y: 2\r\nuser-agent: b\r\nHost: B\r\n\r\n'),
      S(OK),
    ],
    expect: [
      {
        '>http.user_agent': 'a, b',
        '>http.host': 'a, b',
        '>http.header': 'Host: A, B\r\nX-Y: 1, 2\r\nUser-Agent: a, b\r\n',
        '>http.header_names': '\r\nHost\r\nX-Y\r\nUser-Agent\r\n\r\n',
        '>http.request_header[1]': 'X-Y: 1, 2',
        '>http.request_header[3]': null,
      },
    ],
    events: [['>http.REQUEST_HEADER_REPETITION', '>http.REQUEST_HEADER_HOST_INVALID']],
  },
  {
    name: 'folded fields',
    pieces: [C('GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: one\r\n  two\r\n\tthree\r\nX: y\r\n\r\n'), S(OK)],
    expect: [
      {
        '>http.user_agent': 'one two\tthree',
        '>http.header': 'Host: a\r\nUser-Agent: one two\tthree\r\nX: y\r\n',
      },
    ],
  },
  {
    name: 'an indented field of a response is a field',
    pieces: [C(GET), S('HTTP/1.1 200 OK\r\nX: y\r\n Content-Length: 2\r\n\r\nok')],
    expect: [{ '<http.response_body': 'ok', '<http.content_len': '2' }],
    events: [['<http.INVALID_RESPONSE_FIELD_FOLDING']],
  },
  {
    name: 'line feeds only, and stray line ends between messages',
    pieces: [
      C('\r\n\nGET /lf HTTP/1.1\nHost: a\nX:  y  \n\n\r\n'),
      S('HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n'),
    ],
    expect: [{ '>http.uri': '/lf', '>http.header': 'Host: a\r\nX: y\r\n', '<http.response_body': 'ok' }],
  },
  {
    name: 'carriage returns only in a response',
    pieces: [C(GET), S('HTTP/1.1 200 OK\rContent-Length: 2\rX: y\r\rok')],
    expect: [{ '<http.response_body': 'ok', '<http.header': 'Content-Length: 2\r\nX: y\r\n' }],
  },
  {
    name: 'line feed and carriage return the wrong way round in a response',
    pieces: [C(GET), S('HTTP/1.1 200 OK\n\rContent-Length: 2\n\rX: y\n\r\nok')],
    expect: [{ '<http.response_body': 'ok', '<http.header': 'Content-Length: 2\r\nX: y\r\n' }],
    events: [['<http.DEFORMED_EOL']],
  },
  {
    name: 'null bytes in a field and in the URI',
    pieces: [C('GET /a\0b HTTP/1.1\r\nHost: a\r\nX: 1\x002\r\n\r\n'), S(OK)],
    expect: [{ '>http.uri': '/a\0b', '>http.header': 'Host: a\r\nX: 1\x002\r\n' }],
  },
  {
    name: 'white space where it should not be',
    pieces: [C('  GET\t/a b  HTTP/1.1  \r\nHost : a\r\n\r\n'), S(OK)],
    expect: [{ '>http.method': 'GET', '>http.uri': '/a b', '>http.protocol': 'HTTP/1.1', '>http.host': 'a' }],
    events: [
      [
        '>http.REQUEST_INVALID_LWS_AFTER_NAME',
        '>http.REQUEST_LINE_LEADING_WHITESPACE',
        '>http.METHOD_DELIM_NON_COMPLIANT',
      ],
    ],
  },
  {
    name: 'a field without colon',
    pieces: [C('GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\nX: y\r\n\r\n'), S(OK)],
    expect: [{ '>http.header': 'Host: a\r\n: nonsense\r\nX: y\r\n' }],
    events: [['>http.REQUEST_FIELD_MISSING_COLON']],
  },
  {
    name: 'no Host in HTTP/1.1; an authorisation nobody knows',
    pieces: [C('GET / HTTP/1.1\r\nAuthorization: Magic 1\r\n\r\n'), S(OK)],
    expect: [{ '>http.host': null }],
    events: [['>http.MISSING_HOST_HEADER', '>http.REQUEST_AUTH_UNRECOGNIZED']],
  },
  {
    name: 'a request to a proxy',
    pieces: [C('GET http://User@Other.Example:81/p?q#f HTTP/1.1\r\nHost: a\r\n\r\n'), S(OK)],
    expect: [
      {
        '>http.uri': '/p?q#f',
        '>http.uri.raw': 'http://User@Other.Example:81/p?q#f',
        '>http.host': 'other.example',
        '>http.host.raw': 'Other.Example',
      },
    ],
    events: [['>http.HOST_HEADER_AMBIGUOUS']],
  },
  {
    name: 'last dots, ports and addresses of hosts',
    pieces: [
      C('GET http://A.example.:81/ HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\nHost: B.example.:8080\r\n\r\n'),
      C('GET / HTTP/1.1\r\nHost: [2001:DB8::1]:8080\r\n\r\n'),
    ],
    expect: [
      { '>http.host': 'a.example' },
      { '>http.host': 'b.example.' },
      { '>http.host': '[2001:db8::1]' },
    ],
  },
  {
    name: 'percent encodings are undone once',
    pieces: [
      C('GET /%252e%252e/%2e%2e/x%2Fy\\z//./%u0041%zz?q=%2527%20+ HTTP/1.1\r\nHost: a\r\n\r\n'),
      S(OK),
    ],
    expect: [{ '>http.uri': '/x/y/z/A%zz?q=%27 +' }],
  },
  {
    name: '100-continue, then the real response',
    pieces: [
      C('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'),
      S('HTTP/1.1 100 Continue\r\nX: y\r\n\r\n'),
      C('abc'),
      S('HTTP/1.1 103 Early Hints\r\nLink: z\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'),
    ],
    expect: [
      { '>http.request_body': 'abc', '<http.stat_code': '201', '<http.header': 'Content-Length: 0\r\n' },
    ],
  },
  {
    name: 'a refused expectation ends the request',
    pieces: [
      C('POST /1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'),
      S('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n'),
      C('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n'),
      S(OK),
    ],
    expect: [
      { '>http.uri': '/1', '<http.stat_code': '417' },
      { '>http.uri': '/2', '<http.stat_code': '200' },
    ],
  },
  {
    name: 'a response without request',
    pieces: [S(OK), C(GET), S(OK)],
    expect: [
      { '<http.response_body': 'ok', '>http.method': null },
      { '>http.method': 'GET', '<http.response_body': 'ok' },
    ],
    events: [['<http.UNABLE_TO_MATCH_RESPONSE_TO_REQUEST']],
  },
  {
    name: 'an upgrade ends HTTP',
    pieces: [
      C('GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
      S('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 no'),
      C('GET /not-http HTTP/1.1\r\n\r\n'),
    ],
    expect: [{ '>http.connection': 'Upgrade', '<http.stat_code': '101', '<http.response_body': null }],
    upgrades: ['websocket'],
  },
  {
    name: 'CONNECT and another protocol',
    pieces: [
      C('CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n'),
      S('HTTP/1.1 200 Established\r\n\r\n'),
      C('\x16\x03\x01 GET / HTTP/1.1\r\n\r\n'),
      S('\x16\x03\x01HTTP/1.1 200 OK\r\n\r\n'),
    ],
    expect: [
      {
        '>http.method': 'CONNECT',
        '>http.uri': null,
        '>http.uri.raw': 'a.example:443',
        '>http.host': 'a.example',
        '<http.stat_code': '200',
      },
    ],
    upgrades: [null],
  },
  {
    name: 'CONNECT and HTTP inside',
    pieces: [
      C('CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n'),
      S('HTTP/1.1 200 Established\r\n\r\n'),
      C('GET /inside HTTP/1.1\r\nHost: b\r\n\r\n'),
      S(OK),
    ],
    // Whoever hears of the upgrade finds HTTP by its bytes and gives it a new parser.
    expect: [{ '>http.method': 'CONNECT' }],
    upgrades: [null],
  },
  {
    name: 'an upgrade to HTTP/2',
    pieces: [
      C('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n'),
      S('HTTP/1.1 101 Switching Protocols\r\nUpgrade: H2C\r\n\r\n'),
    ],
    expect: [{ '<http.stat_code': '101' }],
    upgrades: ['http2'],
  },
  {
    name: 'an upgrade to what nobody knows is no HTTP either',
    pieces: [
      C('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n'),
      S('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nHTTP/1.1 200 no\r\n\r\n'),
      C('GET / HTTP/1.1\r\n\r\n'),
    ],
    expect: [{ '<http.stat_code': '101' }],
  },
  {
    name: 'a refused CONNECT goes on as HTTP',
    pieces: [
      C('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'),
      S('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno'),
      C(GET),
      S(OK),
    ],
    expect: [{ '<http.stat_code': '403', '<http.response_body': 'no' }, { '>http.method': 'GET' }],
  },
  {
    name: '304 with a length and no body, then 204 with a length and a body',
    pieces: [
      C(GET + GET),
      S(
        'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\nHTTPat',
      ),
    ],
    expect: [
      { '<http.stat_code': '304', '<http.response_body': null },
      { '<http.stat_code': '204', '<http.response_body': 'HTTPat' },
    ],
    events: [[], ['<http.RESPONSE_BODY_UNEXPECTED']],
  },
  {
    name: 'a response that is only a body',
    pieces: [C(GET), S('<html>no head at all\nand no more</html>')],
    expect: [{ '<http.response_body': '<html>no head at all\nand no more</html>', '<http.stat_code': null }],
  },
  {
    name: 'a line of junk before the status line',
    pieces: [C(GET), S(`junk\r\n${OK}`)],
    expect: [{ '<http.response_body': 'ok', '<http.stat_code': '200' }],
  },
  {
    name: 'an impossible status line',
    pieces: [C(GET), S('HTTP/7.3 2x0 OK\r\nContent-Length: 2\r\n\r\nok')],
    expect: [{ '<http.response_body': 'ok', '<http.stat_code': '2x0' }],
    events: [
      [
        '<http.RESPONSE_INVALID_PROTOCOL',
        '<http.RESPONSE_LINE_INVALID_PROTOCOL',
        '<http.RESPONSE_INVALID_STATUS',
        '<http.RESPONSE_LINE_INVALID_RESPONSE_STATUS',
      ],
    ],
  },
  {
    name: 'a body that was not announced',
    pieces: [C('GET / HTTP/1.1\r\nHost: a\r\n\r\nleft over\r\n'), S(OK)],
    expect: [{ '>http.uri': '/', '>http.request_body': 'left over\r\n' }],
    events: [['>http.REQUEST_BODY_UNEXPECTED']],
    uncut: true,
  },
  {
    name: 'more body than announced, over several pieces, before the next request',
    pieces: [
      C('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\nno method'),
      C(' here\r\n'),
      C('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n'),
      S(OK),
      S(OK),
    ],
    expect: [
      { '>http.request_body': 'abc\r\nno method here\r\n', '<http.response_body': 'ok' },
      { '>http.uri': '/2', '>http.request_body': null, '<http.response_body': 'ok' },
    ],
    events: [['>http.REQUEST_BODY_UNEXPECTED']],
    uncut: true,
  },
  {
    name: 'what follows a request in a later piece is a request, whatever it is',
    pieces: [C('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), C('left over\r\n'), S(OK)],
    expect: [{ '>http.uri': '/', '>http.request_body': null }, { '>http.method': 'left' }],
    events: [[], ['>http.REQUEST_LINE_INVALID', '>http.REQUEST_LINE_UNKNOWN_METHOD_NO_PROTOCOL']],
  },
  {
    name: 'odd names, lengths and versions',
    pieces: [
      C('POST /a\tb HTTP/01.1\r\nHost: a\r\n: x\r\nX@: y\r\nContent-Length: +3;\r\n\r\nabc'),
      S('HTTP/1.1 200 OK\r\nY@: 1\r\nContent-Range: bytes 5-3/10\r\nContent-Length: 0\r\n\r\n'),
      C('X\r\n'),
    ],
    expect: [{ '>http.uri': '/a\tb', '>http.request_body': 'abc' }, {}],
    events: [
      [
        '>http.REQUEST_HEADER_INVALID',
        '>http.REQUEST_INVALID_EMPTY_NAME',
        '>http.URI_DELIM_NON_COMPLIANT',
        '>http.PROTOCOL_CONTAINS_EXTRA_DATA',
        '>http.CONTENT_LENGTH_EXTRA_DATA_START',
        '>http.CONTENT_LENGTH_EXTRA_DATA_END',
        '<http.RESPONSE_HEADER_NAME_NOT_TOKEN',
        '<http.RANGE_INVALID',
      ],
      ['>http.REQUEST_LINE_INVALID', '>http.REQUEST_LINE_UNKNOWN_METHOD'],
    ],
  },
  {
    name: 'parts of a file without a length, and a switch with one',
    pieces: [
      C(GET),
      S('HTTP/1.1 101 x\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok'),
      C(GET),
      S('HTTP/1.1 206 x\r\nContent-Type: Multipart/Byteranges; boundary=x\r\n\r\n--x'),
    ],
    expect: [{ '<http.response_body': 'ok' }, { '<http.response_body': '--x' }],
    events: [
      ['<http.SWITCHING_PROTO_WITH_CONTENT_LENGTH', '<http.RESPONSE_BODY_UNEXPECTED'],
      ['<http.RESPONSE_MULTIPART_BYTERANGES'],
    ],
  },
  { name: 'gzip', pieces: coded('gzip', gzipped), expect: [{ '<http.response_body': text }] },
  {
    name: 'deflate with zlib head',
    pieces: coded('deflate', raw(deflateSync(text))),
    expect: [{ '<file.data': text }],
  },
  {
    name: 'deflate without head',
    pieces: coded('deflate', raw(deflateRawSync(text))),
    expect: [{ '<file.data': text }],
  },
  { name: 'gzip called deflate', pieces: coded('deflate', gzipped), expect: [{ '<file.data': text }] },
  {
    name: 'gzip of two members',
    pieces: coded('x-gzip', gzipped + raw(gzipSync('again'))),
    expect: [{ '<file.data': `${text}again` }],
  },
  {
    name: 'gzip with garbage behind',
    pieces: coded('gzip', `${gzipped}\0\0garbage`),
    expect: [{ '<file.data': text }],
  },
  {
    name: 'gzip of gzip',
    pieces: coded('gzip, gzip', raw(gzipSync(gzipSync(text)))),
    expect: [{ '<file.data': text }],
  },
  {
    name: 'one coding too many: undone as far as allowed',
    pieces: coded('gzip, gzip, gzip', raw(gzipSync(gzipSync(text)))),
    expect: [{ '<file.data': text }],
    events: [['<http.TOO_MANY_ENCODING_LAYERS']],
  },
  {
    name: 'called gzip but not coded',
    pieces: coded('gzip', 'plainly not coded'),
    expect: [{ '<file.data': 'plainly not coded' }],
    events: [['<http.GZIP_DECOMPRESSION_FAILED']],
  },
  { name: 'brotli', pieces: coded('br', raw(brotliCompressSync(text))), expect: [{ '<file.data': text }] },
  {
    name: 'brotli in gzip',
    pieces: coded('br, gzip', raw(gzipSync(brotliCompressSync(text)))),
    expect: [{ '<file.data': text }],
  },
  {
    name: 'called brotli but not coded',
    pieces: coded('br', 'plainly not coded'),
    expect: [{ '<file.data': 'plainly not coded' }],
    events: [['<http.GZIP_DECOMPRESSION_FAILED']],
  },
  {
    name: 'zstandard stays as it is',
    pieces: coded('zstd', 'whatever'),
    expect: [{ '<file.data': 'whatever' }],
  },
  {
    name: 'a form with files',
    pieces: [
      C(
        form('multipart/form-data; boundary="x-y"', [
          'preamble\r\n--x-y\r\nContent-Disposition: form-data; name="a"\r\n\r\nplain --x value\r\n',
          '--x-y\r\ncontent-disposition: form-data; name=f; filename="a \\"b\\".exe"\r\nContent-Type: x\r\n\r\nMZ\r\n-\r\n--x\r\n\r\n',
          '--x-y\nContent-Disposition: form-data; filename=c.txt ; name=g\n\nhello\n--x-y--\r\nepilogue',
        ]),
      ),
      S(OK),
    ],
    expect: [
      {
        '>file.name[0]': 'a \\"b\\".exe',
        '>file.data[0]': 'MZ\r\n-\r\n--x\r\n',
        '>file.size[0]': '\0\0\0\0\0\0\0\x0c',
        '>file.md5[0]': digest('md5', 'MZ\r\n-\r\n--x\r\n'),
        '>file.name[1]': 'c.txt',
        '>file.data[1]': 'hello',
        '>file.sha1[1]': digest('sha1', 'hello'),
        '>file.data[2]': null,
        '<file.name[0]': '/upload',
        '<file.data': 'ok',
        '<file.sha256[0]': digest('sha256', 'ok'),
      },
    ],
  },
  {
    name: 'a form that does not end, an empty file, and a header that is none',
    pieces: [
      C(
        form('multipart/form-data;boundary=b', [
          '--b\r\nnonsense\r\nContent-Disposition: x; filename=1\r\n\r\n--b\r\n',
          'Content-Disposition: x; filename=2\r\n\r\nabc',
        ]),
      ),
      S(OK),
    ],
    expect: [
      {
        '>file.name[0]': '1',
        '>file.size[0]': '\0\0\0\0\0\0\0\0',
        '>file.name[1]': '2',
        '>file.data[1]': 'abc',
        '>file.size[1]': null,
        '>file.md5[1]': null,
      },
    ],
    events: [['>http.MULTIPART_INVALID_HEADER', '>http.MULTIPART_NO_FILEDATA']],
  },
  {
    name: 'bodies that are files, and their names',
    pieces: [
      C('PUT /dir//a%2ebin?q HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
      S(
        'HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename="x.exe"; size=2\r\nContent-Length: 2\r\n\r\nok',
      ),
      C('PATCH /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
      S('HTTP/1.1 200 OK\r\nContent-Disposition: inline\r\nContent-Length: 0\r\n\r\n'),
    ],
    expect: [
      {
        '>file.name[0]': '/dir/a.bin',
        '>file.data[0]': 'abc',
        '>file.size[0]': '\0\0\0\0\0\0\0\x03',
        '<file.name[0]': 'x.exe',
        '<file.md5[0]': digest('md5', 'ok'),
      },
      { '>http.request_body': 'abc', '>file.data[0]': null, '>file.name[0]': null, '<file.name[0]': null },
    ],
  },
  {
    name: 'a coding nobody knows',
    pieces: coded('rot13', 'uryyb'),
    expect: [{ '<file.data': 'uryyb' }],
    events: [['<http.ABNORMAL_CE_HEADER']],
  },
  {
    name: 'gzip in chunks',
    pieces: [
      C(GET),
      S(
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n${gzipped.slice(0, 16)}\r\n${(gzipped.length - 16).toString(16)}\r\n${gzipped.slice(16)}\r\n0\r\n\r\n`,
      ),
    ],
    expect: [{ '<file.data': text }],
  },
  {
    name: 'a gzipped request body',
    pieces: [
      C(
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: ${gzipped.length}\r\n\r\n${gzipped}`,
      ),
      S(OK),
    ],
    expect: [{ '>http.request_body': text }],
  },
  {
    name: 'a truncated gzip body gives what there is',
    pieces: [
      C(GET),
      S(
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n${raw(gzipSync('x'.repeat(30), { level: 0 })).slice(0, 25)}`,
      ),
    ],
    expect: [{ '<file.data': 'x'.repeat(10) }],
  },
  {
    name: 'a bomb',
    pieces: coded('br', raw(brotliCompressSync(Buffer.alloc(400_000)))),
    expect: [{ '<file.data': '\0'.repeat(102_400), '<file.size[0]': null, '<file.md5[0]': null }],
    events: [['<http.COMPRESSION_BOMB']],
  },
  {
    name: 'a request line that never ends',
    pieces: [C('GET /trunc'), S('HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n')],
    expect: [{ '>http.uri': '/trunc', '<http.stat_code': '408' }],
    events: [['>http.REQUEST_LINE_INCOMPLETE']],
  },
  {
    name: 'a head that never ends',
    pieces: [C('GET /trunc HTTP/1.1\r\nHost: a\r\nX: y')],
    expect: [{ '>http.uri': '/trunc', '>http.header': 'Host: a\r\nX: y\r\n' }],
  },
  {
    name: 'an absurd field',
    pieces: [C(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`), S(OK)],
    expect: [{ '>http.header': `Host: a\r\nX: ${'y'.repeat(20_000)}\r\n` }],
    events: [['>http.REQUEST_FIELD_TOO_LONG']],
  },
  {
    name: 'an absurd head: what is beyond the limit is looked at as a body',
    pieces: [C(`GET /big HTTP/1.1\r\nHost: a\r\n${'X: 0123456789abcdef\r\n'.repeat(7000)}\r\ntail`)],
    expect: [{ '>http.uri': '/big', '>http.host': 'a' }],
    events: [
      [
        '>http.REQUEST_HEAD_TOO_LONG',
        '>http.REQUEST_FIELD_TOO_LONG',
        '>http.REQUEST_TOO_MANY_HEADERS',
        '>http.REQUEST_HEADER_REPETITION',
      ],
    ],
  },
];
