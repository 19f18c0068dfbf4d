import fc from 'fast-check';
import { internetChecksum, verifyHeaderChecksum, verifyTransportChecksum, writeChecksums } from './checksum';
import { IpProtocol } from './ip-protocol';
import { PacketView } from './packet-view';
import { ipv4, ipv6, tcp, udp } from './packets.fixture';

/** RFC 1071 §4.1, word for word. */
function slowChecksum(bytes: Uint8Array, initial: number): number {
  let sum = initial;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += bytes[at] * 256 + (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return 0xffff - sum;
}

function decoded(packet: Uint8Array): PacketView {
  const view = new PacketView();
  expect(view.decode(packet, 0, packet.length)).toBe(0);
  return view;
}

describe('internet checksum', () => {
  test('of the example in RFC 1071 §3', () => {
    expect(internetChecksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7), 0, 8)).toBe(
      0x220d,
    );
  });

  test('like its slow twin for all lengths and positions', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), fc.nat(0xffffff), (bytes, skip, initial) => {
        const start = Math.min(skip, bytes.length);
        expect(internetChecksum(bytes, start, bytes.length, initial)).toBe(
          slowChecksum(bytes.subarray(start), initial),
        );
      }),
    );
  });

  test('of the largest packet, all ones', () => {
    expect(internetChecksum(new Uint8Array(65_535).fill(0xff), 0, 65_535)).toBe(
      slowChecksum(new Uint8Array(65_535).fill(0xff), 0),
    );
  });
});

describe('checksums of packets', () => {
  test('of an echo request worked out by hand are right', () => {
    // 4500+001c+0001+0000+4001+0a00+0001+0a00+0002 = 9921; 0800+0001+0001 = 0802.
    const packet = Buffer.from('4500001c00010000400166de0a0000010a0000020800f7fd00010001', 'hex');
    const view = decoded(packet);
    expect(verifyHeaderChecksum(view)).toBe(true);
    expect(verifyTransportChecksum(view)).toBe(true);
    const sent = packet.toString('hex');
    writeChecksums(view);
    expect(packet.toString('hex')).toBe(sent);
  });

  const cases: [string, Uint8Array][] = [
    ['TCP over IPv4', ipv4({ protocol: IpProtocol.TCP, payload: tcp({ payload: [1, 2, 3] }) })],
    [
      'TCP over IPv4 with options',
      ipv4({ protocol: 6, options: [1, 1, 1, 1], payload: tcp({ payload: [] }) }),
    ],
    ['UDP over IPv4', ipv4({ protocol: IpProtocol.UDP, payload: udp({ payload: [9] }) })],
    ['ICMP', ipv4({ protocol: IpProtocol.ICMP, payload: [8, 0, 0, 0, 1, 2, 3, 4, 5] })],
    ['TCP over IPv6', ipv6({ next: IpProtocol.TCP, payload: tcp({ payload: [1, 2, 3] }) })],
    ['UDP over IPv6', ipv6({ next: IpProtocol.UDP, payload: udp({ payload: [9] }) })],
    ['ICMPv6', ipv6({ next: IpProtocol.ICMPV6, payload: [128, 0, 0, 0, 1, 2, 3, 4, 5] })],
    [
      'TCP behind a destination options header',
      ipv6({ next: 60, payload: [6, 0, 1, 4, 0, 0, 0, 0, ...tcp({ payload: [1] })] }),
    ],
  ];

  test.each(cases)('%s: written, verified, and any changed bit shows', (_name, packet) => {
    const view = decoded(packet);
    writeChecksums(view);
    expect(verifyTransportChecksum(view)).toBe(true);
    expect(verifyHeaderChecksum(view)).toBe(true);
    for (let at = view.transport; at < view.payloadEnd; at++) {
      packet[at] ^= 0x40;
      expect(verifyTransportChecksum(view)).toBe(false);
      packet[at] ^= 0x40;
    }
    if (view.version === 4) {
      packet[8] ^= 1;
      expect(verifyHeaderChecksum(view)).toBe(false);
      packet[8] ^= 1;
    }
    packet[view.version === 4 ? 12 : 8] ^= 1;
    view.decode(packet, 0, packet.length);
    expect(verifyTransportChecksum(view)).toBe(view.protocol === IpProtocol.ICMP);
  });

  test('a source route is summed with its final destination', () => {
    const final = new Array<number>(16).fill(7);
    const routing = [6, 2, 0, 1, 0, 0, 0, 0, ...final];
    const packet = ipv6({ next: 43, payload: [...routing, ...tcp({ payload: [1] })] });
    const routed = decoded(packet);
    writeChecksums(routed);
    const direct = ipv6({ next: 6, payload: tcp({ payload: [1] }), destination: final });
    writeChecksums(decoded(direct));
    expect(packet.subarray(64)).toEqual(direct.subarray(40));
    // Once arrived, no segments are left and the destination is the one in the fixed header.
    packet[43] = 0;
    packet.set(final, 24);
    expect(verifyTransportChecksum(decoded(packet))).toBe(true);
  });

  test('UDP without a checksum is right over IPv4 and wrong over IPv6', () => {
    expect(verifyTransportChecksum(decoded(ipv4({ protocol: 17, payload: udp({ payload: [1] }) })))).toBe(
      true,
    );
    expect(verifyTransportChecksum(decoded(ipv6({ next: 17, payload: udp({ payload: [1] }) })))).toBe(false);
  });

  test('a UDP sum of zero is written as its other form', () => {
    // The payload's last two bytes are chosen so that everything adds up to 0xffff.
    const packet = ipv4({ protocol: 17, payload: udp({ payload: [0, 0] }) });
    const view = decoded(packet);
    writeChecksums(view);
    const at = view.payload;
    packet[at] = packet[view.transport + 6];
    packet[at + 1] = packet[view.transport + 7];
    writeChecksums(view);
    expect([packet[view.transport + 6], packet[view.transport + 7]]).toEqual([0xff, 0xff]);
    expect(verifyTransportChecksum(view)).toBe(true);
  });

  test('fragments and cut packets are neither judged nor changed', () => {
    const fragment = ipv4({ protocol: 6, fragment: 0x2000, payload: tcp({ payload: [1] }) });
    const before = fragment.slice(20);
    const view = decoded(fragment);
    expect(verifyTransportChecksum(view)).toBe(true);
    writeChecksums(view);
    expect(fragment.subarray(20)).toEqual(before);
    const whole = ipv4({ protocol: 6, payload: tcp({ payload: [1, 2, 3, 4] }) });
    expect(verifyTransportChecksum(decoded(whole.subarray(0, whole.length - 2)))).toBe(true);
  });

  test('padding behind a UDP datagram is not summed', () => {
    const datagram = udp({ payload: [1, 2, 3] });
    const packet = ipv4({ protocol: 17, payload: [...datagram, 0xaa, 0xbb] });
    const view = decoded(packet);
    writeChecksums(view);
    expect(verifyTransportChecksum(view)).toBe(true);
    packet[packet.length - 1] ^= 0xff;
    expect(verifyTransportChecksum(view)).toBe(true);
  });
});
