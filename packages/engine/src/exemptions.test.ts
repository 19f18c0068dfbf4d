import type { MemoryPacket } from '@portcullis/capture';
import {
  buildUdp,
  type ConversationPacket,
  fragmentPacket,
  TcpConversation,
  UdpConversation,
} from '@portcullis/testkit';
import { Inspection } from '../testing/inspection';
import { DEFAULT_DETECTION_POLICY, DetectionPolicy } from './detection-policy';
import type { Exemption } from './exemptions';
import { InspectCounter } from './inspect-counters';
import { PacketLayers } from './packet-layers';

const RULES = `alert tcp any any -> any any (flow:established; content:"evil"; sid:1;)
alert tcp any any -> any any (flags:S; sid:2;)
alert udp any any -> any any (content:"evil"; sid:3;)
alert http any any -> any any (http.uri; content:"evil"; sid:4;)
alert pkthdr any any -> any any (decode-event:tcp.hlen_too_small; sid:5;)
alert ip any any -> any any (fragbits:M; sid:6;)
alert http any any -> any any (flow:to_client; http.stat_code; content:"404"; sid:7;)`;

const ADDRESSES = {
  4: { client: '192.0.2.10', other: '192.0.2.11', server: '198.51.100.20' },
  6: { client: '2001:db8::10', other: '2001:db8::11', server: '2001:db8:1::20' },
};
type Family = keyof typeof ADDRESSES;
const INTERFACE = 7;
const ETHER_TYPE = { 4: [0x08, 0x00], 6: [0x86, 0xdd] };

/** Copies of a watched interface, of which the exemptions leave some out. */
async function watching(exemptions: readonly Exemption[], copies = true): Promise<Inspection> {
  const inspection = await Inspection.of(RULES, {
    inline: false,
    copies,
    layers: new PacketLayers({
      fragments: {},
      tunnels: { vxlan: [4789], geneve: [], teredo: [] },
      refuseTruncated: true,
      acceptMapped: false,
    }),
  });
  const rules = inspection.matcher.ruleset.rules.length;
  inspection.inspector.setPolicy(new DetectionPolicy({ ...DEFAULT_DETECTION_POLICY, exemptions }, rules));
  return inspection;
}

function exchange(family: Family, client = ADDRESSES[family].client, clientPort = 40_000): TcpConversation {
  const { server } = ADDRESSES[family];
  return new TcpConversation({ client, server, clientPort, serverPort: 80 })
    .handshake()
    .client('GET /evil HTTP/1.1\r\nHost: a.example\r\n\r\n')
    .server('HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nevil')
    .close();
}

const ofInterface = (packets: readonly ConversationPacket[], more: Partial<MemoryPacket> = {}) =>
  packets.map(({ bytes, time }): MemoryPacket => ({ bytes, time, inInterface: INTERFACE, ...more }));

const ALL = [1, 2, 4, 7];

describe.each([4, 6] as const)('IPv%d: copies are left out', (family) => {
  const { client, other, server } = ADDRESSES[family];
  const told = async (
    exemption: Omit<Exemption, 'scan'>,
    packets = ofInterface(exchange(family).packets),
  ) => {
    const inspection = await watching([{ scan: false, ...exemption }]);
    inspection.run(packets);
    return [...new Set(inspection.sids)].sort((a, b) => a - b);
  };

  test.each<[string, Omit<Exemption, 'scan'>, readonly number[]]>([
    ['by who opened the connection, its replies too', { source: client }, []],
    ['not by who answers', { source: server }, ALL],
    ['by whom it was opened to', { destination: server }, []],
    ['not by whom it was opened from', { destination: client }, ALL],
    ['by the port that it was opened to', { port: { first: 80, last: 90 } }, []],
    ['not by the port that it was opened from', { port: { first: 40_000, last: 40_000 } }, ALL],
    ['by the interface', { interfaces: [INTERFACE] }, []],
    ['not by another interface', { interfaces: [INTERFACE + 1] }, ALL],
    ['not by an interface that is not there', { interfaces: [] }, ALL],
    ['by the interface that carries the VLAN', { vlan: { id: 5, interfaces: [INTERFACE] } }, []],
    ['not where all that is named has to fit', { source: client, port: { first: 81, last: 90 } }, ALL],
  ])('%s', async (_, exemption, expected) => {
    expect(await told(exemption)).toEqual(expected);
  });

  test('by the outer or the inner tag, and by no other', async () => {
    const tagged = (vlan: number, innerVlan = 0) =>
      ofInterface(exchange(family).packets, { vlan, innerVlan });
    const five = { vlan: { id: 5, interfaces: [] } };
    expect(await told(five, tagged(5))).toEqual([]);
    expect(await told(five, tagged(9, 5))).toEqual([]);
    expect(await told(five, tagged(6))).toEqual(ALL);
    expect(await told({ vlan: { id: 0, interfaces: [] } }, tagged(0))).toEqual(ALL);
  });

  test('of one VLAN, where the copies of another of the same connection are inspected', async () => {
    const { packets } = exchange(family);
    const twice = packets.flatMap((packet) => [
      ...ofInterface([packet], { vlan: 5 }),
      ...ofInterface([packet], { vlan: 6 }),
    ]);
    expect(await told({ vlan: { id: 5, interfaces: [] } }, twice)).toEqual(ALL);
  });

  test('but not where an exemption before says that they are inspected', async () => {
    const inspection = await watching([{ source: other, scan: true }, { scan: false }]);
    inspection.run(ofInterface(exchange(family).packets));
    expect(inspection.sids).toEqual([]);
    inspection.run(ofInterface(exchange(family, other, 40_001).packets));
    expect([...new Set(inspection.sids)].sort()).toEqual(ALL);
  });

  test('also as datagrams, whole, in fragments and in a tunnel', async () => {
    const datagrams = new UdpConversation({ client, server, serverPort: 53 }).client('evil').packets;
    expect(await told({ source: client }, ofInterface(datagrams))).toEqual([]);
    expect(await told({ source: server }, ofInterface(datagrams))).toEqual([3]);
    const about = { source: client, destination: server, sourcePort: 5000, destinationPort: 4000 };
    const whole = buildUdp({ ...about, payload: `evil${'x'.repeat(2000)}`, dontFragment: false });
    const fragments = fragmentPacket(whole, 1280).map((bytes) => ({ bytes, inInterface: INTERFACE }));
    expect(await told({ source: client }, fragments)).toEqual([]);
    // Rules can ask for the fragment bits of IPv4 only; a fragment by itself has no port.
    const asFragments = family === 4 ? [6] : [];
    expect(await told({ source: other }, fragments)).toEqual([3, ...asFragments]);
    expect(await told({ port: { first: 4000, last: 4000 } }, fragments)).toEqual(asFragments);
    const carried = new Uint8Array([
      8,
      0,
      0,
      0,
      0,
      0,
      1,
      0,
      ...new Uint8Array(12),
      ...ETHER_TYPE[family],
      ...buildUdp({ ...about, payload: 'evil' }),
    ]);
    const tunnel = {
      sourcePort: 5000,
      destinationPort: 4789,
      source: '203.0.113.1',
      destination: '203.0.113.2',
    };
    const tunnelled = [{ bytes: buildUdp({ ...tunnel, payload: carried }), inInterface: INTERFACE }];
    expect(await told({ source: other }, tunnelled)).toEqual([3]);
    expect(await told({ source: client }, tunnelled)).toEqual([]);
    expect(await told({ port: { first: 4789, last: 4789 } }, tunnelled)).toEqual([]);
  });

  test('at once, when the connection stands already; it stays out', async () => {
    const inspection = await watching([]);
    const { packets } = new TcpConversation({ client, server, serverPort: 80 }).handshake();
    inspection.run(ofInterface(packets));
    expect(inspection.sids).toEqual([2]);
    const ruleCount = inspection.matcher.ruleset.rules.length;
    const exclude = (exemptions: readonly Exemption[]) =>
      inspection.inspector.setPolicy(
        new DetectionPolicy({ ...DEFAULT_DETECTION_POLICY, exemptions }, ruleCount),
      );
    exclude([{ source: client, scan: false }]);
    const conversation = new TcpConversation({ client, server, serverPort: 80 })
      .handshake()
      .client('GET /evil HTTP/1.1\r\n');
    inspection.run(ofInterface(conversation.packets.slice(packets.length)));
    exclude([]);
    const before = conversation.packets.length;
    conversation.client('Host: evil\r\n\r\n');
    inspection.run(ofInterface(conversation.packets.slice(before)));
    expect(inspection.sids).toEqual([2]);
  });
});

test('packets whose headers make no sense are left out by where they came in', async () => {
  const { packets } = exchange(4);
  const bytes = Uint8Array.from((packets[0] as ConversationPacket).bytes);
  bytes[32] = 0xf0;
  const nonsense = [{ bytes, inInterface: INTERFACE }];
  const all = await watching([]);
  all.run(nonsense);
  expect(all.sids).toEqual([5]);
  const none = await watching([{ interfaces: [INTERFACE], scan: false }]);
  none.run(nonsense);
  expect(none.sids).toEqual([]);
  expect(none.counter(InspectCounter.LEFT_OUT)).toBe(1);
  expect(none.counter(InspectCounter.ACCEPTED)).toBe(1);
});

test('what the kernel has queued it has not excluded: it is inspected', async () => {
  const inspection = await watching([{ scan: false }], false);
  inspection.run(ofInterface(exchange(4).packets));
  expect([...new Set(inspection.sids)].sort()).toEqual(ALL);
  expect(inspection.counter(InspectCounter.LEFT_OUT)).toBe(0);
});
