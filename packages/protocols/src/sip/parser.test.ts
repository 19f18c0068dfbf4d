import { bytesOf, type Piece, record } from '../../testing/recorder';
import { expectNothingThrown, expectSameWhereverCut } from '../../testing/robustness';
import { Transport } from '../transaction';
import { createSip } from './definition';
import { LONGEST_SIP_HEAD } from './parser';

const sip = createSip();
const flow = { transport: Transport.TCP, clientPort: 5060, serverPort: 5060 };

const body =
  'v=0\r\no=arik 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nm=audio 8000 RTP/AVP 0\r\ni=front desk\r\na=sendrecv\r\n';
const invite =
  'INVITE sip:bob@example.com SIP/2.0\r\nv: SIP/2.0/UDP a;branch=1\r\nVia : SIP/2.0/TCP b\r\nf:  Arik <sip:arik@example.com>\r\n ;tag=7 \r\n' +
  `To: <sip:bob@example.com>\r\nUser-Agent: Nero\r\nContent-Type: application/SDP; x=y\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const trying = 'SIP/2.0 100 Trying\r\nFrom: <sip:arik@example.com>\r\nl: 0\r\n\r\n';
const ok = 'SIP/2.0 200 OK\r\nTo: <sip:bob@example.com>\r\nContent-Length: 2\r\n\r\nhi';

const call: Piece[] = [
  [0, bytesOf(`\r\n\r\n${invite}${invite}`)],
  [1, bytesOf(trying + ok)],
  [1, bytesOf('OPTIONS sip:arik@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n')],
];

test('messages over TCP', () => {
  const { transactions, events } = record(sip, call);
  expect(events).toEqual([]);
  expect(transactions).toHaveLength(5);
  expect(transactions[1].buffers).toEqual({
    '>sip.method': 'INVITE',
    '>sip.uri': 'sip:bob@example.com',
    '>sip.protocol': 'SIP/2.0',
    '>sip.request_line': 'INVITE sip:bob@example.com SIP/2.0',
    '>sip.from[0]': 'Arik <sip:arik@example.com>\r\n ;tag=7',
    '>sip.to[0]': '<sip:bob@example.com>',
    '>sip.via[0]': 'SIP/2.0/UDP a;branch=1',
    '>sip.via[1]': 'SIP/2.0/TCP b',
    '>sip.user_agent[0]': 'Nero',
    '>sip.content_type[0]': 'application/SDP; x=y',
    '>sip.content_length[0]': `${body.length}`,
    '>sdp.origin': 'arik 1 1 IN IP4 10.0.0.1',
    '>sdp.session_name': '-',
    '>sdp.connection_data': 'IN IP4 10.0.0.1',
    '>sdp.media.media[0]': 'audio 8000 RTP/AVP 0',
    '>sdp.media.media_info[0]': 'front desk',
    '>sdp.media.session_info[0]': 'front desk',
    '>sdp.attribute[0]': 'sendrecv',
  });
  expect(transactions[3].buffers).toMatchObject({
    '<sip.stat_code': '200',
    '<sip.stat_msg': 'OK',
    '<sip.response_line': 'SIP/2.0 200 OK',
  });
  expect(transactions[4].buffers['<sip.method']).toBe('OPTIONS');
});

test('a datagram is a message, whatever its Content-Length says', () => {
  const { transactions, events } = record(
    sip,
    [
      [0, bytesOf(invite)],
      [1, bytesOf(ok)],
      [0, bytesOf('jaK\0')],
    ],
    Transport.UDP,
  );
  expect(transactions.map(({ buffers }) => buffers['>sip.method'] ?? buffers['<sip.stat_code'])).toEqual([
    'INVITE',
    '200',
  ]);
  expect(events).toEqual(['>sip.invalid_data']);
});

test('cuts do not matter', () => expectSameWhereverCut(sip, call));

test('mutations do no harm', () => {
  expectNothingThrown(sip, call, 200);
  expectNothingThrown(sip, call, 200, Transport.UDP);
});

test('a head without end is given up, and the next message found', () => {
  const pieces: Piece[] = [
    [0, bytesOf(`INVITE sip:a SIP/2.0\r\nX: ${'x'.repeat(LONGEST_SIP_HEAD)}`)],
    [0, bytesOf(invite)],
  ];
  const { transactions, events } = record(sip, pieces);
  expect(transactions).toHaveLength(1);
  expect(events).toEqual(['>sip.invalid_data']);
});

test('what is SIP and what is not', () => {
  const probe = (text: string, transport: Transport = Transport.TCP) => {
    const bytes = bytesOf(text);
    return sip.probe(0, bytes, 0, bytes.length, { ...flow, transport });
  };
  expect(probe(invite)).toBe(1);
  expect(probe(ok, Transport.UDP)).toBe(1);
  expect(probe('INVITE sip:')).toBe(0);
  expect(probe('INVITE sip:', Transport.UDP)).toBe(-1);
  expect(probe('GET / HTTP/1.1\r\n')).toBe(-1);
  expect(probe('SIP/2.0 xyz')).toBe(-1);
  expect(probe('\x16\x03\x01')).toBe(-1);
});
