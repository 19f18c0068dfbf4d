import { formatAddress, PacketView, TcpFlag, verifyTransportChecksum } from '@portcullis/wire';
import {
  type ConversationPacket,
  DEFAULT_CLIENT_IPV6,
  DEFAULT_SERVER_IPV6,
  interleave,
} from './conversation';
import { TcpConversation } from './tcp-conversation';
import { UdpConversation } from './udp-conversation';

const view = new PacketView();

/** Direction, flags, relative sequence and acknowledgment, payload: as people read a trace. */
function trace(packets: readonly ConversationPacket[], client = 1_000_000, server = 5_000_000): string[] {
  return packets.map(({ bytes, from }) => {
    expect(view.decode(bytes, 0, bytes.length)).toBe(0);
    expect(verifyTransportChecksum(view)).toBe(true);
    const names = Object.entries(TcpFlag).filter(([, bit]) => view.tcpFlags & bit);
    const [own, peer] = from === 'client' ? [client, server] : [server, client];
    const acknowledgment = view.tcpFlags & TcpFlag.ACK ? (view.acknowledgment - peer) >>> 0 : 0;
    const payload = Buffer.from(bytes.slice(view.payload, view.payloadEnd)).toString('latin1');
    const flags = names.map(([name]) => name).join('+');
    return `${from} ${flags} ${(view.sequence - own) >>> 0} ${acknowledgment} ${payload}`.trimEnd();
  });
}

describe('TcpConversation', () => {
  test('a whole conversation', () => {
    const { packets } = new TcpConversation().handshake().client('hello').server('hi').close();
    expect(trace(packets)).toEqual([
      'client SYN 0 0',
      'server SYN+ACK 0 1',
      'client ACK 1 1',
      'client PSH+ACK 1 1 hello',
      'server ACK 1 6',
      'server PSH+ACK 1 6 hi',
      'client ACK 6 3',
      'client FIN+ACK 6 3',
      'server FIN+ACK 3 7',
      'client ACK 7 4',
    ]);
    const times = packets.map(({ time }) => time);
    expect(times.map((time) => time - times[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => n * 1000));
  });

  test('segmentation, reordering, retransmission, loss', () => {
    const { packets } = new TcpConversation({ mss: 4 }).client('abcdefghij', {
      segments: [1],
      order: [2, 0, 1],
      retransmit: [0],
      acknowledge: false,
    });
    // Segments: a, bcde, fghi, j; the one that is not named in the order is not sent.
    expect(trace(packets)).toEqual([
      'client ACK 6 1 fghi',
      'client ACK 1 1 a',
      'client ACK 1 1 a',
      'client ACK 2 1 bcde',
    ]);
    const lossy = new TcpConversation({ mss: 4 }).handshake().client('abcdefgh', { lose: [0] });
    expect(trace(lossy.packets).slice(3)).toEqual(['client PSH+ACK 5 1 efgh', 'server ACK 1 9']);
  });

  test('segments by hand: overlaps, gaps, odd flags', () => {
    const conversation = new TcpConversation().handshake().client('abc');
    conversation.segment('client', { offset: 1, payload: 'XY' });
    conversation.segment('client', { offset: 100, payload: 'far' });
    conversation.segment('server', { flags: TcpFlag.URG | TcpFlag.ACK, urgentPointer: 1, payload: '!' });
    conversation.client('d');
    expect(trace(conversation.packets).slice(5)).toEqual([
      'client ACK 2 1 XY',
      'client ACK 101 1 far',
      'server ACK+URG 1 4 !',
      'client PSH+ACK 4 1 d',
      'server ACK 1 5',
    ]);
    expect(conversation.sequenceOf('client', 4)).toBe(1_000_005);
  });

  test('ends: half-closed, reset, FIN with data', () => {
    const half = new TcpConversation().handshake().client('a', { finish: true }).server('b');
    expect(trace(half.packets).slice(3)).toEqual([
      'client FIN+PSH+ACK 1 1 a',
      'server ACK 1 3',
      'server PSH+ACK 1 3 b',
      'client ACK 3 2',
    ]);
    const reset = new TcpConversation().handshake().reset('server');
    expect(trace(reset.packets).at(-1)).toBe('server RST+ACK 1 1');
  });

  test('sequence numbers wrap', () => {
    const options = { clientSequence: 2 ** 32 - 3, serverSequence: 2 ** 32 - 1 };
    const { packets } = new TcpConversation(options).handshake().client('abcdef').server('x');
    expect(trace(packets, options.clientSequence, options.serverSequence)).toEqual(
      trace(new TcpConversation().handshake().client('abcdef').server('x').packets),
    );
  });

  test('IPv6, addresses, ports and pauses', () => {
    const conversation = new TcpConversation({
      client: DEFAULT_CLIENT_IPV6,
      server: DEFAULT_SERVER_IPV6,
      clientPort: 1,
      serverPort: 2,
      startTime: 10,
      step: 5,
    })
      .handshake()
      .pause(100)
      .server('x'.repeat(3000));
    expect(conversation.packets.map(({ time }) => time)).toEqual([10, 15, 20, 125, 130, 135, 140]);
    view.decode(conversation.packets[3].bytes, 0, conversation.packets[3].bytes.length);
    expect(formatAddress(view.source)).toBe(DEFAULT_SERVER_IPV6);
    expect([view.sourcePort, view.destinationPort, view.totalLength]).toEqual([2, 1, 1500]);
  });

  test('without a handshake: midstream', () => {
    expect(trace(new TcpConversation().client('abc').server('de').packets)).toEqual([
      'client PSH+ACK 1 1 abc',
      'server ACK 1 4',
      'server PSH+ACK 1 4 de',
      'client ACK 4 3',
    ]);
  });

  test('impossible wishes', () => {
    const conversation = new TcpConversation();
    expect(() => conversation.client('abc', { segments: [0] })).toThrow(RangeError);
    expect(() => conversation.client('abc', { order: [1] })).toThrow(RangeError);
  });
});

test('UdpConversation, and several conversations in the order of time', () => {
  const udp = new UdpConversation({ clientPort: 5, startTime: 500, step: 1000 })
    .client('question')
    .server('answer');
  const tcp = new TcpConversation({ startTime: 0, step: 1000 }).handshake();
  expect(interleave(tcp, udp).map(({ time }) => time)).toEqual([0, 500, 1000, 1500, 2000]);
  const answer = udp.packets[1];
  expect(view.decode(answer.bytes, 0, answer.bytes.length)).toBe(0);
  expect([view.sourcePort, view.destinationPort, answer.from]).toEqual([53, 5, 'server']);
  expect(verifyTransportChecksum(view)).toBe(true);
  expect(new UdpConversation().pause(7).client('').packets[0].time % 1000).toBe(7);
});
