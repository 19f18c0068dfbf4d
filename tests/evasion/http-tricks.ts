/**
 * Evasions within HTTP, each a change of a request. What can be combined is: how the word is written where it stands, how its
 * body is wrapped, what the head looks like, and what else the connection carries.
 */
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { SeededRandom } from '@portcullis/testkit';
import { bytesOf, type HttpRequest, latin1, type Place, plainRequest, withField } from './http-request';

export interface HttpTrick {
  readonly name: string;
  /** Where the word may stand for this trick; all where it is left out. */
  readonly places?: readonly Place[];
  apply(request: HttpRequest, random: SeededRandom): HttpRequest;
}

/** How a word is put into a request. */
export interface Writing {
  readonly name: string;
  readonly place: Place;
  write(word: string, random: SeededRandom): HttpRequest;
}

const hex = (code: number, digits = 2): string => code.toString(16).padStart(digits, '0');
const everyCharacter = (word: string, change: (character: string, code: number) => string): string =>
  [...word].map((character) => change(character, character.charCodeAt(0))).join('');
const percent = (code: number): string => `%${hex(code)}`;
const overlong = (code: number): string => percent(0xc0 | (code >> 6)) + percent(0x80 | (code & 0x3f));
const overlongThree = (code: number): string =>
  `%e0${percent(0x80 | (code >> 6))}${percent(0x80 | (code & 0x3f))}`;

const inPath = (name: string, path: (word: string, random: SeededRandom) => string): Writing => ({
  name: `path: ${name}`,
  place: 'uri',
  write: (word, random) => ({ ...plainRequest, target: `/shop/${path(word, random)}` }),
});
const inQuery = (name: string, query: (word: string, random: SeededRandom) => string): Writing => ({
  name: `query: ${name}`,
  place: 'uri',
  write: (word, random) => ({ ...plainRequest, target: `/shop?a=1&b=${query(word, random)}&c=2` }),
});
const target = (name: string, make: (word: string, random: SeededRandom) => string): Writing => ({
  name: `target: ${name}`,
  place: 'uri',
  write: (word, random) => ({ ...plainRequest, target: make(word, random) }),
});

const ENCODINGS: readonly (readonly [string, (word: string, random: SeededRandom) => string])[] = [
  ['as it is', (word) => word],
  ['percent-encoded', (word) => everyCharacter(word, (_, code) => percent(code))],
  ['percent-encoded in capitals', (word) => everyCharacter(word, (_, code) => percent(code).toUpperCase())],
  [
    'percent-encoded here and there',
    (word, random) => everyCharacter(word, (c, code) => (random.chance() ? percent(code) : c)),
  ],
  ['percent-encoded twice', (word) => everyCharacter(word, (_, code) => `%25${hex(code)}`)],
  [
    'percent-encoded once or twice',
    (word, random) =>
      everyCharacter(word, (c, code) =>
        random.pick([
          c,
          percent(code),
          `%25${hex(code)}`,
          `%${everyCharacter(hex(code), (_, digit) => percent(digit))}`,
        ]),
      ),
  ],
  [
    'the sign and the digits encoded',
    (word) => everyCharacter(word, (_, code) => `%25%${hex(hex(code).charCodeAt(0))}${hex(code)[1]}`),
  ],
  ['as %u', (word) => everyCharacter(word, (_, code) => `%u${hex(code, 4)}`)],
  ['as %u of full width', (word) => everyCharacter(word, (_, code) => `%u${hex(code + 0xfee0, 4)}`)],
  ['overlong UTF-8 of two bytes', (word) => everyCharacter(word, (_, code) => overlong(code))],
  ['overlong UTF-8 of three bytes', (word) => everyCharacter(word, (_, code) => overlongThree(code))],
  [
    'half encoded signs between',
    (word, random) =>
      `%${random.pick(['', 'g', '%', 'zz'])}${everyCharacter(word, (c, code) => (random.chance() ? percent(code) : c))}%`,
  ],
];

/** Paths that are the same to a file system. */
const DETOURS: readonly (readonly [string, (word: string) => string])[] = [
  ['dot segments', (word) => `a/./b/../../${word}`],
  ['encoded dot segments', (word) => `a/%2e/b/%2e%2e/%2E%2e/${word}`],
  ['encoded slashes', (word) => `a%2f..%2f${word}%2fb`],
  ['backslashes', (word) => `a\\..\\${word}`],
  ['encoded backslashes', (word) => `a%5c..%5c${word}`],
  ['many slashes', (word) => `//a////..//${word}///`],
];

/** A chunked body, in pieces whose lengths and sizes the functions tell. */
function chunked(
  body: Buffer,
  options: {
    length?: () => number;
    size?: (length: number) => string;
    end?: () => string;
    dataEnd?: string;
    last?: string;
    headEnd?: string;
    trailer?: string;
  } = {},
): Buffer {
  const { length = () => body.length, size = hexSize, end = () => '\r\n' } = options;
  const { dataEnd = '\r\n', last = '0', trailer = '', headEnd = '\r\n' } = options;
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const piece = body.subarray(at, at + Math.max(1, length()));
    pieces.push(latin1(`${size(piece.length)}${end()}`), piece, latin1(dataEnd));
    at += piece.length;
  }
  pieces.push(latin1(`${last}\r\n${trailer}${headEnd}`));
  return Buffer.concat(pieces);
}

const hexSize = (length: number): string => length.toString(16);
const TE = 'Transfer-Encoding: chunked';

const bodyWriting = (name: string, content: (word: string, random: SeededRandom) => string): Writing => ({
  name: `body: ${name}`,
  place: 'body',
  write: (word, random) => {
    const body = latin1(content(word, random));
    return {
      ...withField(
        { ...plainRequest, method: 'POST', target: '/form' },
        'Content-Type: application/x-www-form-urlencoded',
      ),
      body,
      framing: [`Content-Length: ${body.length}`],
    };
  },
});

const headerWriting = (
  name: string,
  field: (word: string, random: SeededRandom) => readonly string[],
): Writing => ({
  name: `header: ${name}`,
  place: 'header',
  write: (word, random) => withField(plainRequest, ...field(word, random)),
});

export const WRITINGS: readonly Writing[] = [
  ...ENCODINGS.map(([name, encode]) => inPath(name, encode)),
  ...ENCODINGS.map(([name, encode]) => inQuery(name, encode)),
  ...DETOURS.map(([name, make]) => inPath(name, make)),
  target('absolute', (word) => `http://www.example.com/${word}`),
  target(
    'absolute, of another host, scheme and port',
    (word) => `HTTPS://user:pw@other.example:8443/${word}`,
  ),
  target('absolute, the word in the query right behind the host', (word) => `http://www.example.com?${word}`),
  target('a fragment before it', (word) => `/a#b/${word}`),
  target('a question mark encoded before it', (word) => `/a%3f/${word}`),
  target('a null byte encoded before it', (word) => `/a%00/${word}`),
  target('a long path before it', (word, random) => `/${'a/'.repeat(random.between(500, 4000))}${word}`),
  target(
    'many parameters before it',
    (word, random) => `/?${'a=b&'.repeat(random.between(200, 2000))}${word}`,
  ),
  target('bytes above 127 before it', (word) => `/\xe4\xff\x80/${word}`),
  bodyWriting('as it is', (word) => `a=1&b=${word}`),
  bodyWriting('percent-encoded', (word) => `a=1&b=${everyCharacter(word, (_, code) => percent(code))}`),
  bodyWriting('behind much else', (word, random) => `a=${'x'.repeat(random.between(1000, 9000))}&b=${word}`),
  bodyWriting('null bytes before it', (word, random) => `${'\0'.repeat(random.between(1, 300))}${word}`),
  bodyWriting('looks like another request', (word) => `GET / HTTP/1.1\r\nHost: a\r\n\r\n${word}`),
  headerWriting('as it is', (word) => [`X-Word: ${word}`]),
  headerWriting('no space behind the colon', (word) => [`X-Word:${word}`]),
  headerWriting('much space behind the colon', (word, random) => [
    `X-Word:${random.pick([' ', '\t', ' \t']).repeat(random.between(1, 60))}${word} \t `,
  ]),
  headerWriting('in a folded field', (word, random) => [
    `X-Word: a\r\n${random.pick([' ', '\t', '  \t'])}${word}`,
  ]),
  headerWriting('a field of nothing but folds', (word) => [`X-Word:\r\n \r\n\t\r\n ${word}`]),
  headerWriting('a space before the colon', (word) => [`X-Word : ${word}`]),
  headerWriting('the second field of a name', (word) => ['X-Word: a', `x-wORD: ${word}`]),
  headerWriting('the second field of a name, behind many fields of another', (word, random) => [
    ...Array<string>(random.between(50, 900)).fill('X-Many: a'),
    'X-Word: a',
    `X-Word: ${word}`,
  ]),
  headerWriting('behind many fields', (word, random) => [
    ...Array.from({ length: random.between(100, 900) }, (_, at) => `X-${at}: ${at}`),
    `X-Word: ${word}`,
  ]),
  headerWriting('behind a very long field', (word, random) => [
    `X-Long: ${'y'.repeat(random.between(5000, 30_000))}`,
    `X-Word: ${word}`,
  ]),
  headerWriting('in a very long field', (word, random) => [
    `X-Word: ${'y'.repeat(random.between(5000, 30_000))}${word}`,
  ]),
  headerWriting('control characters before it', (word) => [`X-Word: \x01\x02\x7f${word}`]),
  headerWriting('a field without a name before it', (word) => [': nothing', `X-Word: ${word}`]),
  headerWriting('a line without a colon before it', (word) => ['nothing', `X-Word: ${word}`]),
  headerWriting('a null byte before it', (word) => [`X-Word: a\0b ${word}`]),
  { name: 'header: in a trailer', place: 'header', write: trailerRequest },
];

const framed = (request: HttpRequest, body: Buffer): HttpRequest => ({
  ...request,
  body,
  framing: [`Content-Length: ${body.length}`],
});

function coded(
  name: string,
  label: string,
  encode: (body: Buffer, random: SeededRandom) => Buffer,
): HttpTrick {
  return {
    name: `coded: ${name}`,
    places: ['body'],
    apply: (request, random) => ({
      ...framed(request, encode(request.body, random)),
      codings: [...request.codings, label],
    }),
  };
}

/** An empty stored block of a DEFLATE stream (RFC 1951 §3.2.4). */
const EMPTY_BLOCK = Uint8Array.of(0, 0, 0, 0xff, 0xff);

export const CODINGS: readonly HttpTrick[] = [
  coded('gzip', 'gzip', (body) => gzipSync(body)),
  coded('x-gzip', 'x-gzip', (body) => gzipSync(body)),
  coded('GZip', 'GZip', (body) => gzipSync(body)),
  coded('gzip, stored', 'gzip', (body) => gzipSync(body, { level: 0 })),
  coded('gzip, fixed codes', 'gzip', (body) => gzipSync(body, { strategy: constants.Z_FIXED })),
  coded('gzip in members', 'gzip', (body, random) => {
    const members: Buffer[] = [];
    for (let at = 0; at < body.length; ) {
      const length = random.between(1, 40);
      members.push(gzipSync(body.subarray(at, at + length)));
      at += length;
    }
    return Buffer.concat(members);
  }),
  coded('gzip behind empty members', 'gzip', (body, random) =>
    Buffer.concat([
      ...Array.from({ length: random.between(1, 60) }, () => gzipSync(Buffer.alloc(0))),
      gzipSync(body),
    ]),
  ),
  coded('gzip with all optional header fields', 'gzip', (body) => {
    const plain = gzipSync(body);
    const head = Buffer.from(plain.subarray(0, 10));
    head[3] = 0x1c;
    return Buffer.concat([head, latin1('\x05\0extra'), latin1('name\0comment\0'), plain.subarray(10)]);
  }),
  coded('gzip without its end', 'gzip', (body) => gzipSync(body).subarray(0, -8)),
  coded('gzip with a wrong check sum', 'gzip', (body) => {
    const bytes = gzipSync(body);
    bytes[bytes.length - 8] ^= 0xff;
    return bytes;
  }),
  coded('deflate', 'deflate', (body) => deflateSync(body)),
  coded('deflate without wrapper', 'deflate', (body) => deflateRawSync(body)),
  coded('deflate behind empty blocks', 'deflate', (body, random) =>
    Buffer.concat([
      ...Array.from({ length: random.between(1, 200) }, () => EMPTY_BLOCK),
      deflateRawSync(body),
    ]),
  ),
  coded('deflate in many blocks', 'deflate', (body) => {
    const blocks = [...body].map((byte, at) =>
      Uint8Array.of(Number(at === body.length - 1), 1, 0, 0xfe, 0xff, byte),
    );
    return Buffer.concat(blocks);
  }),
  coded('brotli', 'br', (body) => brotliCompressSync(body)),
  {
    name: 'coded: named as it is not',
    places: ['body'],
    apply: (request, random) => ({
      ...request,
      codings: [random.pick(['gzip', 'identity', 'none', 'x-unknown'])],
    }),
  },
  {
    name: 'coded: in two fields',
    places: ['body'],
    apply: (request) =>
      withField(
        framed(request, gzipSync(deflateSync(request.body))),
        'Content-Encoding: deflate',
        'Content-Encoding: gzip',
      ),
  },
];

const wrapped = (name: string, apply: HttpTrick['apply']): HttpTrick => ({
  name: `framing: ${name}`,
  places: ['body'],
  apply,
});
/** A trick that servers take in different ways. */
const refused = (trick: HttpTrick): HttpTrick => ({
  ...trick,
  apply: (request, random) => ({ ...trick.apply(request, random), refused: true }),
});

const inChunks = (
  name: string,
  options: (random: SeededRandom) => Parameters<typeof chunked>[1],
): HttpTrick =>
  wrapped(name, (request, random) => ({
    ...request,
    body: chunked(request.body, options(random)),
    framing: [TE],
  }));

export const FRAMINGS: readonly HttpTrick[] = [
  inChunks('one chunk', () => ({})),
  inChunks('chunks of one byte', () => ({ length: () => 1 })),
  inChunks('chunks of random length', (random) => ({ length: () => random.between(1, 9) })),
  inChunks('sizes with leading zeros', (random) => ({
    length: () => random.between(1, 9),
    size: (length) => '0'.repeat(random.between(1, 30)) + hexSize(length),
  })),
  inChunks('sizes in capitals', (random) => ({
    length: () => random.between(10, 15),
    size: (length) => hexSize(length).toUpperCase(),
  })),
  inChunks('chunk extensions', (random) => ({
    length: () => random.between(1, 9),
    size: (length) =>
      `${hexSize(length)};${random.pick(['a', 'a=b', 'a="b;c"', 'a=0', `${'x'.repeat(200)}=1`])}`,
  })),
  inChunks('chunk extensions that look like chunks', (random) => ({
    length: () => random.between(1, 9),
    size: (length) => `${hexSize(length)};0=0;5="0"`,
  })),
  inChunks('a space behind sizes', (random) => ({
    length: () => random.between(1, 9),
    size: (length) => `${hexSize(length)} `,
  })),
  inChunks('sizes end with LF', (random) => ({ length: () => random.between(1, 9), end: () => '\n' })),
  refused(
    inChunks('sizes end with CR', (random) => ({ length: () => random.between(1, 9), end: () => '\r' })),
  ),
  inChunks('CR behind data', (random) => ({ length: () => random.between(1, 9), dataEnd: '\r' })),
  inChunks('LF behind data', (random) => ({ length: () => random.between(1, 9), dataEnd: '\n' })),
  inChunks('no line end behind data', (random) => ({ length: () => random.between(1, 9), dataEnd: '' })),
  inChunks('CR behind the last one', () => ({ headEnd: '\r' })),
  inChunks('many zeros as the last size', () => ({ last: '0'.repeat(40) })),
  inChunks('trailers', () => ({ trailer: 'X-Trailer: a\r\nContent-Length: 3\r\n' })),
  wrapped('coding in capitals', (request) => ({
    ...request,
    body: chunked(request.body),
    framing: ['TRANSFER-ENCODING:\t CHUNKED  '],
  })),
  wrapped('coding folded', (request) => ({
    ...request,
    body: chunked(request.body),
    framing: ['Transfer-Encoding:\r\n chunked'],
  })),
  wrapped('two codings in one field', (request) => ({
    ...request,
    body: chunked(request.body),
    framing: ['Transfer-Encoding: identity, chunked'],
  })),
  wrapped('two fields of codings', (request) => ({
    ...request,
    body: chunked(request.body),
    framing: ['Transfer-Encoding: identity', TE],
  })),
  wrapped('an empty coding before it', (request) => ({
    ...request,
    body: chunked(request.body),
    framing: ['Transfer-Encoding: , chunked'],
  })),
  wrapped('a length before chunks', (request, random) => {
    const body = chunked(request.body);
    return { ...request, body, framing: [`Content-Length: ${random.pick([0, 3, body.length, 9999])}`, TE] };
  }),
  wrapped('a length behind chunks', (request, random) => {
    const body = chunked(request.body);
    return { ...request, body, framing: [TE, `Content-Length: ${random.pick([0, 3, body.length, 9999])}`] };
  }),
  wrapped('a coding that is not chunked', (request) => ({
    ...request,
    framing: ['Transfer-Encoding: xchunked'],
  })),
  wrapped('a coding that only begins like chunked, and a length', (request) => ({
    ...request,
    body: Buffer.concat([latin1('0\r\n\r\n'), request.body]),
    framing: ['Transfer-Encoding: chunkedx', `Content-Length: ${request.body.length + 5}`],
  })),
  wrapped('chunked is not the last coding', (request) => ({
    ...request,
    body: Buffer.concat([latin1('0\r\n\r\n'), request.body]),
    framing: ['Transfer-Encoding: chunked, identity'],
  })),
  wrapped('a length with leading zeros', (request) => ({
    ...request,
    framing: [`Content-Length: 000000000${request.body.length}`],
  })),
  wrapped('the same length twice', (request) => ({
    ...request,
    framing: [request.framing[0] as string, request.framing[0] as string],
  })),
  wrapped('two lengths', (request) => ({
    ...request,
    framing: ['Content-Length: 2', request.framing[0] as string],
  })),
  wrapped('a length that is no number', (request) => ({
    ...request,
    framing: [`Content-Length: +${request.body.length}`],
  })),
  wrapped('chunks and HTTP/1.0', (request) => ({
    ...request,
    version: 'HTTP/1.0',
    body: chunked(request.body),
    framing: [TE],
  })),
];

const head = (name: string, apply: HttpTrick['apply'], places?: readonly Place[]): HttpTrick => ({
  name: `head: ${name}`,
  apply,
  ...(places && { places }),
});

export const HEADS: readonly HttpTrick[] = [
  head('lines end with LF', (request) => ({ ...request, lineEnd: '\n' })),
  head('lines end with CR', (request) => ({ ...request, lineEnd: '\r' })),
  head('the request line ends with CR', (request) => ({
    ...request,
    version: `${request.version}\r${request.fields.at(-1) ?? ''}`,
    fields: request.fields.slice(0, -1),
  })),
  head('it ends with CR', (request) => ({ ...request, headEnd: '\r' })),
  head('some fields end with LF', (request, random) => ({
    ...request,
    fields: [request.fields.join(random.chance() ? '\n' : '\r\n'), 'X-Mixed: a\nX-Mixed-2: b'],
  })),
  head('blank lines before it', (request, random) => ({
    ...request,
    before: Buffer.concat([
      request.before,
      latin1(random.pick(['\r\n', '\n']).repeat(random.between(1, 40))),
    ]),
  })),
  head('very many blank lines before it', (request, random) => ({
    ...request,
    before: Buffer.concat([request.before, latin1('\r\n'.repeat(random.between(500, 1500)))]),
  })),
  head('two spaces on the request line', (request) => ({ ...request, delimiters: ['  ', '  '] })),
  head('a tab on the request line', (request) => ({ ...request, delimiters: ['\t', ' '] })),
  head('an odd method', (request, random) => ({
    ...request,
    method: random.pick([
      'PROPFIND', 'OPTIONS', 'TRACE', 'M-SEARCH', 'PURGE', 'SOURCE', 'LINK', 'UNBIND', 'SUBSCRIBE', 'MKCALENDAR', 'QUERY',
    ]), // biome-ignore format: a table
  })),
  head('a method that nobody knows', (request, random) => ({
    ...request,
    method: random.pick(['X', 'GETX', 'foo', 'a!b', 'Q'.repeat(33), 'Q'.repeat(1100)]),
  })),
  head('a method that nobody knows, and a long target', (request) => ({
    ...request,
    method: 'QUACK',
    target: `${request.target}${request.target.includes('?') ? '&' : '?'}${'p'.repeat(1500)}`,
  })),
  head('HEAD', (request) => ({ ...request, method: 'HEAD' })),
  head('DELETE', (request) => ({ ...request, method: 'DELETE' })),
  head('CONNECT', (request) => ({ ...request, method: 'CONNECT' }), ['uri', 'header']),
  head('method in small letters', (request) => ({ ...request, method: request.method.toLowerCase() })),
  head('HTTP/0.9', (request) => ({ ...request, version: '' }), ['uri']),
  head('a version', (request, random) => ({
    ...request,
    version: random.pick([
      'HTTP/1.0',
      'HTTP/0.9',
      'HTTP/1.2',
      'HTTP/2.0',
      'HTTP/1.9',
      'HTTP/9.9',
      'HTTP/01.1',
      'http/1.1',
      'ICE/1.0',
    ]),
  })),
  head('Expect: 100-continue', (request) => withField(request, 'Expect: 100-continue')),
  head('Expect: something else', (request) => withField(request, 'Expect: miracles')),
  head('Upgrade', (request, random) =>
    withField(
      request,
      'Connection: Upgrade, HTTP2-Settings',
      `Upgrade: ${random.pick(['h2c', 'websocket', 'TLS/1.0', 'unheard-of'])}`,
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
    ),
  ),
  head('no Host', (request) => ({ ...request, fields: request.fields.slice(1) })),
  head('two Hosts', (request) => withField(request, 'Host: other.example')),
  head('a range', (request) => withField(request, 'Range: bytes=0-0')),
  head('a length of zero', (request) => ({ ...request, framing: ['Content-Length: 0'] }), ['uri', 'header']),
  head(
    'a body with GET',
    (request) => ({ ...request, body: latin1('a body'), framing: ['Content-Length: 6'] }),
    ['uri', 'header'],
  ),
  head('GET with the body', (request) => ({ ...request, method: 'GET' }), ['body']),
];

const HARMLESS_GET = bytesOf({ ...plainRequest, target: '/harmless' });

function harmlessPost(random: SeededRandom): Buffer {
  const body = latin1(`a=${'b'.repeat(random.between(1, 50))}`);
  return bytesOf({
    ...plainRequest,
    method: 'POST',
    target: '/harmless',
    body,
    framing: [`Content-Length: ${body.length}`],
  });
}

const pipe = (name: string, apply: HttpTrick['apply']): HttpTrick => ({ name: `pipelined: ${name}`, apply });
const behind = (request: HttpRequest, ...before: readonly Uint8Array[]): HttpRequest => ({
  ...request,
  before: Buffer.concat([...before, request.before]),
});

export const PIPES: readonly HttpTrick[] = [
  pipe('behind a harmless request', (request) => behind(request, HARMLESS_GET)),
  pipe('behind many harmless requests', (request, random) =>
    behind(request, ...Array.from({ length: random.between(2, 40) }, () => HARMLESS_GET)),
  ),
  pipe('behind a body', (request, random) => behind(request, harmlessPost(random))),
  pipe('behind a body and blank lines', (request, random) =>
    behind(request, harmlessPost(random), latin1('\r\n'.repeat(random.between(1, 20)))),
  ),
  pipe('behind chunks', (request) =>
    behind(
      request,
      bytesOf({
        ...plainRequest,
        method: 'POST',
        body: chunked(latin1('harmless'), { trailer: 'A: b\r\n' }),
        framing: [TE],
      }),
    ),
  ),
  pipe('behind chunks that end with CR', (request) =>
    behind(
      request,
      bytesOf({
        ...plainRequest,
        method: 'POST',
        body: chunked(latin1('harmless'), { headEnd: '\r' }),
        framing: [TE],
      }),
    ),
  ),
  pipe('behind a head that ends with CR', (request) =>
    behind(request, bytesOf({ ...plainRequest, headEnd: '\r' })),
  ),
  pipe('behind a request of an odd method', (request) =>
    behind(request, bytesOf({ ...plainRequest, method: 'UNSUBSCRIBE' })),
  ),
  pipe('behind a request with Expect', (request) => {
    const body = chunked(latin1('harmless'));
    return behind(
      request,
      bytesOf({ ...withField(plainRequest, 'Expect: 100-continue'), method: 'PUT', body, framing: [TE] }),
    );
  }),
  pipe('behind a request that asks for another protocol', (request) =>
    behind(request, bytesOf(withField(plainRequest, 'Connection: Upgrade', 'Upgrade: websocket'))),
  ),
  pipe('behind a length and chunks', (request) =>
    behind(
      request,
      bytesOf({
        ...plainRequest,
        method: 'POST',
        body: chunked(latin1('harmless')),
        framing: ['Content-Length: 4000', TE],
      }),
    ),
  ),
  pipe('through a tunnel', (request) =>
    behind(request, bytesOf({ ...plainRequest, method: 'CONNECT', target: 'inner.example:80' })),
  ),
  pipe('before a harmless request', (request) => ({ ...request, after: HARMLESS_GET })),
];

/** A word in a trailer needs a body that has one. */
function trailerRequest(word: string): HttpRequest {
  const body = chunked(latin1('harmless'), { trailer: `X-Word: ${word}\r\n` });
  return { ...plainRequest, method: 'POST', body, framing: [TE, 'Trailer: X-Word'] };
}

export interface HttpPlan {
  readonly writing: Writing;
  readonly tricks: readonly HttpTrick[];
}

/** The request with the word in it. */
export function requestOf(plan: HttpPlan, word: string, random: SeededRandom): HttpRequest {
  const first = plan.writing.write(word, random);
  return plan.tricks.reduce((request, trick) => trick.apply(request, random), first);
}

export const suits = (trick: HttpTrick, place: Place): boolean => trick.places?.includes(place) ?? true;

export const plainly = (place: Place): Writing =>
  WRITINGS.find((each) => each.place === place && each.name.endsWith('as it is')) as Writing;
export const PLACES: readonly Place[] = ['uri', 'header', 'body'];

/** Every trick alone, at each place that suits it. */
export const HTTP_PLANS: readonly HttpPlan[] = [
  ...WRITINGS.map((writing) => ({ writing, tricks: [] })),
  ...[...CODINGS, ...FRAMINGS, ...HEADS, ...PIPES].flatMap((trick) =>
    PLACES.filter((place) => suits(trick, place)).map((place) => ({
      writing: plainly(place),
      tricks: [trick],
    })),
  ),
];

export function httpPlanName({ writing, tricks }: HttpPlan): string {
  return tricks.length === 0
    ? writing.name
    : [writing.place, ...tricks.map((trick) => trick.name)].join(' + ');
}

/** Some that go together, in the order in which they apply. */
export function httpCombination(random: SeededRandom): HttpPlan {
  const writing = random.pick(WRITINGS);
  const perhaps = (tricks: readonly HttpTrick[], probability: number) => {
    const suiting = tricks.filter((trick) => suits(trick, writing.place));
    return suiting.length > 0 && random.chance(probability) ? [random.pick(suiting)] : [];
  };
  return {
    writing,
    tricks: [
      ...perhaps(CODINGS, 0.4),
      ...perhaps(CODINGS, 0.2),
      ...perhaps(FRAMINGS, 0.5),
      ...perhaps(HEADS, 0.5),
      ...perhaps(PIPES, 0.4),
    ],
  };
}
