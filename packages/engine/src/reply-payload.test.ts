import { NameTable } from '@portcullis/matcher';
import { createProtocols } from '@portcullis/protocols';
import { ruleSource } from '../testing/inspection';
import { loadRulesNow } from './rule-loading';

const options = (text: string) => `alert tcp any any -> any 80 (${text} sid:1;)`;

async function replies(rules: string): Promise<boolean> {
  const { summary } = await loadRulesNow(ruleSource(rules), createProtocols(), new NameTable());
  expect(summary.failed).toEqual([]);
  return summary.replyPayload;
}

test.each([
  ['a request as a stream', options('flow:to_server; content:"evil";')],
  ['a request as packets', options('flow:to_server,no_stream; dsize:>100;')],
  ['what a TLS client says', 'alert tls any any -> any any (tls.sni; content:"evil.example"; sid:1;)'],
  [
    'frames of a TLS client',
    'alert tls any any -> any any (flow:to_server; frame:pdu; content:"evil"; sid:1;)',
  ],
  ['a state of a TLS client', 'alert tls:client_hello_done any any -> any any (sid:1;)'],
  ['datagrams', 'alert udp any any -> any any (content:"evil"; sid:1;)'],
])('not for rules about %s', async (_, rules) => {
  expect(await replies(rules)).toBe(false);
});

test.each([
  ['a reply', options('flow:to_client; content:"evil";')],
  ['both directions', options('content:"evil";')],
  [
    'frames of a TLS server',
    'alert tls any any -> any any (flow:to_client; frame:pdu; content:"evil"; sid:1;)',
  ],
  ['what a TLS server says', 'alert tls any any -> any any (tls.cert_subject; content:"evil"; sid:1;)'],
  // Whether a request has changed the protocol the answer tells.
  ['requests of HTTP', 'alert http any any -> any any (http.uri; content:"evil"; sid:1;)'],
  [
    'events of parsers',
    'alert tls any any -> any any (app-layer-event:tls.invalid_handshake_message; sid:1;)',
  ],
  ['how much both have sent', options('flow:to_server; stream_size:server,>,1000; content:"evil";')],
  ['the protocol', options('flow:to_server; app-layer-protocol:!http;')],
  [
    'one of many',
    `${options('flow:to_server; content:"a";')}\n${options('flow:to_client; content:"b";').replace('sid:1', 'sid:2')}`,
  ],
])('for rules about %s', async (_, rules) => {
  expect(await replies(rules)).toBe(true);
});
