/** Requests that lenient servers understand, and that were not seen for what they are before. */
import { gzipSync } from 'node:zlib';
import { TcpConversation } from '@portcullis/testkit';
import { Inspection } from '../testing/inspection';

const URI = 'drop http any any -> any any (flow:established,to_server; http.uri; content:"evil"; sid:1;)';
const BODY =
  'drop http any any -> any any (flow:established,to_server; http.request_body; content:"evil"; sid:2;)';

const HEADER =
  'drop http any any -> any any (flow:established,to_server; http.header; content:"evil"; sid:3;)';

const post = (...fields: string[]) => `POST / HTTP/1.1\r\nHost: a\r\n${fields.join('\r\n')}\r\n\r\n`;
const gzip = (...members: string[]) =>
  Buffer.concat(members.map((member) => gzipSync(member))).toString('latin1');
const members = gzip(...Array.from({ length: 60 }, () => ''), 'evil');

test.each<[string, string, string]>([
  ['blank lines before it', URI, `${'\r\n'.repeat(20)}GET /evil HTTP/1.1\r\n\r\n`],
  ['very many blank lines before it', URI, `${'\n'.repeat(5000)}GET /evil HTTP/1.1\r\n\r\n`],
  // As many as are looked at to tell the protocol, but for what tells it.
  ...[1, 2, 3].map((left): [string, string, string] => [
    `blank lines up to the end of the probe but for ${left}`,
    URI,
    `${'\n'.repeat(2048 - left)}GET /evil HTTP/1.1\r\n\r\n`,
  ]),
  ['blank lines and an unknown method', URI, `${'\r\n'.repeat(800)}ANY /evil HTTP/1.1\r\n\r\n`],
  ['a path behind CONNECT', URI, 'CONNECT /a/%65vil HTTP/1.1\r\n\r\n'],
  ['overlong UTF-8 in the query', URI, 'GET /?%c1%a5vil HTTP/1.1\r\n\r\n'],
  ['a coding that is no chunked', BODY, `${post('Transfer-Encoding: xchunked')}a=1&b=evil`],
  ['chunked below another coding', BODY, `${post('Transfer-Encoding: chunked, x')}0\r\n\r\na=1&b=evil`],
  [
    'chunked, the last of some',
    BODY,
    `${post('Transfer-Encoding: x,  chunked')}2\r\nev\r\n2\r\nil\r\n0\r\n\r\n`,
  ],
  [
    'many empty members of gzip',
    BODY,
    post('Content-Encoding: gzip', `Content-Length: ${members.length}`) + members,
  ],
  // A CR without LF ends lines of lenient servers, here and there.
  ['a request line that ends with CR', HEADER, 'GET / HTTP/1.1\rX: evil\r\nHost: a\r\n\r\n'],
  ['a head that ends with CR', HEADER, 'GET / HTTP/1.1\r\nX: evil\r\n\rx'],
  ['a head that ends with CR, before a body', BODY, `${post('Content-Length: 4').slice(0, -1)}evil`],
  ['behind a head that ends with CR', URI, 'GET / HTTP/1.1\r\nHost: a\r\n\rGET /evil HTTP/1.1\r\n\r\n'],
  ['sizes that end with CR', BODY, `${post('Transfer-Encoding: chunked')}2\rev\r\n2;x\ril\r\n0\r\n\r\n`],
  ['CR behind chunks', BODY, `${post('Transfer-Encoding: chunked')}2\r\nev\r2\r\nil\r0\r\n\r\n`],
  ['no line end behind chunks', BODY, `${post('Transfer-Encoding: chunked')}2\r\nev2\r\nil0\r\n\r\n`],
  [
    'behind chunks that end with CR',
    URI,
    `${post('Transfer-Encoding: chunked')}0\r\rGET /evil HTTP/1.1\r\n\r\n`,
  ],
])('%s', async (_, rule, text) => {
  for (const size of [text.length, 1400, 7]) {
    const inspection = await Inspection.of(rule);
    const segments = Array.from({ length: Math.floor((text.length - 1) / size) }, () => size);
    const conversation = new TcpConversation().handshake().client(text, { segments, acknowledge: false });
    expect([size, inspection.passed(conversation.packets).includes(false)]).toEqual([size, true]);
  }
});

describe('within a tunnel', () => {
  const CONNECT = 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n';
  const ACCEPTED = 'HTTP/1.1 200 Connected\r\n\r\n';
  const evil = 'GET /evil HTTP/1.1\r\nHost: a\r\n\r\n';

  test.each<[string, string, string]>([
    ['a request behind the answer', '', evil],
    ['a request before the answer', evil, ''],
    ['a request before and behind the answer', evil.slice(0, 2), evil.slice(2)],
    ['a target before and behind the answer', evil.slice(0, 7), evil.slice(7)],
    ['an unknown method before and behind the answer', `ANY${evil.slice(3, 7)}`, evil.slice(7)],
  ])('%s', async (_, early, late) => {
    const inspection = await Inspection.of(URI);
    const conversation = new TcpConversation()
      .handshake()
      .client(CONNECT + early)
      .server(ACCEPTED);
    if (late !== '') conversation.client(late);
    expect(inspection.passed(conversation.packets)).toContain(false);
  });

  test('another protocol, that began before the answer', async () => {
    const inspection = await Inspection.of(
      'drop smtp any any -> any any (flow:to_server; smtp.mail_from; content:"evil"; sid:4;)',
    );
    const conversation = new TcpConversation()
      .handshake()
      .client(`${CONNECT}EHLO a\r\nMAIL FROM:<ev`)
      .server(ACCEPTED)
      .server('220 mail.example.org ESMTP\r\n')
      .client('il@example.org>\r\n');
    expect(inspection.passed(conversation.packets)).toContain(false);
  });
});
