/** What becomes of packets that cannot be inspected, of sources that have just attacked, and of flows that need no more. */
import { Hook, type MemoryPacket, PacketInfo, Verdict } from '@portcullis/capture';
import { StreamCounter } from '@portcullis/reassembly';
import {
  buildIcmp,
  buildTcp,
  buildUdp,
  type ConversationPacket,
  DEFAULT_CLIENT,
  DEFAULT_SERVER,
  fragmentPacket,
  TcpConversation,
  UdpConversation,
} from '@portcullis/testkit';
import { TcpFlag } from '@portcullis/wire';
import { Inspection } from '../testing/inspection';
import type { Detection } from './detection';
import { InspectCounter } from './inspect-counters';

const RAW = 'drop tcp any any -> any any (flow:established; content:"evil"; sid:1;)';
const SECOND = 1_000_000;

describe('a packet whose headers make no sense', () => {
  const nonsense = () => {
    const cut = buildTcp({
      source: DEFAULT_CLIENT,
      destination: DEFAULT_SERVER,
      sourcePort: 1,
      destinationPort: 2,
      flags: TcpFlag.ACK,
    });
    cut[0] = 0x41;
    return [cut, new Uint8Array(0), Uint8Array.of(0x45), new Uint8Array(60)];
  };

  test.each([
    ['open', true, true, 0],
    ['closed', true, false, 4],
    ['closed', false, true, 0],
  ] as const)('policy %s, inline %s: passes %s', async (decodePolicy, inline, passes, drops) => {
    const inspection = await Inspection.of(RAW, { decodePolicy, inline });
    expect(inspection.passed(nonsense())).toEqual([passes, passes, passes, passes]);
    expect(inspection.counter(InspectCounter.DECODE_ERRORS)).toBe(4);
    expect(inspection.counter(InspectCounter.DECODE_DROPS)).toBe(drops);
    expect(inspection.counter(InspectCounter.PACKETS)).toBe(4);
  });
});

describe('a wrong checksum', () => {
  const packet = (info: number): MemoryPacket => ({
    bytes: buildUdp({
      source: DEFAULT_CLIENT,
      destination: DEFAULT_SERVER,
      sourcePort: 1,
      destinationPort: 2,
      payload: 'x',
      checksums: 'wrong',
    }),
    info,
  });

  test('is asked about where nobody has verified it, and only there', async () => {
    const asked: number[] = [];
    const inspection = await Inspection.of(RAW, { verifyChecksum: (place) => asked.push(place) < 0 });
    const packets = [
      packet(0),
      packet(PacketInfo.CHECKSUM_NOT_READY),
      packet(PacketInfo.CHECKSUM_NOT_VERIFIED),
    ];
    expect(inspection.passed(packets)).toEqual([true, true, false]);
    expect(asked).toEqual([2]);
    expect(inspection.counter(InspectCounter.BAD_CHECKSUM)).toBe(1);
  });

  test('keeps its bytes away from the stream, also where nothing is dropped', async () => {
    const inspection = await Inspection.of(RAW, { inline: false, verifyChecksum: () => false });
    const conversation = new TcpConversation().handshake();
    const before = conversation.packets.length;
    conversation.client('evil', { acknowledge: false });
    const packets = conversation.packets.map((one, index) => ({
      ...one,
      info: index < before ? 0 : PacketInfo.CHECKSUM_NOT_VERIFIED,
    }));
    expect(inspection.passed(packets)).not.toContain(false);
    expect(inspection.sids).toEqual([]);
  });
});

test('the tail that was not captured is a gap; what follows is inspected', async () => {
  const inspection = await Inspection.of(RAW);
  const conversation = new TcpConversation().handshake().client('a'.repeat(100), { acknowledge: false });
  const packets: MemoryPacket[] = [...conversation.packets];
  const last = packets.pop() as MemoryPacket;
  packets.push({
    ...last,
    bytes: last.bytes.subarray(0, last.bytes.length - 40),
    wireLength: last.bytes.length,
    info: PacketInfo.TRUNCATED,
  });
  inspection.run(packets);
  expect(inspection.inspector.reassembler.counters[StreamCounter.TRUNCATED_BYTES]).toBe(40);
  const rest = conversation.packets.length;
  conversation.acknowledge('server').client('evil', { acknowledge: false });
  expect(inspection.passed(conversation.packets.slice(rest))).toEqual([true, false]);
});

test('fragments pass, counted', async () => {
  const inspection = await Inspection.of(RAW);
  const whole = buildUdp({
    source: DEFAULT_CLIENT,
    destination: DEFAULT_SERVER,
    sourcePort: 1,
    destinationPort: 2,
    payload: 'x'.repeat(200),
    dontFragment: false,
  });
  const fragments = fragmentPacket(whole, 96);
  expect(inspection.passed(fragments)).not.toContain(false);
  expect(inspection.counter(InspectCounter.FRAGMENTS)).toBe(fragments.length);
});

describe('a source that attacks', () => {
  const HOLD = 2 * SECOND;
  const attack = (clientPort: number, startTime?: number) =>
    new TcpConversation({ clientPort, ...(startTime === undefined ? {} : { startTime }) })
      .handshake()
      .client('evil', { acknowledge: false });
  const probe = (time: number, source = DEFAULT_CLIENT) => ({
    bytes: buildUdp({ source, destination: DEFAULT_SERVER, sourcePort: 9, destinationPort: 9 }),
    time,
  });

  test('is dropped whatever it sends, for a while', async () => {
    const inspection = await Inspection.of(RAW, { holdBlockedMicros: HOLD });
    const { packets } = attack(1);
    const at = packets.at(-1)?.time ?? 0;
    inspection.run(packets);
    expect(
      inspection.passed([probe(at), probe(at + 1, '192.0.2.11'), probe(at + HOLD - 1), probe(at + HOLD)]),
    ).toEqual([false, true, false, true]);
    expect(inspection.counter(InspectCounter.BLOCKED_SOURCE)).toBe(2);
  });

  test('is let in at once when an administrator says so', async () => {
    const inspection = await Inspection.of(RAW, { holdBlockedMicros: HOLD });
    const { packets } = attack(1);
    const at = packets.at(-1)?.time ?? 0;
    inspection.run(packets);
    inspection.inspector.forgetBlockedSources();
    expect(inspection.passed([probe(at + 1)])).toEqual([true]);
  });

  test.each([
    ['without a handshake', { holdBlockedMicros: HOLD, stream: { midstream: true } }],
    ['where nothing is dropped', { holdBlockedMicros: HOLD, inline: false }],
    ['where it is not wanted', { holdBlockedMicros: 0 }],
  ])('is not held %s', async (_, options) => {
    const inspection = await Inspection.of(RAW, options);
    const conversation = attack(1);
    const packets = 'stream' in options ? conversation.packets.slice(3) : conversation.packets;
    inspection.run(packets);
    expect(inspection.sids).toEqual([1]);
    expect(inspection.passed([probe((packets.at(-1)?.time ?? 0) + 1)])).toEqual([true]);
  });
});

describe('this host', () => {
  const told = async (hook: number) => {
    const inspection = await Inspection.of(RAW, { holdBlockedMicros: SECOND });
    const { packets } = new TcpConversation().handshake().client('evil', { acknowledge: false });
    const verdicts = inspection.passed(packets.map((packet) => ({ ...packet, hook })));
    expect(verdicts.at(-1)).toBe(false);
    const held = new TcpConversation({ clientPort: 2, startTime: packets.at(-1)?.time ?? 0 }).handshake();
    inspection.run(held.packets.map((packet) => ({ ...packet, hook })));
    const { kind, response, protectedEnd } = inspection.detections[0] as Detection;
    return { kind, response, protectedEnd, held: inspection.counter(InspectCounter.BLOCKED_SOURCE) };
  };

  test('is known by the hook, whatever its addresses are: it is attacked, and does not attack', async () => {
    const attacked = { kind: 'attack', response: 'block' };
    expect(await told(Hook.LOCAL_IN)).toEqual({ ...attacked, protectedEnd: 'destination', held: 2 });
    const own = { kind: 'network-activity', response: 'drop', protectedEnd: 'source', held: 0 };
    expect(await told(Hook.LOCAL_OUT)).toEqual(own);
    expect(await told(0)).toEqual({ ...attacked, protectedEnd: null, held: 2 });
  });
});

describe('a flow inspected to its depth', () => {
  const offload = { mask: 0x00f00000, mark: 0x00300000 };
  const long = () =>
    new TcpConversation()
      .handshake()
      .client('c'.repeat(3000))
      .server('s'.repeat(3000))
      .client('more')
      .server('evil, but too late');

  test('carries the mark, and the bits of others with it', async () => {
    const inspection = await Inspection.of(RAW, { offload, stream: { depth: 2000 } });
    const { packets } = long();
    const verdicts = inspection.run(packets.map((packet) => ({ ...packet, mark: 0xca6c_0001 })));
    const marked = verdicts.map(({ verdict }) => (verdict & Verdict.MARK) !== 0);
    const first = marked.indexOf(true);
    expect(first).toBeGreaterThan(5);
    expect(marked.slice(first)).not.toContain(false);
    for (const verdict of verdicts.slice(first))
      expect(verdict).toMatchObject({ verdict: Verdict.ACCEPT | Verdict.MARK, mark: 0xca3c_0001 });
    expect(inspection.counter(InspectCounter.OFFLOADED)).toBe(verdicts.length - first);
    expect(inspection.sids).toEqual([]);
  });

  test('passes without a mark where there is no offload, and with the new one after a change', async () => {
    const inspection = await Inspection.of(RAW, { stream: { depth: 2000 } });
    const conversation = long();
    expect(inspection.run(conversation.packets).map(({ verdict }) => verdict)).not.toContain(
      Verdict.ACCEPT | Verdict.MARK,
    );
    inspection.inspector.setOffload({ mask: 0xf000_0000, mark: 0x9000_0000 });
    const rest = conversation.packets.length;
    conversation.client('again');
    expect(inspection.run(conversation.packets.slice(rest))[0]).toMatchObject({
      verdict: Verdict.ACCEPT | Verdict.MARK,
      mark: 0x9000_0000,
    });
  });

  test('that was blocked before is never offloaded', async () => {
    const inspection = await Inspection.of(RAW, { offload, stream: { depth: 2000 } });
    const { packets } = new TcpConversation()
      .handshake()
      .client('evil')
      .client('c'.repeat(9000))
      .server('s'.repeat(9000))
      .client('x');
    for (const { verdict } of inspection.run(packets).slice(3)) expect(verdict).toBe(Verdict.DROP);
  });
});

describe('flows', () => {
  test('that have been silent for too long are forgotten, while packets come or not', async () => {
    const inspection = await Inspection.of(RAW);
    const start = 1_704_067_200 * SECOND;
    inspection.run(new UdpConversation({ startTime: start }).client('a').packets);
    inspection.run([
      { bytes: buildIcmp({ source: DEFAULT_CLIENT, destination: DEFAULT_SERVER, type: 8 }), time: start },
    ]);
    expect(inspection.inspector.flowCount).toBe(2);
    inspection.inspector.idle(start + 10 * SECOND);
    expect(inspection.inspector.flowCount).toBe(2);
    inspection.run(
      new UdpConversation({ startTime: start + 40 * SECOND, clientPort: 2 }).client('a').packets,
    );
    expect(inspection.inspector.flowCount).toBe(1);
    inspection.inspector.idle(start + 400 * SECOND);
    expect(inspection.inspector.flowCount).toBe(0);
  });

  test('are looked at no more often than ten times a second', async () => {
    const inspection = await Inspection.of(RAW);
    const start = 1_704_067_200 * SECOND;
    inspection.run(new UdpConversation({ startTime: start }).client('a').packets);
    inspection.inspector.idle(start + 50_000);
    inspection.inspector.idle(start + 31 * SECOND);
    expect(inspection.inspector.flowCount).toBe(0);
  });

  test('take the clock where a packet has no time', async () => {
    const inspection = await Inspection.of('alert udp any any -> any any (content:"evil"; sid:1;)');
    const { bytes } = new UdpConversation().client('evil').packets[0] as ConversationPacket;
    inspection.run([{ bytes }], 8, 1_700_000_000 * SECOND);
    expect(inspection.detections).toMatchObject([{ time: 1_700_000_000 * SECOND }]);
  });
});

describe('a restart', () => {
  const bits = [
    'alert udp any any -> any 53 (content:"one"; flowbits:set,one; flowbits:noalert; sid:1;)',
    'alert udp any any -> any any (content:"two"; flowbits:isset,one; sid:2;)',
    RAW.replace('sid:1', 'sid:3'),
    'alert http any any -> any any (flow:to_client; http.header; content:"Server"; sid:4;)',
  ].join('\n');

  test('forgets flows, their bits, what was dropped and the counts; time may go back', async () => {
    const inspection = await Inspection.of(bits);
    const attack = new TcpConversation().handshake().client('evil', { acknowledge: false });
    inspection.run(new UdpConversation().client('one').packets);
    expect(inspection.passed(attack.packets).at(-1)).toBe(false);
    expect(inspection.sids).toEqual([3]);
    inspection.inspector.restart(inspection.matcher);
    expect(inspection.inspector.flowCount).toBe(0);
    expect(inspection.inspector.heldBytes).toBe(0);
    expect(Math.max(...inspection.inspector.counters)).toBe(0);
    const earlier = 1_000_000_000 * SECOND;
    inspection.run(new UdpConversation({ startTime: earlier }).client('two').packets);
    expect(inspection.sids).toEqual([3]);
    expect(inspection.passed(new TcpConversation({ startTime: earlier }).handshake().packets)).not.toContain(
      false,
    );
    inspection.inspector.idle(earlier + 31 * SECOND);
    expect(inspection.inspector.flowCount).toBe(1);
  });

  test('tells what unfinished flows still held before it forgets them', async () => {
    const inspection = await Inspection.of(bits);
    inspection.run(
      new TcpConversation()
        .handshake()
        .client('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        .server('HTTP/1.1 200 OK\r\nServer: x').packets,
    );
    expect(inspection.sids).toEqual([]);
    inspection.inspector.restart(inspection.matcher);
    expect(inspection.sids).toEqual([4]);
  });
});

test('an attack whose alerts a threshold holds back is dropped all the same', async () => {
  const inspection = await Inspection.of(
    'alert http any any -> any any (msg:"limited"; flow:to_server; http.uri; content:"/evil"; threshold:type limit, track by_src, count 1, seconds 3600; classtype:attempted-admin; sid:1;)',
  );
  for (const clientPort of [4001, 4002]) {
    const { packets } = new TcpConversation({ clientPort }).handshake().client('GET /evil HTTP/1.1\r\n\r\n');
    expect(inspection.passed(packets)).toContain(false);
  }
  expect(inspection.detections).toHaveLength(1);
});
