/** What becomes of connections whose parsers hold more than all of them may together (`app-layer.memcap`). */
import { TcpConversation } from '@portcullis/testkit';
import { Inspection } from '../testing/inspection';
import { InspectCounter } from './inspect-counters';
import type { ParserMemoryOptions } from './parser-memory';

const HEADER =
  'drop http any any -> any any (flow:established,to_server; http.header; content:"evil"; sid:1;)';
const { PARSERS_PASSED, PARSERS_DROPPED, PACKETS } = InspectCounter;
const MEMCAP = 64 * 1024;
/** Each holds a good 4 KiB, so that this many do not fit. */
const SLOW = 40;

/** Requests whose heads do not end, one behind the other; as many packets each. */
function slow(clientPort: number, line = `X: ${'a'.repeat(4096)}\r\n`): TcpConversation {
  return new TcpConversation({ clientPort, serverPort: 80, mss: 8000 })
    .handshake()
    .client(`POST / HTTP/1.1\r\nHost: a\r\n${line}`);
}

const inspect = (appLayer: Partial<ParserMemoryOptions>, inline = true) =>
  Inspection.of(HEADER, { appLayer: { memcap: MEMCAP, ...appLayer }, inline });

/** Runs a conversation as far as it goes, and again when it has gone on: each time a second later. */
function runner(inspection: Inspection) {
  const done = new Map<TcpConversation, number>();
  let now = 1_704_067_200_000_000;
  return (conversation: TcpConversation): boolean[] => {
    const from = done.get(conversation) ?? 0;
    done.set(conversation, conversation.packets.length);
    now += 1_000_000;
    return inspection.passed(conversation.packets.slice(from).map((packet) => ({ ...packet, time: now })));
  };
}

test('the longest silent ones give way, pass and are counted; who speaks is looked at as before', async () => {
  const inspection = await inspect({});
  const run = runner(inspection);
  const first = slow(1000);
  const busy = slow(1001);
  run(first);
  run(busy);
  for (let i = 0; i < SLOW; i++) {
    run(slow(2000 + i));
    run(busy.client(`Y${i}: 1\r\n`));
    expect(inspection.inspector.parserBytes).toBeLessThanOrEqual(MEMCAP);
  }
  expect(inspection.inspector.parserBytes).toBeGreaterThan(0);
  const passed = inspection.counter(PARSERS_PASSED);
  expect(passed).toBeGreaterThan(SLOW / 2);
  expect(passed).toBeLessThan(SLOW);
  expect(inspection.counter(PARSERS_DROPPED)).toBe(0);
  // Without its parser the first one is a stream of bytes.
  expect(run(first.client('Z: evil\r\n\r\n'))).not.toContain(false);
  expect(inspection.sids).toEqual([]);
  expect(run(busy.client('Z: evil\r\n\r\n'))).toContain(false);
  expect(inspection.sids).toEqual([1]);
});

test('what a parser holds is inspected when it gives way', async () => {
  const inspection = await inspect({}, true);
  const run = runner(inspection);
  // A head is looked at when it is complete, or when nothing more of it comes.
  const begun = new TcpConversation({ clientPort: 1000, serverPort: 80 })
    .handshake()
    .client('GET / HTTP/1.1\r\nHost: a\r\nX: evil\r\n');
  expect(run(begun)).not.toContain(false);
  expect(inspection.sids).toEqual([]);
  for (let i = 0; i < SLOW; i++) run(slow(2000 + i));
  expect(inspection.counter(PARSERS_PASSED)).toBeGreaterThan(0);
  expect(inspection.sids).toEqual([1]);
});

test.each([
  ['on a gateway', true],
  ['where nothing is dropped', false],
] as const)('closed, %s: those that gave way are dropped or not', async (_where, inline) => {
  const inspection = await inspect({ policy: 'closed' }, inline);
  const run = runner(inspection);
  const first = slow(1000);
  run(first);
  for (let i = 0; i < SLOW; i++) run(slow(2000 + i));
  const counted = inspection.counter(inline ? PARSERS_DROPPED : PARSERS_PASSED);
  expect(counted).toBeGreaterThan(0);
  expect(inspection.counter(inline ? PARSERS_PASSED : PARSERS_DROPPED)).toBe(0);
  expect(new Set(run(first.client('Z: good\r\n\r\n')))).toEqual(new Set([!inline]));
  expect(run(slow(3000))).not.toContain(false);
});

test('bytes that do not tell a protocol yet count too', async () => {
  const inspection = await inspect({ memcap: 1024 });
  const run = runner(inspection);
  const undecided = (clientPort: number) =>
    new TcpConversation({ clientPort, serverPort: 80 }).handshake().client('GET');
  for (let i = 0; i < 100; i++) run(undecided(1000 + i));
  expect(inspection.inspector.parserBytes).toBe(300);
  for (let i = 0; i < 300; i++) run(undecided(2000 + i));
  expect(inspection.inspector.parserBytes).toBeLessThanOrEqual(1024);
  expect(inspection.counter(PARSERS_PASSED)).toBeGreaterThan(0);
  expect(inspection.counter(PACKETS)).toBeGreaterThan(400);
});

test('between messages a parser takes its own memory, and gives way only where no other holds anything', async () => {
  const inspection = await inspect({});
  const run = runner(inspection);
  const quiet = slow(1000, '').client('\r\n').server('HTTP/1.1 204 No Content\r\n\r\n');
  run(quiet);
  const own = inspection.inspector.parserBytes;
  expect(own).toBeGreaterThan(0);
  expect(own).toBeLessThan(1000);
  for (let i = 0; i < SLOW; i++) run(slow(2000 + i));
  expect(inspection.counter(PARSERS_PASSED)).toBeGreaterThan(0);
  expect(run(quiet.client('GET / HTTP/1.1\r\nHost: a\r\nZ: evil\r\n\r\n'))).toContain(false);
});

test('many connections on which nothing is said take no more than they may', async () => {
  const inspection = await inspect({});
  const run = runner(inspection);
  const quiet = (clientPort: number) =>
    slow(clientPort, '').client('\r\n').server('HTTP/1.1 204 No Content\r\n\r\n');
  const first = quiet(1000);
  run(first);
  for (let i = 0; i < 900; i++) {
    run(quiet(2000 + i));
    expect(inspection.inspector.parserBytes).toBeLessThanOrEqual(MEMCAP);
  }
  expect(inspection.counter(PARSERS_PASSED)).toBeGreaterThan(100);
  expect(run(first.client('GET / HTTP/1.1\r\nHost: a\r\nZ: evil\r\n\r\n'))).not.toContain(false);
});

test('a connection that has become ciphertext has no parser any more', async () => {
  const rules = 'alert ssh any any -> any any (ssh.software; content:"openssh"; nocase; sid:2;)';
  const inspection = await Inspection.of(rules, { appLayer: { memcap: MEMCAP } });
  const run = runner(inspection);
  const newKeys = Buffer.from('0000000c0a1500000000000000000000', 'hex');
  const ssh = new TcpConversation({ clientPort: 1000, serverPort: 22 })
    .handshake()
    .client('SSH-2.0-OpenSSH_9\r\n')
    .server('SSH-2.0-Dropbear\r\n');
  run(ssh);
  expect(inspection.inspector.parserBytes).toBeGreaterThan(0);
  run(ssh.client(newKeys));
  expect(inspection.inspector.parserBytes).toBeGreaterThan(0);
  run(ssh.server(newKeys));
  expect(inspection.inspector.parserBytes).toBe(0);
  run(ssh.client(Buffer.from('ciphertext')).server(Buffer.from('ciphertext')).close());
  expect(inspection.inspector.parserBytes).toBe(0);
  expect(inspection.sids).toEqual([2]);
});

test('with the end of its connection a parser holds nothing', async () => {
  const inspection = await inspect({});
  const run = runner(inspection);
  const request = slow(1000);
  run(request);
  expect(inspection.inspector.parserBytes).toBeGreaterThan(4096);
  run(request.client('\r\n').server('HTTP/1.1 204 No Content\r\n\r\n').close());
  expect(inspection.inspector.parserBytes).toBe(0);
  run(slow(1001));
  inspection.inspector.close();
  expect(inspection.inspector.parserBytes).toBe(0);
});
