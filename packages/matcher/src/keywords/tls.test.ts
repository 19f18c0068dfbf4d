import { createTls } from '@portcullis/protocols';
import {
  CERTIFICATE,
  certificates,
  clientHello,
  handshake,
  MessageType,
  serverHello,
} from '../../../protocols/testing/tls/messages';
import { firedBy, ruleErrors } from '../../testing/protocol-rules';

const tls = createTls();
const client = handshake(MessageType.CLIENT_HELLO, clientHello({ version: 0x0301 }), 0x0301);
const server = Buffer.concat([
  handshake(MessageType.SERVER_HELLO, serverHello({ version: 0x0302 }), 0x0302),
  handshake(MessageType.CERTIFICATE, certificates(CERTIFICATE), 0x0302),
]);
const keys = handshake(MessageType.CLIENT_KEY_EXCHANGE, Buffer.alloc(20), 0x0302);

const rule = (options: string, sid: number) => `alert tls any any -> any any (${options}; sid:${sid};)`;

/** Which of the options fire for the hello of the client, the answer of the server, and the keys of the client. */
function fired(options: readonly string[]): string[][] {
  const rules = options.map((one, i) => rule(one, i + 1));
  const pieces = [
    [0, client],
    [1, server],
    [0, keys],
  ] as const;
  return firedBy(tls, rules, pieces).map((sids) => sids.map((sid) => options[sid - 1]));
}

test('versions, of the side that is looked at', () => {
  expect(fired(['tls.version:1.0', 'tls.version:1.1', 'tls.version:"1.2"', 'tls.version:0x0302'])).toEqual([
    ['tls.version:1.0'],
    ['tls.version:1.1', 'tls.version:0x0302'],
    [],
  ]);
  expect(
    fired([
      'ssl_version:tls1.0',
      'ssl_version:!tls1.0',
      'ssl_version:sslv3,TLS1.1',
      'ssl_version:!tls1.3,tls1.2',
      'ssl_version:tls1.2',
    ]),
  ).toEqual([
    ['ssl_version:tls1.0', 'ssl_version:!tls1.3,tls1.2'],
    ['ssl_version:!tls1.0', 'ssl_version:sslv3,TLS1.1', 'ssl_version:!tls1.3,tls1.2'],
    [],
  ]);
});

test('states', () => {
  const [first, second, third] = fired([
    'ssl_state:client_hello',
    'ssl_state:server_hello',
    'ssl_state:client_keyx|server_keyx',
    'ssl_state:unknown',
  ]);
  expect(first).toEqual(['ssl_state:client_hello']);
  expect(second).toEqual(['ssl_state:client_hello', 'ssl_state:server_hello']);
  expect(third).toContain('ssl_state:client_keyx|server_keyx');
});

test('the validity of certificates', () => {
  const [, found] = fired([
    'tls_cert_notbefore:>2025',
    'tls_cert_notbefore:<2025',
    'tls_cert_notbefore:2020-01<>2099-12-31 23:59',
    'tls_cert_notafter:>2034-01-01T12:00:00',
    'tls_cert_notafter:<2034-01-01T12',
    'tls_cert_notafter:2036',
    'tls_cert_notbefore:<9999999999',
    'tls_cert_expired',
    'tls_cert_valid',
  ]);
  // The clock of these packets stands at 1970.
  expect(found).toEqual([
    'tls_cert_notbefore:>2025',
    'tls_cert_notbefore:2020-01<>2099-12-31 23:59',
    'tls_cert_notafter:>2034-01-01T12:00:00',
    'tls_cert_notbefore:<9999999999',
  ]);
});

test('the old forms with the text as value', () => {
  const [, found] = fired([
    'tls.subject:"CN=www.example.org"',
    'tls.subject:"cn=www"',
    'tls.subject:!"CN=www.example.org"',
    'tls.issuerdn:!"CN=other"',
    'tls.issuerdn:"O=Some Company"',
    'tls.fingerprint:!"00:00:00"',
    'tls.store',
  ]);
  expect(found).toEqual([
    'tls.subject:"CN=www.example.org"',
    'tls.issuerdn:!"CN=other"',
    'tls.issuerdn:"O=Some Company"',
    'tls.fingerprint:!"00:00:00"',
  ]);
});

test('the length of a chain is a number', () => {
  const [, found] = fired(['tls.cert_chain_len:1', 'tls.cert_chain_len:>1', 'tls.cert_chain_len:0<>2']);
  expect(found).toEqual(['tls.cert_chain_len:1', 'tls.cert_chain_len:0<>2']);
});

test('what is no value of theirs is refused', () => {
  const wrong = [
    'tls.version:2.0',
    'tls.version:0x30',
    'ssl_version:tls9',
    'ssl_version',
    'ssl_state:done',
    'tls_cert_notbefore:>yesterday',
    'tls_cert_notafter:2015-13',
    'tls_cert_notafter:2015-02-30',
    'tls_cert_notafter:2016<>2015',
    'tls_cert_expired:1',
    'tls.store:1',
    'tls.subject',
  ];
  expect(
    ruleErrors(
      tls,
      wrong.map((one, i) => rule(one, i + 1)),
    ),
  ).toHaveLength(wrong.length);
});

test('contents are brought into the case that the letters of the buffer have', () => {
  const serial = 'tls.cert_serial; content:"00:97:e6:47"';
  expect(fired([serial, 'tls.cert_serial; content:"00:97:e6:48"'])[1]).toEqual([serial]);
});
