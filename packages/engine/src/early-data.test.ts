/** Data that comes before the handshake is complete: receivers may take it, so it is inspected as that of any connection. */
import { buildTcp, DEFAULT_CLIENT, DEFAULT_SERVER } from '@portcullis/testkit';
import { TcpFlag } from '@portcullis/wire';
import { Inspection } from '../testing/inspection';

const RULES = 'drop tcp any any -> any any (flow:established; content:"attack"; sid:1;)';
const WEB = 'drop http any any -> any any (flow:established,to_server; http.uri; content:"attack"; sid:2;)';
const ACK = TcpFlag.ACK;

const ends = {
  client: { source: DEFAULT_CLIENT, sourcePort: 1024 },
  server: { source: DEFAULT_SERVER, sourcePort: 80 },
};
function packet(
  from: 'client' | 'server',
  flags: number,
  sequence: number,
  acknowledgment: number,
  payload = '',
) {
  const to = from === 'client' ? ends.server : ends.client;
  return buildTcp({
    ...ends[from],
    destination: to.source,
    destinationPort: to.sourcePort,
    flags,
    sequence,
    acknowledgment,
    payload: Buffer.from(payload),
  });
}
const syn = (payload = '') => packet('client', TcpFlag.SYN, 999, 0, payload);
const synAck = (payload = '', taken = 0) => packet('server', TcpFlag.SYN | ACK, 4999, 1000 + taken, payload);

const otherSynAck = (first: number, payload = '') =>
  packet('server', TcpFlag.SYN | ACK, first - 1, 1000, payload);

test.each([
  ['all in the SYN', RULES, [syn('an attack')], 0],
  ['begun in the SYN', RULES, [syn('an att'), synAck('', 6), packet('client', ACK, 1006, 5000, 'ack')], 2],
  ['a request in the SYN', WEB, [syn('GET /attack HTTP/1.1\r\n\r\n')], 0],
  ['all in the SYN-ACK', RULES, [syn(), synAck('an attack')], 1],
  ['right behind the SYN-ACK', RULES, [syn(), synAck(), packet('server', ACK, 5000, 1000, 'an attack')], 2],
  [
    'begun in the SYN-ACK, all of it again behind it',
    RULES,
    [syn(), synAck('an att'), packet('server', ACK, 5000, 1000, 'an attack')],
    2,
  ],
  [
    'where another SYN-ACK came, of a higher number',
    RULES,
    [syn(), synAck(), otherSynAck(5100), packet('server', ACK, 5000, 1000, 'an attack')],
    3,
  ],
  [
    'where another SYN-ACK came, of a lower number',
    RULES,
    [syn(), synAck(), otherSynAck(4900), packet('server', ACK, 5000, 1000, 'an attack')],
    3,
  ],
  [
    'where another SYN-ACK came, with data',
    RULES,
    [syn(), synAck(), otherSynAck(5002, 'mislead'), packet('server', ACK, 5000, 1000, 'an attack')],
    2,
  ],
])('%s', async (_, rules, packets, dropped) => {
  const inspection = await Inspection.of(rules);
  expect(inspection.passed(packets).indexOf(false)).toBe(dropped);
});
