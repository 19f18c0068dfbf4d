import { bytesOf, type Piece, Recorder, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { readNote } from '../ftp-data/note';
import { Transport } from '../transaction';
import { readCommand } from './commands';
import { createFtp } from './definition';
import { readExtendedPassiveReply, readExtendedPort, readHostPort, readPassiveReply } from './ports';
import { FtpTransaction } from './transaction';

const client = (text: string): Piece => [0, bytesOf(text)];
const server = (text: string): Piece => [1, bytesOf(text)];
const ftp = createFtp();

const LOGIN: Piece[] = [
  server('220-welcome\r\n220-to us\r\n220 ready\r\n'),
  client('USER anonymous\r\n'),
  server('331 Please specify the password.\r\n'),
  client('pass a@b c\r\n'),
  server('230 Login successful.\r\n'),
];
const PASSIVE: Piece[] = [
  client('PASV\r\n'),
  server('227 Entering Passive Mode (192,168,1,1,4,17).\r\n'),
  client('RETR /pub/a file.txt\r\n'),
  server('150 Opening.\r\n'),
  server('226 Transfer complete.\r\n'),
];
const ACTIVE: Piece[] = [
  client('PORT 10,0,0,1,200,1\r\n'),
  server('200 fine\r\n'),
  client('STOR up.bin\r\n'),
  server('150 go\r\n226 done\r\n'),
];
const QUIT: Piece[] = [client('QUIT\r\n'), server('221 bye\r\n')];

const run = (pieces: readonly Piece[]): Recorder => record(ftp, pieces);
const bufferOf = (recorder: Recorder, name: string) =>
  recorder.transactions.map(({ buffers }) => buffers[name]);

test('commands and their replies', () => {
  const seen = run([...LOGIN, ...PASSIVE, ...QUIT]);
  expect(seen.transactions.map(({ id, ended }) => [id, ended])).toEqual(
    [0, 1, 2, 3, 4, 5].map((id) => [id, 1]),
  );
  expect(bufferOf(seen, '>ftp.command')).toEqual([undefined, 'USER', 'PASS', 'PASV', 'RETR', 'QUIT']);
  expect(bufferOf(seen, '>ftp.command_data')).toEqual([
    undefined,
    'anonymous',
    'a@b c',
    undefined,
    '/pub/a file.txt',
    undefined,
  ]);
  const { buffers } = seen.transactions[4];
  expect(buffers).toMatchObject({
    '<ftp.reply[0]': 'Opening.',
    '<ftp.reply[1]': 'Transfer complete.',
    '<ftp.completion_code[0]': '150',
    '<ftp.completion_code[1]': '226',
    '<ftp.reply_received': '\x01',
    '<ftp.reply_pending': '\x01',
  });
  expect(seen.transactions[3].buffers).toMatchObject({ '<ftp.mode': '\0', '<ftp.dynamic_port': '\x04\x11' });
  // Rules do not look at a greeting.
  expect(seen.transactions[0].buffers).toEqual({});
});

test('the same wherever it is cut', () => {
  // A preliminary reply is shown by itself or together with the last one, as they come.
  const transfers: Piece[] = [
    ...ACTIVE.slice(0, 3),
    server('226 up\r\n'),
    ...PASSIVE.slice(0, 3),
    server('226 down\r\n'),
  ];
  expectSameWhereverCut(ftp, [...LOGIN, ...transfers, ...QUIT]);
});

test('whatever comes', () => {
  expectNothingThrown(ftp, [...LOGIN, ...PASSIVE, ...ACTIVE, ...QUIT], 40);
});

test('data connections are announced', () => {
  const announced = (pieces: Piece[]) =>
    run([...LOGIN, ...pieces]).expectations.map(({ protocol, listener, port, note }) => {
      const { command, fileName, direction } = readNote(note);
      return [
        protocol,
        listener,
        port,
        command,
        fileName === null ? null : Buffer.from(fileName).toString(),
        direction,
      ];
    });
  expect(announced(PASSIVE)).toEqual([['ftp-data', 'server', 1041, 'RETR', '/pub/a file.txt', 1]]);
  expect(announced(ACTIVE)).toEqual([['ftp-data', 'client', 51_201, 'STOR', 'up.bin', 1]]);
  expect(
    announced([client('EPSV\r\n'), server('229 Extended (|||48758|)\r\n'), client('STOR x\r\n')]),
  ).toEqual([['ftp-data', 'server', 48_758, 'STOR', 'x', 0]]);
  expect(
    announced([
      client('EPRT |2|2a01::1|41813|\r\n'),
      server('200 ok\r\n'),
      client('RETR x\r\n'),
      client('RETR y\r\n'),
    ]),
  ).toEqual([['ftp-data', 'client', 41_813, 'RETR', 'x', 0]]);
  expect(announced([client('PASV\r\n'), server('227 (1,2,3,4,5,6)\r\n'), client('LIST\r\n')])).toEqual([
    ['ftp-data', 'server', 1286, 'LIST', null, 1],
  ]);
  expect(announced([client('PORT 10,0,0,1,200,1\r\n'), server('500 no\r\n'), client('STOR x\r\n')])).toEqual(
    [],
  );
  expect(announced([client('RETR x\r\n')])).toEqual([]);
});

test('AUTH TLS hands over behind the reply', () => {
  const reply = '234 go\r\n';
  const seen = run([...LOGIN, client('AUTH TLS\r\n'), server(`${reply}\x16\x03`), client('\x16\x03')]);
  expect(seen.upgrades).toEqual([{ protocol: 'tls', at: 8 + reply.length }]);
  expect(bufferOf(seen, '>ftp.command').at(-1)).toBe('AUTH TLS');
  expect(run([client('AUTH TLS\r\n'), server('530 no\r\n')]).upgrades).toEqual([]);
});

test('a command that nothing answers', () => {
  const seen = run([...LOGIN, client('NOOP\r\n')]);
  expect(seen.transactions.at(-1)).toMatchObject({
    progress: [1, 1],
    buffers: { '<ftp.reply_pending': '\x01' },
  });
  expect(bufferOf(seen, '<ftp.reply_pending').slice(0, 3)).toEqual([undefined, undefined, undefined]);
});

test('commands sent before the replies to those before', () => {
  const seen = run([
    client('USER a\r\nPASS b\r\nSYST\r\n'),
    server('331 x\r\n230-y\r\n y2\r\n230 z\r\n215 UNIX\r\n'),
  ]);
  expect(bufferOf(seen, '<ftp.reply[0]')).toEqual(['x', '230-y', 'UNIX']);
  expect(seen.transactions[1].buffers['<ftp.reply[2]']).toBe('z');
});

test('a reply of several lines that is never ended', () => {
  const seen = run([client('USER a\r\nPASS b\r\n'), server('331-x\r\n230 in\r\n')]);
  expect(bufferOf(seen, '<ftp.completion_code[0]')).toEqual(['', '230']);
});

test('what a peer would not send', () => {
  const long = 'x'.repeat(5000);
  const events = (pieces: Piece[]) => run(pieces).transactions.flatMap((tx) => tx.events);
  expect(events([client(`RETR ${long}\r\nNOOP\r\n`)])).toEqual(['>ftp.request_command_too_long']);
  expect(events([client('NOOP\r\n'), server(`200 ${long}\r\n`)])).toEqual(['<ftp.response_command_too_long']);
  const few = record(createFtp({ maxTransactions: 2 }), [client('NOOP\r\n'.repeat(5))]);
  expect(few.transactions.map((tx) => tx.events)).toEqual([['>ftp.too_many_transactions'], [], [], [], []]);
});

test('missing bytes', () => {
  const recorder = record(ftp, []);
  const parser = ftp.create(recorder, Transport.TCP);
  const feed = (direction: 0 | 1, text: string) => parser.feed(direction, bytesOf(text), 0, text.length);
  feed(0, 'USER a\r\nPA');
  parser.gap(0, 5);
  feed(0, 'rest\r\nSYST\r\n');
  parser.gap(1, 100);
  feed(1, 'of a line\r\n');
  feed(0, 'NOOP\r\n');
  feed(1, '200 ok\r\n');
  parser.close(0);
  parser.close(1);
  expect(bufferOf(recorder, '>ftp.command')).toEqual(['USER', 'SYST', 'NOOP']);
  expect(bufferOf(recorder, '<ftp.reply[0]')).toEqual([undefined, undefined, 'ok']);
});

test('command lines', () => {
  const read = (text: string) => {
    const found = readCommand(bytesOf(text), 0, text.length);
    return found === null
      ? null
      : [found.text, found.argument === null ? null : Buffer.from(found.argument).toString()];
  };
  expect(read('retr  a b ')).toEqual(['RETR', ' a b']);
  expect(read('QUIT')).toEqual(['QUIT', null]);
  expect(read('\xff\xf4\xff\xf2ABOR')).toEqual(['ABOR', null]);
  expect(read('auth tls')).toEqual(['AUTH TLS', null]);
  expect(read('AUTH GSSAPI')).toEqual(['AUTH', 'GSSAPI']);
  expect(read('123')).toBeNull();
  expect(read('')).toBeNull();
});

test('ports', () => {
  const host = (text: string) => readHostPort(bytesOf(text), 0, text.length);
  expect(host('192,168,0,13,234,10')).toBe(59_914);
  expect(host('192,168,0,13,256,10')).toBe(0);
  expect(host('192,168,0,13,234')).toBe(0);
  expect(host('192,168,0,1333,2,3')).toBe(0);
  const passive = (text: string) => readPassiveReply(bytesOf(text), 0, text.length);
  expect(passive('227 Entering Passive Mode (212,27,32,66,221,243).')).toBe(56_819);
  expect(passive('227 Passive 1,2,3,4,5,6')).toBe(1286);
  expect(passive('227')).toBe(0);
  const extended = (text: string) => readExtendedPort(bytesOf(text), 0, text.length);
  expect(extended('|1|132.235.1.2|6275|')).toBe(6275);
  expect(extended('|1|132.235.1.2|81813|')).toBe(0);
  expect(extended('|||')).toBe(0);
  const epsv = (text: string) => readExtendedPassiveReply(bytesOf(text), 0, text.length);
  expect(epsv('229 Entering (!!!6446!)')).toBe(6446);
  expect(epsv('229 none')).toBe(0);
});

test('flows are told by the client, or by a greeting that no other protocol has', () => {
  const flow = { transport: Transport.TCP, clientPort: 1025, serverPort: 21 };
  const probe = (direction: 0 | 1, text: string) => ftp.probe(direction, bytesOf(text), 0, text.length, flow);
  expect(probe(0, 'user x')).toBe(1);
  expect(probe(0, 'USE')).toBe(0);
  expect(probe(0, 'FEAT\r\n')).toBe(1);
  expect(probe(0, 'AUTH TLS\r\n')).toBe(1);
  expect(probe(0, 'EHLO x')).toBe(-1);
  expect(probe(1, '220 (vsFTPd 3.0.3)\r\n')).toBe(1);
  expect(probe(1, '220 ProFTPD\r\n')).toBe(0);
  expect(probe(1, '220 ProFTPD\r\n331')).toBe(1);
  expect(probe(1, '220 mail\r\n250')).toBe(-1);
});

test('what waiting commands hold is not counted anew at each packet', () => {
  const recorder = new Recorder(ftp.buffers);
  const parser = ftp.create(recorder, Transport.TCP);
  const packet = bytesOf('STAT some/file\r\n');
  const counted = jest.spyOn(FtpTransaction.prototype, 'heldBytes');
  try {
    const held: number[] = [];
    for (let packets = 0; packets < 200; packets++) {
      parser.feed(0, packet, 0, packet.length);
      held.push(parser.heldBytes());
    }
    expect(counted.mock.calls.length).toBeLessThan(200 * 3);
    expect(held[199]).toBe(200 * (held[0] as number));
    const reply = bytesOf('211-a\r\n b\r\n211 c\r\n');
    for (let packets = 0; packets < 199; packets++) parser.feed(1, reply, 0, reply.length);
    expect(parser.heldBytes()).toBe(held[0]);
    parser.close(1);
    expect(parser.heldBytes()).toBe(0);
  } finally {
    counted.mockRestore();
  }
});
