import {
  formatAddress,
  IpProtocol,
  PacketView,
  TcpFlag,
  verifyHeaderChecksum,
  verifyTransportChecksum,
} from '@portcullis/wire';
import { fragmentPacket } from './fragmenter';
import { buildIcmp, buildIp, buildTcp, buildUdp } from './packet-builder';

const view = new PacketView();

function decode(packet: Uint8Array): PacketView {
  expect(view.decode(packet, 0, packet.length)).toBe(0);
  return view;
}

function payloadText(): string {
  return Buffer.from(view.bytes.slice(view.payload, view.payloadEnd)).toString('latin1');
}

const FAMILIES = [
  { name: 'IPv4', source: '192.0.2.1', destination: '198.51.100.2' },
  { name: 'IPv6', source: '2001:db8::1', destination: '2001:db8::2' },
];

describe.each(FAMILIES)('packets over $name', ({ source, destination }) => {
  const ports = { source, destination, sourcePort: 40_000, destinationPort: 80 };

  test('TCP', () => {
    const packet = buildTcp({
      ...ports,
      sequence: 0xfffffff0,
      acknowledgment: 7,
      flags: TcpFlag.PSH | TcpFlag.ACK,
      window: 100,
      urgentPointer: 3,
      ttl: 9,
      tos: 0xab,
      options: { mss: 1400, windowScale: 7, sackPermitted: true, timestamp: { value: 1, echo: 0xffffffff } },
      payload: 'hé',
    });
    expect(decode(packet)).toMatchObject({
      sourcePort: 40_000,
      destinationPort: 80,
      sequence: 0xfffffff0,
      acknowledgment: 7,
      tcpFlags: 0x18,
      window: 100,
      urgentPointer: 3,
      ttl: 9,
      tos: 0xab,
      end: packet.length,
    });
    expect(formatAddress(view.source)).toBe(source);
    expect(formatAddress(view.destination)).toBe(destination);
    expect(payloadText()).toBe('hé');
    view.decodeTcpOptions();
    expect(view).toMatchObject({
      mss: 1400,
      windowScale: 7,
      sackPermitted: true,
      timestampValue: 1,
      timestampEcho: 0xffffffff,
    });
    expect(verifyHeaderChecksum(view) && verifyTransportChecksum(view)).toBe(true);
  });

  test('UDP and ICMP', () => {
    decode(buildUdp({ ...ports, payload: Uint8Array.of(1, 2, 3) }));
    expect([view.sourcePort, view.payloadEnd - view.payload, verifyTransportChecksum(view)]).toEqual([
      40_000,
      3,
      true,
    ]);
    decode(buildIcmp({ source, destination, type: 8, code: 1, rest: 0x00010002, payload: 'x' }));
    expect([view.icmpType, view.icmpCode, payloadText(), verifyTransportChecksum(view)]).toEqual([
      8,
      1,
      'x',
      true,
    ]);
  });

  test('wrong checksums are wrong', () => {
    decode(buildTcp({ ...ports, flags: TcpFlag.SYN, checksums: 'wrong' }));
    expect(verifyTransportChecksum(view)).toBe(false);
    expect(verifyHeaderChecksum(view)).toBe(view.version === 6);
    decode(buildUdp({ ...ports, checksums: 'wrong' }));
    expect(verifyTransportChecksum(view)).toBe(false);
  });

  test('fragments cover the packet, and only the first has ports', () => {
    const packet = buildUdp({ ...ports, payload: 'x'.repeat(100) });
    const fragments = fragmentPacket(packet, 40, 77);
    const parts = fragments.map((fragment) => {
      decode(fragment);
      expect(view.identification).toBe(77);
      expect(verifyHeaderChecksum(view)).toBe(true);
      const from = view.start + view.headerLength;
      return {
        offset: view.fragmentOffset,
        more: view.moreFragments,
        port: view.sourcePort,
        data: fragment.slice(from),
      };
    });
    expect(parts.map(({ offset, more, port }) => [offset, more, port])).toEqual([
      [0, true, 40_000],
      [40, true, 0],
      [80, false, 0],
    ]);
    const headerLength = source.includes(':') ? 40 : 20;
    expect(Buffer.concat(parts.map(({ data }) => data))).toEqual(Buffer.from(packet.slice(headerLength)));
    expect(() => fragmentPacket(packet, 20)).toThrow(RangeError);
  });

  test('anything else is taken as it is', () => {
    decode(buildIp({ source, destination, protocol: IpProtocol.GRE, payload: Uint8Array.of(9, 9) }));
    expect([view.protocol, view.payloadEnd - view.payload]).toEqual([47, 2]);
    const broken = buildIp({ source, destination, protocol: IpProtocol.TCP, payload: Uint8Array.of(1) });
    expect(view.decode(broken, 0, broken.length)).not.toBe(0);
    view.truncated = false;
    expect(verifyHeaderChecksum(view)).toBe(true);
  });
});

test('IPv4 options and fields', () => {
  const packet = buildUdp({
    source: '10.0.0.1',
    destination: '10.0.0.2',
    sourcePort: 1,
    destinationPort: 2,
    identification: 0xbeef,
    dontFragment: false,
    ipOptions: Uint8Array.of(7, 3, 4),
  });
  expect(decode(packet)).toMatchObject({ identification: 0xbeef, dontFragment: false, headerLength: 24 });
  expect(verifyHeaderChecksum(view)).toBe(true);
});

test('IPv6 extension headers', () => {
  const packet = buildTcp({
    source: '2001:db8::1',
    destination: '2001:db8::2',
    sourcePort: 1,
    destinationPort: 2,
    flags: TcpFlag.SYN,
    extensionHeaders: [
      { protocol: IpProtocol.HOP_BY_HOP, body: Uint8Array.of(1, 4) },
      { protocol: IpProtocol.FRAGMENT, body: Uint8Array.of(0, 0, 0, 0, 0, 5) },
      { protocol: IpProtocol.DESTINATION_OPTIONS, body: new Uint8Array(10) },
    ],
  });
  expect(decode(packet)).toMatchObject({ protocol: 6, headerLength: 40 + 8 + 8 + 16, identification: 5 });
  expect(verifyTransportChecksum(view)).toBe(true);
});

test.each([
  ['two families', { source: '10.0.0.1', destination: '::1' }],
  ['no address', { source: 'localhost', destination: '10.0.0.1' }],
])('%s', (_name, addresses) => {
  expect(() => buildUdp({ ...addresses, sourcePort: 1, destinationPort: 2 })).toThrow(TypeError);
});
