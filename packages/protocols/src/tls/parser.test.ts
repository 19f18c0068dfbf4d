import { Random, testSeed } from '../../testing/random';
import { bytesOf, type Piece, record as run } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import {
  CERTIFICATE,
  certificateOf,
  certificates,
  clientHello,
  handshake,
  MessageType as M,
  message,
  protocols,
  RANDOM,
  record,
  selectedVersion,
  serverHello,
  serverName,
  supportedVersions,
  u16,
} from '../../testing/tls/messages';
import { Transport } from '../transaction';
import { createTls } from './definition';

const tls = createTls();
const TO_SERVER = 0;
const TO_CLIENT = 1;
const CHANGE_CIPHER_SPEC = record(20, Buffer.from([1]));
const DATA = record(23, Buffer.alloc(100, 0x55));

const client = handshake(
  M.CLIENT_HELLO,
  clientHello({ extensions: [serverName('www.example.org'), protocols(['h2', 'http/1.1'])] }),
  0x0301,
);
const server = record(
  22,
  Buffer.concat([
    message(M.SERVER_HELLO, serverHello({ extensions: [protocols(['h2'])] })),
    message(M.CERTIFICATE, certificates(CERTIFICATE, certificateOf({}))),
    message(M.SERVER_KEY_EXCHANGE, Buffer.alloc(20)),
    message(M.SERVER_HELLO_DONE, Buffer.alloc(0)),
  ]),
);
const conversation = (answer: Buffer): Piece[] => [
  [TO_SERVER, client],
  [TO_CLIENT, answer],
  [
    TO_SERVER,
    Buffer.concat([
      handshake(M.CLIENT_KEY_EXCHANGE, Buffer.alloc(30)),
      CHANGE_CIPHER_SPEC,
      record(22, Buffer.alloc(40, 7)),
    ]),
  ],
  [TO_CLIENT, Buffer.concat([CHANGE_CIPHER_SPEC, record(22, Buffer.alloc(40, 9))])],
  [TO_SERVER, DATA],
  [TO_CLIENT, DATA],
];
const FULL = conversation(server);

const only = (pieces: readonly Piece[]) => {
  const { transactions } = run(tls, pieces);
  expect(transactions).toHaveLength(1);
  expect(transactions[0].ended).toBe(1);
  return transactions[0];
};
const eventsOf = (...pieces: Piece[]) => only(pieces).events.map((event) => event.replace('tls.', ''));

test('a whole handshake', () => {
  const { buffers, events, progress } = only(FULL);
  expect(events).toEqual([]);
  expect(progress).toEqual([4, 4]);
  const random = RANDOM.toString('latin1');
  expect(buffers).toMatchObject({
    '>tls.sni': 'www.example.org',
    '>tls.alpn[0]': 'h2',
    '>tls.alpn[1]': 'http/1.1',
    '<tls.alpn[0]': 'h2',
    '>tls.random': random,
    '<tls.random_time': random.slice(0, 4),
    '<tls.random_bytes': random.slice(4),
    '>tls.version': '\x03\x03',
    '<tls.cert_serial': '00:97:E6:47:09:8E:EA:C9:B4',
    '<tls.cert_chain_len': '\0\0\0\x02',
    '<tls.certs[0]': CERTIFICATE.toString('latin1'),
    '<tls.certs[1]': certificateOf({}).toString('latin1'),
    '<tls.subjectaltname[1]': '*.example.net',
    '>ssl_state': '\x01\x02\x08\x04',
    '>ja3.string': '771,4865-49199,0-16,,',
    '<ja3s.string': '771,49199,16',
  });
  expect(buffers['<tls.cert_subject']).toBe(buffers['<tls.cert_issuer']);
  expect(buffers['<tls.cert_fingerprint']).toMatch(/^([0-9a-f]{2}:){19}[0-9a-f]{2}$/);
  expect(buffers['>tls.cert_subject']).toBeUndefined();
});

test('the same wherever it is cut', () => {
  const answer = Buffer.concat([
    handshake(M.SERVER_HELLO, serverHello()),
    handshake(M.CERTIFICATE, certificates(certificateOf({}))),
  ]);
  expectSameWhereverCut(tls, conversation(answer));
});

test('messages over several records, and several records in one piece', () => {
  const whole = Buffer.concat([
    message(M.SERVER_HELLO, serverHello({ extensions: [protocols(['h2'])] })),
    message(M.CERTIFICATE, certificates(CERTIFICATE, certificateOf({}))),
    message(M.SERVER_KEY_EXCHANGE, Buffer.alloc(20)),
    message(M.SERVER_HELLO_DONE, Buffer.alloc(0)),
  ]);
  const seed = testSeed();
  const random = new Random(seed);
  const wanted = run(tls, FULL).summary();
  for (let round = 0; round < 10; round++) {
    const cuts = [0, 1, 2].map(() => 4 + random.next(whole.length - 8)).sort((a, b) => a - b);
    const parts = [...cuts, whole.length].map((end, i) => whole.subarray(cuts[i - 1] ?? 0, end));
    // A header of a message does not go over two records.
    if (parts.some((part) => part.length < 4)) continue;
    const pieces = [...FULL];
    pieces[1] = [TO_CLIENT, Buffer.concat(parts.map((part) => record(22, part)))];
    const got = run(tls, pieces);
    if (got.transactions[0].events.length > 0) continue;
    expect({ seed, cuts, summary: got.summary() }).toEqual({ seed, cuts, summary: wanted });
  }
});

test('random changes do no harm', () => {
  expectNothingThrown(tls, FULL, 60);
  expectNothingThrown(tls, [[TO_CLIENT, server], ...FULL], 30);
});

test('TLS 1.3: the extension tells the version', () => {
  const { buffers } = only([
    [
      TO_SERVER,
      handshake(M.CLIENT_HELLO, clientHello({ extensions: [supportedVersions([0x0a0a, 0x0304, 0x0303])] })),
    ],
    [TO_CLIENT, handshake(M.SERVER_HELLO, serverHello({ extensions: [selectedVersion(0x0304)] }))],
    [TO_CLIENT, CHANGE_CIPHER_SPEC],
    [TO_CLIENT, DATA],
  ]);
  expect([buffers['>tls.version'], buffers['<tls.version']]).toEqual(['\x03\x04', '\x03\x04']);
  expect(buffers['<tls.cert_subject']).toBeUndefined();
});

test('certificates of a client', () => {
  const { buffers } = only([
    [TO_SERVER, client],
    [TO_CLIENT, handshake(M.SERVER_HELLO, serverHello())],
    [TO_CLIENT, handshake(M.CERTIFICATE_REQUEST, Buffer.alloc(4))],
    [TO_SERVER, handshake(M.CERTIFICATE, certificates(CERTIFICATE))],
  ]);
  expect(buffers['>tls.cert_serial']).toBe('00:97:E6:47:09:8E:EA:C9:B4');
  expect(buffers['<tls.cert_serial']).toBeUndefined();
});

test('a certificate that cannot be read makes room for the next one', () => {
  const { buffers, events } = only([
    [TO_CLIENT, handshake(M.CERTIFICATE, certificates(bytesOf('0\x05abc'), CERTIFICATE))],
  ]);
  expect(events).toEqual(['<tls.invalid_certificate']);
  expect(buffers['<tls.cert_chain_len']).toBe('\0\0\0\x01');
  expect(buffers['<tls.certs[0]']).toBe(CERTIFICATE.toString('latin1'));
  expect(buffers['<tls.cert_serial']).toBe('00:97:E6:47:09:8E:EA:C9:B4');
});

describe('events', () => {
  const hello = (body: Buffer) => handshake(M.CLIENT_HELLO, body);
  const named = (...names: readonly ReturnType<typeof serverName>[]) =>
    hello(clientHello({ extensions: names }));
  const long = serverName('a'.repeat(256));

  test.each<[string, Buffer, readonly string[]]>([
    ['a type of record that there is not', record(25, Buffer.alloc(3)), ['>invalid_record_type']],
    ['an empty record', record(22, Buffer.alloc(0)), ['>invalid_record_length']],
    ['a record that is too long', record(22, Buffer.alloc(17_409)), ['>invalid_record_length']],
    ['a version that there is not', record(22, Buffer.alloc(4), 0x0399), ['>invalid_record_version']],
    ['a record without room for a message', record(22, Buffer.alloc(3)), ['>invalid_ssl_record']],
    ['a message that there is not', handshake(99, Buffer.alloc(3)), ['>invalid_handshake_message']],
    ['a hello without random', hello(u16(0x0303)), ['>handshake_invalid_length']],
    [
      'a hello with half a cipher',
      hello(Buffer.concat([clientHello().subarray(0, 35), u16(3)])),
      ['>handshake_invalid_length'],
    ],
    ['two names', named(serverName('a'), serverName('b')), ['>multiple_sni_extensions']],
    ['a name of another type', named(serverName('a', 1)), ['>invalid_sni_type']],
    ['a name that is too long', named(long), ['>invalid_sni_length']],
    ['an empty name', named(serverName('')), ['>invalid_sni_length']],
    ['half an alert', record(21, Buffer.alloc(1)), ['>invalid_alert_message']],
  ])('%s', (_, bytes, events) => {
    expect(eventsOf([TO_SERVER, bytes])).toEqual(events);
  });

  test('a heartbeat that asks for more than it has', () => {
    const overflow = Buffer.concat([Buffer.from([1]), u16(0x4000), Buffer.alloc(16)]);
    expect(eventsOf([TO_SERVER, client], [TO_SERVER, record(24, overflow)])).toEqual([
      '>overflow_heartbeat_message',
    ]);
    const short = Buffer.concat([Buffer.from([1]), u16(4), Buffer.alloc(4 + 15)]);
    expect(eventsOf([TO_SERVER, record(24, short)])).toEqual(['>invalid_heartbeat_message']);
    expect(eventsOf([TO_SERVER, record(24, Buffer.alloc(19, 9))])).toEqual(['>invalid_heartbeat_message']);
  });

  test('an encrypted heartbeat that is answered with more', () => {
    const heart = (size: number) => record(24, Buffer.alloc(size, 0x77));
    const asked: Piece = [TO_SERVER, Buffer.concat([CHANGE_CIPHER_SPEC, heart(50)])];
    expect(eventsOf(asked, [TO_CLIENT, heart(50)])).toEqual([]);
    expect(eventsOf(asked, [TO_CLIENT, heart(51)])).toEqual(['<dataleak_heartbeat_mismatch']);
    expect(eventsOf(asked, [TO_SERVER, heart(50)])).toEqual(['>invalid_heartbeat_message']);
  });

  test('a fatal alert ends both directions', () => {
    expect(only([[TO_CLIENT, record(21, Buffer.from([2, 40]))]]).progress).toEqual([4, 4]);
  });
});

describe('SSL 2', () => {
  const hello = (version: number) => {
    const body = Buffer.concat([
      Buffer.from([1]),
      u16(version),
      u16(3),
      u16(0),
      u16(16),
      Buffer.alloc(19, 3),
    ]);
    return Buffer.concat([u16(0x8000 | body.length), body]);
  };
  const flow = { transport: Transport.TCP, clientPort: 1, serverPort: 2 };

  test('the hello of a client, answered with SSL 3', () => {
    const { buffers, events } = only([
      [TO_SERVER, hello(0x0300)],
      [TO_CLIENT, handshake(M.SERVER_HELLO, serverHello({ version: 0x0300 }), 0x0300)],
    ]);
    expect(events).toEqual([]);
    expect([buffers['>tls.version'], buffers['<tls.version']]).toEqual(['\x03\0', '\x03\0']);
    expect(buffers['>ssl_state']).toBe('\x01\x02');
  });

  test('an error, and a record without contents', () => {
    expect(eventsOf([TO_CLIENT, Buffer.from([0x80, 3, 0, 0, 1])])).toEqual(['<error_message_encountered']);
    expect(eventsOf([TO_CLIENT, Buffer.from([0x80, 0, 0])])).toEqual([
      '<invalid_sslv2_header',
      '<invalid_ssl_record',
    ]);
  });

  test('nothing is looked at once both sides are encrypted', () => {
    const recorder = run(tls, [
      [TO_SERVER, hello(2)],
      [TO_CLIENT, Buffer.from([0x80, 2, 4, 0])],
      [TO_SERVER, Buffer.from([0x80, 2, 3, 0])],
      [TO_CLIENT, Buffer.from([0x80, 2, 5, 0, 0x80, 0, 0])],
    ]);
    expect(recorder.transactions[0].events).toEqual([]);
  });

  test('is recognised', () => {
    const probe = (bytes: Buffer) => tls.probe(TO_SERVER, bytes, 0, bytes.length, flow);
    expect([probe(hello(2)), probe(hello(0x0301)), probe(hello(0x0500))]).toEqual([1, 1, -1]);
    expect(probe(hello(2).subarray(0, 3))).toBe(0);
    expect(tls.probe(TO_CLIENT, hello(2), 0, 10, flow)).toBe(-1);
  });
});

test('recognised by three bytes', () => {
  const flow = { transport: Transport.TCP, clientPort: 1, serverPort: 2 };
  const probe = (direction: 0 | 1, text: string) => {
    const bytes = Buffer.from(text, 'hex');
    return tls.probe(direction, bytes, 0, bytes.length, flow);
  };
  expect([probe(0, ''), probe(0, '16'), probe(0, '1603'), probe(0, '160301')]).toEqual([0, 0, 0, 1]);
  expect([probe(0, '1610'), probe(0, '170303'), probe(0, '13')]).toEqual([-1, -1, -1]);
  expect([probe(0, '160304'), probe(0, '16030900ff01'), probe(0, '16030900ff02')]).toEqual([0, 1, -1]);
  expect([probe(0, '1602'), probe(0, '1602000050'), probe(0, '160200005001')]).toEqual([0, 0, 1]);
  const [warning, change] = ['1503030002015a', '140303000101'];
  expect([probe(0, '150303'), probe(0, warning), probe(0, `${warning}160301`)]).toEqual([0, 0, 1]);
  expect([probe(0, '15030300020228'), probe(0, '140303000102')]).toEqual([-1, -1]);
  expect([probe(0, change), probe(0, change.repeat(4))]).toEqual([0, 1]);
  expect([probe(1, '150303'), probe(1, '170303'), probe(1, '160300'), probe(1, '140303')]).toEqual([
    1, 1, 1, -1,
  ]);
});

test('data costs headers only, and leaves nothing behind', () => {
  let calls = 0;
  const listener = {
    onProgress: () => calls++,
    onTransactionEnd: () => {},
    onEvent: () => calls++,
    onUpgrade: () => {},
    onExpectation: () => {},
  };
  const parser = createTls().create(listener, Transport.TCP);
  for (const [direction, bytes] of FULL) parser.feed(direction, bytes, 0, bytes.length);
  expect(parser.opaque).toBe(true);
  expect(parser.heldBytes()).toBe(0);
  const before = calls;
  const large = record(23, Buffer.alloc(16_000, 1));
  for (let i = 0; i < 100; i++) {
    parser.feed(TO_CLIENT, large, 0, 5000);
    parser.gap(TO_CLIENT, 1000);
    parser.feed(TO_CLIENT, large, 6000, large.length);
  }
  expect(calls).toBe(before);
  expect(parser.heldBytes()).toBe(0);
});

test('a gap in the handshake ends it', () => {
  const parser = tls.create(
    { onProgress() {}, onTransactionEnd() {}, onEvent() {}, onUpgrade() {}, onExpectation() {} },
    Transport.TCP,
  );
  parser.feed(TO_SERVER, client, 0, 50);
  expect(parser.heldBytes()).toBeGreaterThan(0);
  parser.gap(TO_SERVER, 10);
  expect(parser.heldBytes()).toBe(0);
});

test('what EVE tells', () => {
  const told: Record<string, unknown>[] = [];
  const parser = tls.create(
    {
      onProgress: (tx, direction) => {
        if (direction === TO_CLIENT) told.push(tls.describe?.(tx) ?? {});
      },
      onTransactionEnd() {},
      onEvent() {},
      onUpgrade() {},
      onExpectation() {},
    },
    Transport.TCP,
  );
  for (const [direction, bytes] of FULL) parser.feed(direction, bytes, 0, bytes.length);
  expect(told[0]).toMatchObject({
    sni: 'www.example.org',
    version: 'TLS 1.2',
    serial: '00:97:E6:47:09:8E:EA:C9:B4',
    ja3s: { string: '771,49199,16' },
  });
  expect(told[0].notbefore).toMatch(/^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
});
