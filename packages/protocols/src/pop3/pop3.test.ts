import { bytesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { Transport } from '../transaction';
import { createPop3 } from './definition';

const client = (text: string): Piece => [0, bytesOf(text)];
const server = (text: string): Piece => [1, bytesOf(text)];
const pop3 = createPop3();

const SESSION: Piece[] = [
  server('+OK POP3 ready\r\n'),
  client('CAPA\r\n'),
  server('+OK list\r\nSTLS\r\nUSER\r\n.\r\n'),
  client('AUTH PLAIN\r\n'),
  server('+ \r\n'),
  client('c2VjcmV0\r\n'),
  server('+OK in\r\n'),
  client('RETR 1\r\n'),
  server('+OK 100 octets\r\nSubject: x\r\n\r\n+OK not a reply\r\n..\r\n.\r\n'),
  client('STLS\r\n'),
  server('+OK go\r\n'),
];

test('STLS hands over behind its reply, wherever it is cut', () => {
  const seen = record(pop3, SESSION);
  expect(seen.upgrades).toEqual([{ protocol: 'tls', at: 8 + '+OK go\r\n'.length }]);
  expect(seen.events).toEqual([]);
  expectSameWhereverCut(pop3, SESSION);
  expectNothingThrown(pop3, SESSION, 40);
  expect(record(pop3, [...SESSION.slice(0, -1), server('-ERR no\r\n')]).upgrades).toEqual([]);
});

test('what a peer would not send', () => {
  const events = (...pieces: Piece[]) => record(pop3, pieces).events;
  expect(events(client('HELLO\r\n'))).toEqual(['>pop3.unknown_command']);
  expect(events(client('USER\r\n'))).toEqual(['>pop3.incorrect_argument_count']);
  expect(events(client('PASS a b c\r\n'))).toEqual([]);
  expect(events(client(`PASS ${'x'.repeat(260)}\r\n`))).toEqual(['>pop3.request_too_long']);
  expect(events(server(`+OK ${'x'.repeat(600)}\r\n`))).toEqual(['<pop3.response_too_long']);
  expect(events(client('NOOP\r\n'.repeat(257)))).toEqual(['>pop3.too_many_transactions']);
});

test('flows are told by the server', () => {
  const flow = { transport: Transport.TCP, clientPort: 1025, serverPort: 110 };
  const probe = (direction: 0 | 1, text: string) =>
    pop3.probe(direction, bytesOf(text), 0, text.length, flow);
  expect(probe(1, '+OK hi')).toBe(1);
  expect(probe(1, '+O')).toBe(0);
  expect(probe(1, '+PONG\r\n')).toBe(-1);
  expect(probe(1, '-ERR no')).toBe(-1);
  expect(probe(0, 'CAPA\r\n')).toBe(1);
  expect(probe(0, 'CAP')).toBe(0);
  expect(probe(0, 'USER x')).toBe(-1);
});
