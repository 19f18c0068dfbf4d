/** Requests that lenient servers understand, and that were not seen for what they are before. */
import { gzipSync } from 'node:zlib';
import { TcpConversation } from '@portcullis/testkit';
import { Inspection } from '../testing/inspection';

const URI = 'drop http any any -> any any (flow:established,to_server; http.uri; content:"evil"; sid:1;)';
const BODY =
  'drop http any any -> any any (flow:established,to_server; http.request_body; content:"evil"; sid:2;)';

const post = (...fields: string[]) => `POST / HTTP/1.1\r\nHost: a\r\n${fields.join('\r\n')}\r\n\r\n`;
const gzip = (...members: string[]) =>
  Buffer.concat(members.map((member) => gzipSync(member))).toString('latin1');
const members = gzip(...Array.from({ length: 60 }, () => ''), 'evil');

test.each<[string, string, string]>([
  ['blank lines before it', URI, `${'\r\n'.repeat(20)}GET /evil HTTP/1.1\r\n\r\n`],
  ['very many blank lines before it', URI, `${'\n'.repeat(5000)}GET /evil HTTP/1.1\r\n\r\n`],
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
])('%s', async (_, rule, text) => {
  for (const size of [text.length, 1400, 7]) {
    const inspection = await Inspection.of(rule);
    const segments = Array.from({ length: Math.floor((text.length - 1) / size) }, () => size);
    const conversation = new TcpConversation().handshake().client(text, { segments, acknowledge: false });
    expect([size, inspection.passed(conversation.packets).includes(false)]).toEqual([size, true]);
  }
});
