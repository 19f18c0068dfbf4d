import { bytesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { Transport } from '../transaction';
import { createImap } from './definition';
import { literalLength } from './syntax';

const client = (text: string): Piece => [0, bytesOf(text)];
const server = (text: string): Piece => [1, bytesOf(text)];
const imap = createImap();

const literal = 'a2 STARTTLS\r\n';
const SESSION: Piece[] = [
  server('* OK ready\r\n'),
  client('a1 CAPABILITY\r\n'),
  server('* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK done\r\n'),
  client(`a3 APPEND box {${literal.length}}\r\n`),
  server('+ go\r\n'),
  client(`${literal} STARTTLS\r\n`),
  server('a2 OK that is not it\r\n'),
  server('* 1 FETCH (BODY {12}\r\na4 OK mine\r\n)\r\n'),
  client('a4 starttls\r\n'),
  server('a4 OK begin\r\n'),
];

test('STARTTLS hands over behind its reply, wherever it is cut', () => {
  const seen = record(imap, SESSION);
  expect(seen.upgrades).toEqual([{ protocol: 'tls', at: 8 + 'a4 OK begin\r\n'.length }]);
  expectSameWhereverCut(imap, SESSION);
  expectNothingThrown(imap, SESSION, 40);
  expect(record(imap, SESSION.slice(0, -1)).upgrades).toEqual([]);
  expect(record(imap, [...SESSION.slice(0, -1), server('a4 BAD\r\na4 OK\r\n')]).upgrades).toEqual([]);
});

test('literals', () => {
  const length = (text: string) => literalLength(bytesOf(text), 0, text.length);
  expect(length('a {310}')).toBe(310);
  expect(length('a {310+}')).toBe(310);
  expect(length('{0}')).toBe(0);
  expect(length('{}')).toBe(-1);
  expect(length('310}')).toBe(-1);
  expect(length('{99999999999}')).toBe(0xffffffff);
  expect(length('{999999999999}')).toBe(-1);
});

test('flows', () => {
  const flow = { transport: Transport.TCP, clientPort: 1025, serverPort: 143 };
  const probe = (direction: 0 | 1, text: string) =>
    imap.probe(direction, bytesOf(text), 0, text.length, flow);
  expect(probe(1, '* OK x')).toBe(1);
  expect(probe(1, '* PREAUTH x')).toBe(1);
  expect(probe(1, '* O')).toBe(0);
  expect(probe(1, '* OKAY')).toBe(-1);
  expect(probe(0, 'a001 LOGIN me secret')).toBe(1);
  expect(probe(0, 'a001 LOG')).toBe(0);
  expect(probe(0, 'a00')).toBe(0);
  expect(probe(0, 'GET / HTTP')).toBe(-1);
  expect(probe(0, '\x16\x03')).toBe(-1);
});
