import { Random, testSeed } from '../../testing/random';
import { bytesOf, type Piece, type Recorder, record, split } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { DEFAULT_FILE_POLICY, FileHash } from '../files/policy';
import { greetingEnd } from '../lines/greeting';
import { Transport } from '../transaction';
import { createSmtp, type SmtpSettings } from './definition';

const client = (text: string): Piece => [0, bytesOf(text)];
const server = (text: string): Piece => [1, bytesOf(text)];

const create = (settings: SmtpSettings = {}) =>
  createSmtp(settings, { ...DEFAULT_FILE_POLICY, hashes: FileHash.MD5 | FileHash.SHA256 });

const GREETING = server('220 mail.example.com ESMTP\r\n');
const HELLO: Piece[] = [
  GREETING,
  client('EHLO me.example\r\n'),
  server('250-mail\r\n250-SIZE 1000\r\n250 OK\r\n'),
];
const ENVELOPE: Piece[] = [
  client('MAIL FROM:<a@example.com> SIZE=10\r\n'),
  server('250 OK\r\n'),
  client('RCPT TO:<b@example.com>\r\n'),
  server('250 OK\r\n'),
  client('rcpt to: <c@example.com> NOTIFY=NEVER\r\n'),
  server('250 OK\r\n'),
];
const MAIL = [
  'From: A <a@example.com>',
  'To: b',
  'Received: one',
  'Received: two',
  'Subject: a',
  ' b',
  'Content-Type: multipart/mixed; boundary=BB',
  '',
  '--BB',
  'Content-Type: text/plain',
  '',
  'see http://x.example/',
  '--BB',
  'Content-Disposition: attachment; filename="virus.exe"',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from('MZ this is no program').toString('base64'),
  '--BB--',
  '.',
  '',
].join('\r\n');
const DATA: Piece[] = [client('DATA\r\n'), server('354 go\r\n'), client(MAIL), server('250 queued\r\n')];
const QUIT: Piece[] = [client('QUIT\r\n'), server('221 bye\r\n')];

function run(pieces: readonly Piece[], settings: SmtpSettings = {}): Recorder {
  return record(create(settings), pieces);
}

function buffersOf(recorder: Recorder, at = 0): Record<string, string> {
  return recorder.transactions[at].buffers;
}

test('a session with one mail', () => {
  const seen = run([...HELLO, ...ENVELOPE, ...DATA, ...QUIT]);
  expect(seen.transactions).toHaveLength(1);
  const { buffers, events, ended, progress } = seen.transactions[0];
  expect(buffers).toMatchObject({
    '>smtp.helo': 'me.example',
    '>smtp.mail_from': '<a@example.com>',
    '>smtp.rcpt_to[0]': '<b@example.com>',
    '>smtp.rcpt_to[1]': '<c@example.com>',
    '>email.from': 'A <a@example.com>',
    '>email.to': 'b',
    '>email.subject': 'ab',
    '>email.received[0]': 'one',
    '>email.received[1]': 'two',
    '>email.url[0]': 'x.example/',
    '>file.name[0]': 'virus.exe',
    '>file.data[0]': 'MZ this is no program',
    '>file.size[0]': '\0\0\0\0\0\0\0\x15',
  });
  expect(buffers['>email.body_md5']).toMatch(/^[0-9a-f]{32}$/);
  expect(buffers['>file.md5[0]']).toHaveLength(16);
  expect(buffers['>file.sha256[0]']).toHaveLength(32);
  expect([events, ended, progress[0]]).toEqual([[], 1, 3]);
  expect(seen.upgrades).toEqual([]);
});

test('the same wherever it is cut', () => {
  expectSameWhereverCut(create(), [...HELLO, ...ENVELOPE, ...DATA, ...ENVELOPE.slice(0, 2), ...QUIT]);
  const chunks = [
    client('BDAT 20\r\nSubject: a\r\n\r\nbody\r\n'),
    server('250 ok\r\n'),
    client('BDAT 3 LAST\r\nend'),
  ];
  expectSameWhereverCut(create(), [...HELLO, ...ENVELOPE, ...chunks, ...QUIT]);
});

test('whatever comes', () => {
  expectNothingThrown(create(), [...HELLO, ...ENVELOPE, ...DATA, ...ENVELOPE, ...DATA, ...QUIT], 30);
});

test('two mails in one session are two transactions', () => {
  const seen = run([
    ...HELLO,
    ...ENVELOPE,
    ...DATA,
    client('MAIL FROM:<x>\r\n'),
    server('250 OK\r\n'),
    ...DATA,
    ...QUIT,
  ]);
  expect(seen.transactions.map(({ id }) => id)).toEqual([0, 1]);
  expect(buffersOf(seen, 1)).toMatchObject({ '>smtp.helo': 'me.example', '>smtp.mail_from': '<x>' });
  expect(buffersOf(seen, 1)['>smtp.rcpt_to[0]']).toBeUndefined();
});

test('RSET ends a transaction once it is answered', () => {
  const seen = run([
    ...HELLO,
    ...ENVELOPE,
    client('RSET\r\n'),
    server('250 OK\r\n'),
    client('MAIL FROM:<z>\r\n'),
  ]);
  expect(seen.transactions.map(({ buffers }) => buffers['>smtp.mail_from'])).toEqual([
    '<a@example.com>',
    '<z>',
  ]);
});

test('pipelined commands, and the mail before the server has said yes', () => {
  const seen = run([
    GREETING,
    client('EHLO x\r\n'),
    server('250-mail\r\n250-PIPELINING\r\n250 OK\r\n'),
    client(`MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n${MAIL}`),
    server('250 OK\r\n250 OK\r\n354 go\r\n250 queued\r\n'),
  ]);
  expect(buffersOf(seen)['>file.name[0]']).toBe('virus.exe');
  expect(seen.transactions[0].events).toEqual([]);
});

test('a mail of which only the client is seen', () => {
  const seen = run([
    client('EHLO x\r\n'),
    client('MAIL FROM:<a>\r\n'),
    client('DATA\r\n'),
    client(MAIL),
    ...QUIT,
  ]);
  expect(buffersOf(seen)['>file.name[0]']).toBe('virus.exe');
  expect(seen.transactions[0].events).toEqual(['>smtp.no_server_welcome_message']);
});

test('a mail in chunks', () => {
  const body = 'Content-Disposition: attachment; filename=c.exe\r\n\r\nchunked content';
  const seen = run([
    ...HELLO,
    ...ENVELOPE,
    client(`BDAT 60\r\n${body.slice(0, 60)}`),
    server('250 OK\r\n'),
    client(`BDAT ${body.length - 60} LAST\r\n${body.slice(60)}`),
    server('250 OK\r\n'),
    ...QUIT,
  ]);
  expect(buffersOf(seen)).toMatchObject({ '>file.name[0]': 'c.exe', '>file.data[0]': 'chunked content' });
  expect(seen.transactions).toHaveLength(1);
});

test('bytes behind an unfinished line of a chunk are too many', () => {
  const events = (chunk: string) =>
    run([...HELLO, client(chunk), server('250 OK\r\n'), client('NOOP\r\n')]).transactions[0].events;
  expect(events('BDAT 3\r\nabc more\r\n')).toEqual(['>smtp.bdat_chunk_len_exceeded']);
  expect(events('BDAT 5\r\nabc\r\n')).toEqual([]);
  expect(events('BDAT 3\r\nabcBDAT 3\r\ndef')).toEqual([]);
});

test('a dot that the sender has doubled is undone', () => {
  const mail = 'Content-Disposition: attachment; filename=f\r\n\r\n..\r\n..two\r\n.\r\n';
  const seen = run([...HELLO, client('DATA\r\n'), server('354 go\r\n'), client(mail)]);
  expect(buffersOf(seen)['>file.data[0]']).toBe('.\r\n.two');
});

test('STARTTLS hands over behind the reply', () => {
  const tls = '\x16\x03\x01';
  const seen = run([...HELLO, client('STARTTLS\r\n'), server(`220 go ahead\r\n${tls}`), client(tls)]);
  expect(seen.upgrades).toEqual([{ protocol: 'tls', at: 8 + '220 go ahead\r\n'.length }]);
  expect(seen.transactions).toHaveLength(1);
  const refused = run([...HELLO, client('STARTTLS\r\n'), server('454 no\r\n')]);
  expect(refused.upgrades).toEqual([]);
  expect(refused.transactions[0].events).toEqual(['<smtp.tls_rejected']);
});

test('mails as they are, where that is asked for', () => {
  const seen = run([...HELLO, ...ENVELOPE, ...DATA], { rawExtraction: true });
  expect(buffersOf(seen)).toMatchObject({
    '>file.name[0]': 'rawmsg',
    '>file.data[0]': MAIL.slice(0, -3),
  });
  expect(buffersOf(seen)['>email.from']).toBeUndefined();
});

test('a body in one endless line is inspected all the same', () => {
  const content = 'A'.repeat(20_000);
  const mail = `Content-Disposition: attachment; filename=f\r\n\r\n${content}\r\n.\r\n`;
  const seen = run([...HELLO, client('DATA\r\n'), server('354 go\r\n'), client(mail)]);
  expect(buffersOf(seen)['>file.data[0]']).toBe(content);
});

test('what a peer would not send', () => {
  const events = (pieces: Piece[]) => run(pieces).transactions.map((tx) => tx.events);
  expect(events([client('EHLO x\r\n')])).toEqual([['>smtp.no_server_welcome_message']]);
  expect(events([...HELLO, client('EHLO y\r\n')])).toEqual([['>smtp.duplicate_fields']]);
  expect(events([...HELLO, client('NOOP\r\n'), server('999 what\r\n')])).toEqual([['<smtp.invalid_reply']]);
  expect(events([...HELLO, client('DATA\r\n'), server('550 no\r\n')])).toEqual([
    ['<smtp.data_command_rejected'],
  ]);
  expect(events([...HELLO, client('DATA\r\nNOOP\r\n')])).toEqual([['>smtp.invalid_pipelined_sequence']]);
  expect(events([...HELLO, client(`NOOP ${'x'.repeat(5000)}\r\nNOOP\r\n`)])).toEqual([
    ['>smtp.truncated_line'],
  ]);
  const again = events([
    ...HELLO,
    client('DATA\r\n'),
    server('550 no\r\n'),
    client('DATA\r\n'),
    server('354 go\r\n'),
  ]);
  expect(again).toEqual([['<smtp.data_command_rejected', '>smtp.unparsable_content'], []]);
});

test('recipients are bounded', () => {
  const recipients = (count: number) => 'RCPT TO:<someone>\r\n'.repeat(count);
  const { transactions } = run([...HELLO, client(recipients(1000)), client('RCPT TO:<last>\r\n')]);
  expect(transactions[0].buffers['>smtp.rcpt_to[1000]']).toBe('<last>');
  const many = recipients(5000);
  const seen = run([...HELLO, client(many)]);
  expect(seen.transactions[0].events).toEqual(['>smtp.too_many_recipients']);
});

test('missing bytes', () => {
  const definition = create();
  const seed = testSeed();
  const recorder = record(definition, []);
  const parser = definition.create(recorder, Transport.TCP);
  for (const [direction, bytes] of split(
    [...HELLO, client('DATA\r\n'), server('354 go\r\n')],
    new Random(seed),
    9,
  ))
    parser.feed(direction, bytes, 0, bytes.length);
  const feed = (text: string) => parser.feed(0, bytesOf(text), 0, text.length);
  feed('Content-Disposition: attachment; filename=f\r\n\r\nfirst\r\n');
  parser.gap(0, 100);
  feed('of a line\r\nlast\r\n.\r\n');
  feed('NOOP\r\n');
  parser.gap(0, 10);
  feed('half\r\nMAIL FROM:<later>\r\n');
  parser.close(0);
  parser.close(1);
  expect(recorder.transactions).toHaveLength(2);
  expect(recorder.transactions[0].buffers).toMatchObject({ '>file.data[0]': 'of a line\r\nlast' });
  expect(recorder.transactions[0].buffers['>file.md5[0]']).toBeUndefined();
  expect(recorder.transactions[1].buffers).toMatchObject({ '>smtp.mail_from': '<later>' });
});

test('flows are told by the client', () => {
  const definition = create();
  const flow = { transport: Transport.TCP, clientPort: 1025, serverPort: 25 };
  const probe = (direction: 0 | 1, text: string) =>
    definition.probe(direction, bytesOf(text), 0, text.length, flow);
  expect(probe(0, 'ehlo x\r\n')).toBe(1);
  expect(probe(0, 'HELO\r\n')).toBe(1);
  expect(probe(0, 'EH')).toBe(0);
  expect(probe(0, 'EHLO')).toBe(0);
  expect(probe(0, 'EHLOX')).toBe(-1);
  expect(probe(0, 'GET / HTTP/1.0')).toBe(-1);
  expect(probe(1, '220 mail ESMTP\r\n')).toBe(0);
  expect(probe(1, '220-mail ESMTP\r\n220 hello\r\n250 ok')).toBe(1);
  expect(probe(1, '220 ftp ready\r\n331 user')).toBe(-1);
  expect(probe(1, '221 bye')).toBe(-1);
  expect(greetingEnd(bytesOf('220 a\n250'), 0, 9)).toBe(6);
});

test('what an alert tells', () => {
  const definition = create();
  const told: unknown[] = [];
  const parser = definition.create(
    {
      onProgress: () => {},
      onTransactionEnd: (tx) => told.push(definition.describe?.(tx)),
      onEvent: () => {},
      onUpgrade: () => {},
      onExpectation: () => {},
    },
    Transport.TCP,
  );
  for (const [direction, bytes] of [...HELLO, ...ENVELOPE]) parser.feed(direction, bytes, 0, bytes.length);
  parser.close(0);
  parser.close(1);
  expect(told).toEqual([
    { helo: 'me.example', mail_from: '<a@example.com>', rcpt_to: ['<b@example.com>', '<c@example.com>'] },
  ]);
});
