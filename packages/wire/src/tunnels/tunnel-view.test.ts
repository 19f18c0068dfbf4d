import { SeededRandom } from '@portcullis/testkit';
import { DecodeEventNames } from '../decode-events/decode-event';
import { DecodeStatus } from '../decode-status';
import { PacketView } from '../packet-view';
import { ipv4, ipv6, udp } from '../packets.fixture';
import { TunnelView } from './tunnel-view';

const view = new PacketView();
const tunnels = new TunnelView();
const inner = ipv4({ protocol: 17, payload: udp({ payload: [1, 2, 3] }) });
const inner6 = ipv6({ next: 17, payload: udp({ payload: [1, 2, 3] }) });
const MACS = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
const ethernet = [...MACS, 8, 0, ...inner];
const zeros = (count: number) => new Array<number>(count).fill(0);

function datagram(port: number, payload: ArrayLike<number>): Uint8Array {
  const bytes = udp({ payload });
  bytes[2] = port >> 8;
  bytes[3] = port & 255;
  return ipv4({ protocol: 17, payload: bytes });
}

const vxlan = (...payload: number[]) => datagram(4789, [8, 0, 0, 0, 0, 0, 5, 0, ...payload]);
const geneve = (type: number[], ...payload: number[]) =>
  datagram(6081, [1, 0, ...type, 0, 0, 5, 0, 0, 0, 0, 0, ...payload]);
const gre = (...bytes: number[]) => ipv4({ protocol: 47, payload: bytes });

/** The bytes of the inner packet; null where there is none. */
function within(packet: Uint8Array): number[] | null {
  const arena = Uint8Array.from([9, 9, 9, ...packet, 9, 9, 9]);
  expect(view.decode(arena, 3, 3 + packet.length)).toBe(DecodeStatus.OK);
  return tunnels.decode(view) ? Array.from(arena.subarray(tunnels.start, tunnels.end)) : null;
}

test.each<[string, Uint8Array, Uint8Array]>([
  ['IPv4 in IPv4', ipv4({ protocol: 4, payload: inner }), inner],
  ['IPv6 in IPv4', ipv4({ protocol: 41, payload: inner6 }), inner6],
  ['IPv4 in IPv6', ipv6({ next: 4, payload: inner }), inner],
  ['IPv6 in IPv6', ipv6({ next: 41, payload: inner6 }), inner6],
  ['IPv4 in IPv6 with options', ipv6({ next: 60, payload: [4, 0, 1, 4, 0, 0, 0, 0, ...inner] }), inner],
  ['GRE, IPv4', gre(0, 0, 8, 0, ...inner), inner],
  ['GRE, IPv6', gre(0, 0, 0x86, 0xdd, ...inner6), inner6],
  ['GRE with checksum, key and sequence', gre(0xb0, 0, 8, 0, ...zeros(12), ...inner), inner],
  [
    'GRE with a source route',
    gre(0x40, 0, 8, 0, ...zeros(4), 0, 1, 0, 2, 7, 7, ...zeros(4), ...inner),
    inner,
  ],
  ['GRE, Ethernet', gre(0, 0, 0x65, 0x58, ...ethernet), inner],
  ['GRE, VLAN', gre(0, 0, 0x81, 0, 0, 5, 8, 0, ...inner), inner],
  ['GRE, ERSPAN type I', gre(0, 0, 0x88, 0xbe, ...ethernet), inner],
  ['GRE, ERSPAN type II', gre(0x10, 0, 0x88, 0xbe, ...zeros(4), 0x10, ...zeros(7), ...ethernet), inner],
  ['GRE, PPP', gre(0x30, 1, 0x88, 0x0b, 0, 35, 0, 1, ...zeros(4), 0xff, 3, 0, 0x21, ...inner), inner],
  ['GRE over IPv6', ipv6({ next: 47, payload: [0, 0, 8, 0, ...inner] }), inner],
  ['VXLAN', vxlan(...ethernet), inner],
  ['VXLAN, VLAN', vxlan(...MACS, 0x81, 0, 0, 9, 8, 0, ...inner), inner],
  ['Geneve, Ethernet', geneve([0x65, 0x58], ...ethernet), inner],
  ['Geneve, IPv6', geneve([0x86, 0xdd], ...inner6), inner6],
  ['Teredo', datagram(3544, inner6), inner6],
  ['Teredo with an origin', datagram(3544, [0, 0, ...zeros(6), ...inner6]), inner6],
])('%s', (_name, packet, expected) => {
  expect(within(packet)).toEqual(Array.from(expected));
  expect(tunnels.event).toBe(-1);
});

test.each<[string, Uint8Array, string]>([
  ['another port', datagram(4790, [8, 0, 0, 0, 0, 0, 5, 0, ...ethernet]), ''],
  ['VXLAN without its flag', datagram(4789, [0, 0, 0, 0, 0, 0, 5, 0, ...ethernet]), ''],
  ['VXLAN too short for Ethernet', datagram(4789, [8, 0, 0, 0, 0, 0, 5, 0, ...MACS]), ''],
  ['Geneve of another version', datagram(6081, [0x40, 0, 8, 0, 0, 0, 5, 0, ...inner]), ''],
  ['Geneve whose options do not fit', datagram(6081, [1, 0, 8, 0, 0, 0, 5, 0, 0, 0, 0, 9, ...inner]), ''],
  ['Geneve with something else', geneve([0x99, 0x99], ...inner), 'geneve.unknown_payload_type'],
  ['Geneve with ARP', geneve([8, 6], ...inner), ''],
  ['Teredo that is longer than its packet', datagram(3544, [...inner6, 1]), ''],
  ['Teredo with a fault in its packet', datagram(3544, ipv6({ next: 6, payload: [1, 2, 3] })), ''],
  ['Teredo, authentication', datagram(3544, [0, 1, ...zeros(6), ...inner6]), ''],
  ['IPv6 where IPv4 is said', ipv4({ protocol: 4, payload: inner6 }), ''],
  ['an empty tunnel', ipv4({ protocol: 4, payload: [] }), ''],
  ['GRE with ARP', gre(0, 0, 8, 6, ...zeros(28)), ''],
  ['GRE with a wrong version', gre(0, 3, 8, 0, ...inner), 'gre.wrong_version'],
  ['GRE, acknowledgment alone', gre(0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 1, ...zeros(4)), ''],
  [
    'GRE, ERSPAN of another version',
    gre(0x10, 0, 0x88, 0xbe, ...zeros(4), 0x20, ...zeros(7), ...ethernet),
    'erspan.unsupported_version',
  ],
  ['GRE, half an ERSPAN header', gre(0x10, 0, 0x88, 0xbe, ...zeros(4), 0x10), 'erspan.header_too_small'],
  ['GRE with half an Ethernet header', gre(0, 0, 0x65, 0x58, 1, 2, 3), 'ethernet.pkt_too_small'],
  ['no tunnel at all', ipv4({ protocol: 6, payload: zeros(20).fill(0x50, 12, 13) }), ''],
])('nothing within: %s', (_name, packet, event) => {
  expect(within(packet)).toBeNull();
  expect(tunnels.event < 0 ? '' : DecodeEventNames[tunnels.event]).toBe(event);
});

test('tags before the inner packet', () => {
  within(vxlan(...MACS, 0x81, 0, 0, 9, 0x81, 0, 0, 7, 8, 0, ...inner));
  expect(tunnels).toMatchObject({ vlan: 9, innerVlan: 7 });
  within(ipv4({ protocol: 4, payload: inner }));
  expect(tunnels).toMatchObject({ vlan: 0, innerVlan: 0 });
});

test('ports are those that are given', () => {
  const none = new TunnelView({ vxlan: [], geneve: [], teredo: [] });
  const packet = vxlan(...ethernet);
  view.decode(packet, 0, packet.length);
  expect(none.decode(view)).toBe(false);
  const other = new TunnelView({ vxlan: [0x1234], geneve: [], teredo: [] });
  expect(other.decode(view)).toBe(true);
});

test('no tunnel leads outside of its packet', () => {
  const samples = [
    gre(0xb0, 0, 8, 0, ...zeros(12), ...inner),
    gre(0x40, 0, 0x65, 0x58, ...zeros(4), 0, 1, 0, 2, 7, 7, ...zeros(4), ...ethernet),
    gre(0x30, 0x81, 0x88, 0x0b, 0, 35, 0, 1, ...zeros(8), 0xff, 3, 0, 0x21, ...inner),
    vxlan(...MACS, 0x81, 0, 0, 9, 8, 0, ...inner),
    geneve([0x65, 0x58], ...ethernet),
    datagram(3544, inner6),
  ];
  SeededRandom.run((random) => {
    let found = 0;
    const rounds = process.env.PORTCULLIS_LONG ? 20_000 : 4000;
    for (let round = 0; round < rounds; round++) {
      const packet = Uint8Array.from(random.pick(samples));
      for (let change = random.below(4); change > 0; change--)
        packet[20 + random.below(packet.length - 20)] = random.below(256);
      if (view.decode(packet, 0, packet.length) !== DecodeStatus.OK || !tunnels.decode(view)) continue;
      found++;
      const { start, end } = tunnels;
      if (start < view.transport || end > view.end || start >= end)
        throw new Error(`${start} … ${end} within ${Array.from(packet)}`);
    }
    expect(found).toBeGreaterThan(rounds / 20);
  });
});
