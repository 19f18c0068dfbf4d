import { Random, testSeed } from '../testing/random';
import {
  DETECTION_DEPTH,
  DETECTION_MORE,
  DETECTION_NONE,
  DetectedProtocol,
  detect,
  PROTOCOL_NAMES,
} from './detection';
import type { Direction } from './transaction';

const P = DetectedProtocol;

test('every number has a name', () => {
  for (const [key, number] of Object.entries(P)) {
    const name = key === 'POSTGRESQL' ? 'pgsql' : key.toLowerCase();
    expect(PROTOCOL_NAMES[number]).toBe(name);
  }
});

const OPENINGS: readonly (readonly [string, Direction, string, number])[] = [
  ['GET', 0, 'GET / HTTP/1.1\r\n', P.HTTP],
  ['HTTP/0.9', 0, 'GET /\r\n', P.HTTP],
  ['blank lines first', 0, '\r\nPOST /x HTTP/1.0\r\n', P.HTTP],
  ['a method nobody knows', 0, 'JUNK /cgi-bin/x HTTP/1.1\r\n', P.HTTP],
  ['a status line', 1, 'HTTP/1.1 200 OK\r\n', P.HTTP],
  ['HTTP/2 preface', 0, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', P.HTTP2],
  ['RTSP with a method of HTTP', 0, 'OPTIONS rtsp://h/x RTSP/1.0\r\n', P.RTSP],
  ['SIP with a method of HTTP', 0, 'OPTIONS sip:h SIP/2.0\r\n', P.SIP],
  ['TLS client', 0, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', P.TLS],
  ['TLS server', 1, '\x16\x03\x03\x00\x7a\x02\x00\x00\x76', P.TLS],
  ['SSH client', 0, 'SSH-2.0-OpenSSH_9.2\r\n', P.SSH],
  ['SSH server', 1, 'SSH-2.0-x\r\n', P.SSH],
  ['SMTP client', 0, 'ehlo me\r\n', P.SMTP],
  ['SMTP server', 1, '220 mail.example ESMTP Postfix\r\n', P.SMTP],
  ['FTP server', 1, '220-Welcome\r\n220 ProFTPD Server\r\n', P.FTP],
  ['POP3 server', 1, '+OK ready\r\n', P.POP3],
  ['IMAP server', 1, '* OK [CAPABILITY IMAP4rev1] ready\r\n', P.IMAP],
  ['SMB1', 0, '\x00\x00\x00\x54\xffSMBr', P.SMB],
  ['SMB2', 0, '\x00\x00\x00\xd8\xfeSMB@', P.SMB],
  ['DNS over TCP', 0, '\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example', P.DNS],
  ['RDP', 0, '\x03\x00\x00\x13\x0e\xe0\x00\x00', P.RDP],
  ['PostgreSQL', 0, '\x00\x00\x00\x08\x04\xd2\x16\x2f', P.POSTGRESQL],
  ['MySQL server', 1, '\x4a\x00\x00\x00\x0a8.0.31', P.MYSQL],
  ['Redis', 0, '*1\r\n$4\r\nPING\r\n', P.REDIS],
  ['LDAP', 0, '\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03', P.LDAP],
  ['MQTT', 0, '\x10\x0e\x00\x04MQTT\x04\x02', P.MQTT],
  ['DCE/RPC', 0, '\x05\x00\x0b\x03\x10\x00', P.DCERPC],
  ['Telnet', 1, '\xff\xfd\x18\xff\xfd\x20', P.TELNET],
  ['SOCKS', 0, '\x05\x01\x00', P.SOCKS],
  ['RFB', 1, 'RFB 003.008\n', P.RFB],
  ['BitTorrent', 0, '\x13BitTorrent protocol', P.BITTORRENT],
];

test.each(OPENINGS)('%s', (_name, direction, text, protocol) => {
  const bytes = Buffer.from(`xx${text}yy`, 'latin1');
  const end = bytes.length - 2;
  expect(detect(direction, bytes, 2, end)).toBe(protocol);
  // In pieces it is told at some point, and never as something else before.
  for (let stop = 2; stop < end; stop++)
    expect([DETECTION_MORE, protocol]).toContain(detect(direction, bytes, 2, stop));
});

test.each([
  ['FTP command', 0, 'CWD /dir\r\n'],
  ['text', 0, 'hello world, this is nothing\r\n'],
  ['text with HTTP in it', 0, 'hello HTTP/1.1 world\r\n'],
  ['zeros', 0, '\0'.repeat(40)],
  ['a greeting of neither', 1, '220 hello\r\n'],
  ['nearly HTTP', 1, 'HTTX/1.1 200\r\n'],
] as const)('%s is none of them', (_name, direction, text) => {
  const bytes = Buffer.from(text, 'latin1');
  expect(detect(direction, bytes, 0, bytes.length)).toBe(DETECTION_NONE);
});

test('random bytes: in bounds, decided within the depth', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.alloc(random.next(40));
    for (let i = 0; i < bytes.length; i++)
      bytes[i] = random.pick([random.next(256), random.next(8), 0x41 + random.next(26)]);
    const found = detect(random.next(2) as Direction, bytes, 0, bytes.length);
    expect(found >= DETECTION_MORE && found < PROTOCOL_NAMES.length).toBe(true);
  }
  for (const fill of [0, 0x20, 0x41, 0x47, 0x0d, 0xff]) {
    for (const direction of [0, 1] as const) {
      const bytes = Buffer.alloc(DETECTION_DEPTH, fill);
      expect({ seed, fill, found: detect(direction, bytes, 0, bytes.length) }).not.toEqual({
        seed,
        fill,
        found: DETECTION_MORE,
      });
    }
  }
});
