import { Random, testSeed } from '../../testing/random';
import { bytesOf, framesOf, type Piece, Recorder } from '../../testing/recorder';
import { expectSameWhereverCut } from '../../testing/robustness';
import * as smb from '../../testing/smb/messages';
import { createHttp1 } from '../http1/definition';
import { createProtocols } from '../registry';
import { type ProtocolDefinition, Transport } from '../transaction';

const definitions = createProtocols();

function protocol(name: string): ProtocolDefinition {
  const found = definitions.find((each) => each.name === name);
  if (!found) throw new Error(`no protocol ${name}`);
  return found;
}

const client = (text: string): Piece => [0, bytesOf(text)];
const server = (text: string): Piece => [1, bytesOf(text)];
const head = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n';
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
const interim = 'HTTP/1.1 100 Continue\r\n\r\n';

type Conversation = readonly [
  protocol: string,
  pieces: readonly Piece[],
  frames: readonly (readonly [name: string, text: string])[],
  transport?: Transport,
];

const conversations: readonly Conversation[] = [
  [
    'http',
    [client(`${head}abcGET / HTTP/1.0\r\n\r\n`), server(`${interim}${answer}ab`), server(`${answer}cd`)],
    [
      ['>http1.request', `${head}abc`],
      ['>http1.request', 'GET / HTTP/1.0\r\n\r\n'],
      ['<http1.response', `${interim}${answer}ab`],
      ['<http1.response', `${answer}cd`],
      ['>http1.stream', `${head}abcGET / HTTP/1.0\r\n\r\n`],
      ['<http1.stream', `${interim}${answer}ab${answer}cd`],
    ],
  ],
  [
    'smtp',
    [
      server('220 hi\r\n'),
      client('HELO a\r\n'),
      server('250-a\r\n250 b\r\n'),
      client('DATA\r\n'),
      server('354 go\r\n'),
      client('A: b\r\n\r\nmail\r\n.\r\nQUIT\r\n'),
    ],
    [
      ['<smtp.response_line', '220 hi'],
      ['>smtp.command_line', 'HELO a'],
      ['<smtp.response_line', '250-a'],
      ['<smtp.response_line', '250 b'],
      ['>smtp.command_line', 'DATA'],
      ['<smtp.response_line', '354 go'],
      ['>smtp.data', 'A: b\r\n\r\nmail\r\n.\r\n'],
      ['>smtp.command_line', 'QUIT'],
    ],
  ],
  [
    'tls',
    [client('\x17\x03\x03\0\x02ab\x15\x03\x01\0\x02\x01\0'), server('\x18\x03\x01\0\x01\x02')],
    [
      ['>tls.hdr', '\x17\x03\x03\0\x02'],
      ['>tls.data', 'ab'],
      ['>tls.pdu', '\x17\x03\x03\0\x02ab'],
      ['>tls.hdr', '\x15\x03\x01\0\x02'],
      ['>tls.data', '\x01\0'],
      ['>tls.alert', '\x01\0'],
      ['>tls.pdu', '\x15\x03\x01\0\x02\x01\0'],
      ['<tls.hdr', '\x18\x03\x01\0\x01'],
      ['<tls.data', '\x02'],
      ['<tls.heartbeat', '\x02'],
      ['<tls.pdu', '\x18\x03\x01\0\x01\x02'],
    ],
  ],
  [
    'ssh',
    [client('SSH-2.0-a\r\n\0\0\0\x04\x01\x1eab\0\0\0\x02\x01\x15\xff\xff\xff\xff\xff\xff')],
    [
      ['>ssh.record.hdr', '\0\0\0\x04\x01\x1e'],
      ['>ssh.record.data', 'ab'],
      ['>ssh.record.pdu', '\0\0\0\x04\x01\x1eab'],
      ['>ssh.record.hdr', '\0\0\0\x02\x01\x15'],
      ['>ssh.record.pdu', '\0\0\0\x02\x01\x15'],
    ],
  ],
  [
    'telnet',
    [server('\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0login: \xff\xf9ok\r\n')],
    [
      ['<telnet.pdu', '\xff\xfd\x18'],
      ['<telnet.ctl', '\xff\xfd\x18'],
      ['<telnet.pdu', '\xff\xfa\x18\x01\xff\xf0'],
      ['<telnet.ctl', '\xff\xfa\x18\x01\xff\xf0'],
      ['<telnet.pdu', 'login: '],
      ['<telnet.data', 'login: '],
      ['<telnet.pdu', '\xff\xf9'],
      ['<telnet.ctl', '\xff\xf9'],
      ['<telnet.pdu', 'ok\r\n'],
      ['<telnet.data', 'ok\r\n'],
    ],
  ],
  ['dns', [client('\0\x0cabcdefghijkl')], [['>dns.pdu', 'abcdefghijkl']]],
  ['dns', [client('abcdefghijkl')], [['>dns.pdu', 'abcdefghijkl']], Transport.UDP],
  ['ldap', [client('0\x05\x02\x01\x01B\0')], [['>ldap.pdu', '0\x05\x02\x01\x01B\0']]],
  ['rfb', [server('RFB 003.008\n')], [['<rfb.pdu', 'RFB 003.008\n']]],
  [
    'websocket',
    [server('\x81\x02hi')],
    [
      ['<websocket.header', '\x81\x02'],
      ['<websocket.pdu', '\x81\x02hi'],
    ],
  ],
  [
    'enip',
    [client(`\x6f\0\x14\0${'\0'.repeat(20)}\0\0\0\0\x01\0\x01\0\xb2\0\x08\0\x0a\x00\x01\0\x04\0\x0e\x00`)],
    [
      [
        '>enip.pdu',
        `\x6f\0\x14\0${'\0'.repeat(20)}\0\0\0\0\x01\0\x01\0\xb2\0\x08\0\x0a\x00\x01\0\x04\0\x0e\x00`,
      ],
      ['>enip.hdr', `\x6f\0\x14\0${'\0'.repeat(20)}`],
      ['>enip.data', '\0\0\0\0\x01\0\x01\0\xb2\0\x08\0\x0a\x00\x01\0\x04\0\x0e\x00'],
      ['>enip.enip.item', '\xb2\0\x08\0\x0a\x00\x01\0\x04\0\x0e\x00'],
      ['>enip.cip', '\x0a\x00\x01\0\x04\0\x0e\x00'],
      ['>enip.cip', '\x0e\x00'],
    ],
  ],
];

test.each(conversations.map((each) => [each[0], each] as const))('%s', (name, conversation) => {
  const [, pieces, expected, transport = Transport.TCP] = conversation;
  expect(framesOf(protocol(name), pieces, transport)).toEqual(expected);
  if (transport === Transport.TCP) expectSameWhereverCut(protocol(name), pieces);
});

test('smb: each message of a compound, and what is encrypted', () => {
  const one = smb.create(4, 11, 'a');
  const sealed = Buffer.concat([Buffer.from([0xfd, 0x53, 0x4d, 0x42]), Buffer.alloc(48), bytesOf('secret')]);
  const frames = framesOf(protocol('smb'), [
    [0, smb.session(one)],
    [0, smb.session(sealed)],
  ]);
  const text = (bytes: Buffer) => bytes.toString('latin1');
  expect(frames).toEqual([
    ['>smb.nbss.pdu', text(smb.session(one))],
    ['>smb.nbss.hdr', text(smb.session(one).subarray(0, 4))],
    ['>smb.nbss.data', text(one)],
    ['>smb.smb2.pdu', text(one)],
    ['>smb.smb2.hdr', text(one.subarray(0, 64))],
    ['>smb.smb2.data', text(one.subarray(64))],
    ['>smb.nbss.pdu', text(smb.session(sealed))],
    ['>smb.nbss.hdr', text(smb.session(sealed).subarray(0, 4))],
    ['>smb.nbss.data', text(sealed)],
    ['>smb.smb3.pdu', text(sealed)],
    ['>smb.smb3.hdr', text(sealed.subarray(0, 52))],
    ['>smb.smb3.data', 'secret'],
  ]);
});

test('where nobody wants frames none are told, and nothing is held for them', () => {
  for (const [name, pieces, , transport = Transport.TCP] of conversations) {
    const definition = protocol(name);
    const recorder = new Recorder(definition.buffers);
    const parser = definition.create(recorder, transport);
    const frames = recorder.frames;
    for (const [direction, bytes] of pieces) parser.feed(direction, bytes, 0, bytes.length);
    parser.close(0);
    parser.close(1);
    expect(frames).toEqual([]);
  }
});

test('frames go on behind missing bytes', () => {
  const http = createHttp1();
  http.frames?.want(new Set(http.frames.buffers.map(({ id }) => id)));
  const recorder = new Recorder(http.buffers);
  const parser = http.create(recorder);
  const feed = (text: string) => parser.feed(1, bytesOf(text), 0, text.length);
  feed('HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\nab');
  parser.gap(1, 4);
  feed('cdHTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\n');
  parser.close(1);
  expect(recorder.frames.map(([name, text]) => [name, text.slice(-4)])).toEqual([
    ['<http1.response', 'abcd'],
    ['<http1.response', '\r\n\r\n'],
    ['<http1.stream', '\r\n\r\n'],
  ]);
});

test('streams and messages of any length are held in part only', () => {
  const random = new Random(testSeed());
  const http = createHttp1();
  http.frames?.want(new Set(http.frames.buffers.map(({ id }) => id)));
  const recorder = new Recorder(http.buffers);
  const parser = http.create(recorder);
  const body = Buffer.from(Array.from({ length: 300_000 }, () => random.next(256)));
  const stream = Buffer.concat([
    bytesOf(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`),
    body,
  ]);
  for (let at = 0; at < stream.length; ) {
    const end = Math.min(stream.length, at + 1 + random.next(random.next(5) === 0 ? 150_000 : 3000));
    parser.feed(0, stream, at, end);
    expect(parser.heldBytes()).toBeLessThan(600_000);
    at = end;
  }
  parser.close(0);
  parser.close(1);
  // What is new each time makes up all of it.
  expect(recorder.frames.map(([name]) => name)).toEqual(['>http1.request', '>http1.stream']);
  for (const [, text] of recorder.frames) expect(text === stream.toString('latin1')).toBe(true);
  expect(parser.heldBytes()).toBe(0);
});
