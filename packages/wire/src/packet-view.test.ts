import fc from 'fast-check';
import { formatAddress } from './address';
import { DecodeStatus, DecodeStatusNames } from './decode-status';
import { PacketView } from './packet-view';
import { ipv4, ipv6, tcp, udp } from './packets.fixture';

const view = new PacketView();

function decode(packet: Uint8Array): string {
  return DecodeStatusNames[view.decode(packet, 0, packet.length)];
}

test('every status has a name of its own', () => {
  expect(Object.values(DecodeStatus)).toEqual(DecodeStatusNames.map((_, status) => status));
  expect(new Set(DecodeStatusNames).size).toBe(DecodeStatusNames.length);
});

describe('IPv4', () => {
  test('TCP: every field', () => {
    const packet = ipv4({ protocol: 6, payload: tcp({ payload: [7, 8, 9] }) });
    expect(decode(packet)).toBe('ok');
    expect(view).toMatchObject({
      start: 0,
      end: 43,
      version: 4,
      headerLength: 20,
      totalLength: 43,
      truncated: false,
      ttl: 63,
      tos: 0x12,
      identification: 0xabcd,
      fragmentOffset: 0,
      moreFragments: false,
      dontFragment: false,
      protocol: 6,
      transport: 20,
      sourcePort: 0x1234,
      destinationPort: 80,
      sequence: 0xdeadbeef,
      acknowledgment: 0x89abcdef,
      tcpFlags: 0x18,
      window: 0x4321,
      urgentPointer: 0x0102,
      tcpHeaderLength: 20,
      icmpType: 0,
      icmpCode: 0,
      payload: 40,
      payloadEnd: 43,
    });
    expect(formatAddress(view.source)).toBe('192.0.2.1');
    expect(formatAddress(view.destination)).toBe('198.51.100.2');
    expect([...view.source]).toEqual([0, 0, 0xffff, 0xc0000201]);
  });

  test('a packet inside a larger arena', () => {
    const packet = ipv4({ protocol: 17, payload: udp({ payload: [7, 8, 9] }) });
    const arena = new Uint8Array(200).fill(0x45);
    arena.set(packet, 100);
    expect(view.decode(arena, 100, 100 + packet.length)).toBe(0);
    expect(view).toMatchObject({
      start: 100,
      end: 131,
      transport: 120,
      payload: 128,
      payloadEnd: 131,
      sourcePort: 0x1234,
    });
  });

  test('link padding is left aside, options are not', () => {
    const packet = ipv4({ protocol: 6, options: [1, 1, 1, 1], payload: tcp({ payload: [7] }) });
    const padded = Uint8Array.from([...packet, 0, 0, 0, 0]);
    expect(decode(padded)).toBe('ok');
    expect(view).toMatchObject({ end: 45, headerLength: 24, payload: 44, payloadEnd: 45, truncated: false });
  });

  test('a cut packet is decoded as far as it goes', () => {
    const packet = ipv4({ protocol: 6, payload: tcp({ payload: [7, 8, 9] }) });
    expect(decode(packet.subarray(0, 41))).toBe('ok');
    expect(view).toMatchObject({ totalLength: 43, end: 41, payloadEnd: 41, truncated: true });
  });

  test('total length 0 means a super-segment for TCP only', () => {
    expect(decode(ipv4({ protocol: 6, totalLength: 0, payload: tcp({ payload: [7] }) }))).toBe('ok');
    expect(view).toMatchObject({ totalLength: 41, payloadEnd: 41 });
    expect(decode(ipv4({ protocol: 17, totalLength: 0, payload: udp({ payload: [7] }) }))).toBe(
      'ipv4-bad-total-length',
    );
  });

  test.each([
    ['empty', new Uint8Array(0)],
    ['ip-version', Uint8Array.of(0x55)],
    ['ip-version', Uint8Array.of(0)],
    ['ipv4-header-truncated', Uint8Array.of(0x45)],
    ['ipv4-header-truncated', ipv4({ protocol: 6, payload: [] }).subarray(0, 19)],
    ['ipv4-bad-header-length', Uint8Array.from([0x44, ...ipv4({ protocol: 6, payload: [] }).subarray(1)])],
    ['ipv4-bad-header-length', Uint8Array.from([0x46, ...ipv4({ protocol: 6, payload: [] }).subarray(1)])],
    ['ipv4-bad-total-length', ipv4({ protocol: 6, totalLength: 19, payload: [] })],
    ['tcp-header-truncated', ipv4({ protocol: 6, payload: tcp({ payload: [] }).subarray(0, 19) })],
    ['tcp-header-truncated', ipv4({ protocol: 6, totalLength: 39, payload: tcp({ payload: [] }) })],
    ['tcp-bad-header-length', ipv4({ protocol: 6, payload: tcp({ payload: [], dataOffset: 4 }) })],
    ['tcp-bad-header-length', ipv4({ protocol: 6, payload: tcp({ payload: [], dataOffset: 6 }) })],
    ['udp-header-truncated', ipv4({ protocol: 17, payload: [1, 2, 3, 4, 5, 6, 7] })],
    ['udp-bad-length', ipv4({ protocol: 17, payload: udp({ payload: [1], length: 7 }) })],
    ['udp-bad-length', ipv4({ protocol: 17, payload: udp({ payload: [1], length: 10 }) })],
    ['udp-bad-length', ipv4({ protocol: 17, payload: udp({ payload: [1], length: 0 }) })],
    ['icmp-header-truncated', ipv4({ protocol: 1, payload: [8, 0, 0, 0, 1, 1, 1] })],
    ['sctp-header-truncated', ipv4({ protocol: 132, payload: new Uint8Array(11) })],
    ['fragment-too-long', ipv4({ protocol: 17, fragment: 0x1fff, payload: [1, 2, 3, 4, 5, 6, 7, 8] })],
  ])('%s', (name, packet) => {
    expect(decode(packet)).toBe(name);
  });

  test('UDP ends where its own length says', () => {
    expect(decode(ipv4({ protocol: 17, payload: [...udp({ payload: [1, 2] }), 3, 4] }))).toBe('ok');
    expect(view).toMatchObject({ payload: 28, payloadEnd: 30, end: 32, destinationPort: 53 });
    // The capture cut it: the length is believed.
    const cut = ipv4({ protocol: 17, payload: udp({ payload: [1, 2] }) }).subarray(0, 29);
    expect(decode(cut)).toBe('ok');
    expect(view).toMatchObject({ payload: 28, payloadEnd: 29, truncated: true });
  });

  test('ICMP, UDP-Lite, SCTP and others', () => {
    expect(decode(ipv4({ protocol: 1, payload: [3, 4, 0, 0, 0, 0, 0, 0, 1] }))).toBe('ok');
    expect(view).toMatchObject({ icmpType: 3, icmpCode: 4, payload: 28, payloadEnd: 29, sourcePort: 0 });
    expect(decode(ipv4({ protocol: 136, payload: udp({ payload: [1], length: 0 }) }))).toBe('ok');
    expect(view).toMatchObject({ sourcePort: 0x1234, destinationPort: 53, payload: 28, icmpType: 0 });
    expect(decode(ipv4({ protocol: 132, payload: [0x12, 0x34, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0, 5] }))).toBe(
      'ok',
    );
    expect(view).toMatchObject({ sourcePort: 0x1234, destinationPort: 99, payload: 32 });
    expect(decode(ipv4({ protocol: 47, payload: [1, 2] }))).toBe('ok');
    expect(view).toMatchObject({
      sourcePort: 0,
      destinationPort: 0,
      transport: 20,
      payload: 20,
      payloadEnd: 22,
    });
  });

  test('a later fragment has no transport header, whatever its data look like', () => {
    expect(decode(ipv4({ protocol: 6, fragment: 0x2001, payload: tcp({ payload: [7] }) }))).toBe('ok');
    expect(view).toMatchObject({
      fragmentOffset: 8,
      moreFragments: true,
      sourcePort: 0,
      tcpFlags: 0,
      tcpHeaderLength: 0,
      transport: 20,
      payload: 20,
      payloadEnd: 41,
    });
  });

  test('a first fragment is decoded where its header is whole, and let through where it is not', () => {
    expect(decode(ipv4({ protocol: 6, fragment: 0x2000, payload: tcp({ payload: [7] }) }))).toBe('ok');
    expect(view).toMatchObject({ moreFragments: true, fragmentOffset: 0, sourcePort: 0x1234, payload: 40 });
    expect(
      decode(ipv4({ protocol: 6, fragment: 0x2000, payload: tcp({ payload: [] }).subarray(0, 8) })),
    ).toBe('ok');
    expect(view).toMatchObject({ sourcePort: 0, tcpHeaderLength: 0, payload: 20, payloadEnd: 28 });
    // The datagram is longer than its first fragment.
    expect(
      decode(ipv4({ protocol: 17, fragment: 0x2000, payload: udp({ payload: [1], length: 999 }) })),
    ).toBe('ok');
    expect(view).toMatchObject({ sourcePort: 0x1234, payload: 28, payloadEnd: 29 });
    expect(decode(ipv4({ protocol: 17, fragment: 0x4000, payload: udp({ payload: [1] }) }))).toBe('ok');
    expect(view).toMatchObject({ dontFragment: true, moreFragments: false });
  });

  test('nothing of the packet before remains', () => {
    decode(ipv4({ protocol: 6, payload: tcp({ payload: [7] }) }));
    decode(ipv4({ protocol: 1, payload: [3, 4, 0, 0, 0, 0, 0, 0, 1] }));
    expect(view).toMatchObject({ sequence: 0, acknowledgment: 0, window: 0, tcpFlags: 0, urgentPointer: 0 });
    decode(ipv4({ protocol: 6, payload: tcp({ payload: [7] }) }));
    expect(view).toMatchObject({ icmpType: 0, icmpCode: 0 });
  });
});

describe('IPv6', () => {
  const tcpBytes = Array.from(tcp({ payload: [7, 8, 9] }));

  test('TCP: every field', () => {
    expect(decode(ipv6({ next: 6, payload: tcpBytes }))).toBe('ok');
    expect(view).toMatchObject({
      version: 6,
      headerLength: 40,
      totalLength: 63,
      ttl: 62,
      tos: 0x12,
      identification: 0,
      fragmentOffset: 0,
      moreFragments: false,
      protocol: 6,
      transport: 40,
      sourcePort: 0x1234,
      destinationPort: 80,
      payload: 60,
      payloadEnd: 63,
      finalDestination: -1,
    });
    expect(formatAddress(view.source)).toBe('2001:db8::1');
    expect(formatAddress(view.destination)).toBe('2001:db8::2');
  });

  test('a chain of all extension headers', () => {
    const chain = [
      ...[60, 0, 1, 4, 0, 0, 0, 0], // hop-by-hop
      ...[43, 1, 1, 12, ...new Array<number>(12).fill(0)], // destination options, 16 bytes
      ...[51, 0, 0, 0, 0, 0, 0, 0], // routing
      ...[135, 4, 0, 0, ...new Array<number>(20).fill(0)], // AH: (4 + 2) × 4 bytes
      ...[139, 0, 0, 0, 0, 0, 0, 0], // mobility
      ...[140, 0, 0, 0, 0, 0, 0, 0], // HIP
      ...[44, 0, 0, 0, 0, 0, 0, 0], // shim6
      ...[6, 0, 0, 0, 1, 2, 3, 4], // fragment: atomic
    ];
    expect(decode(ipv6({ next: 0, payload: [...chain, ...tcpBytes] }))).toBe('ok');
    expect(view).toMatchObject({
      protocol: 6,
      headerLength: 40 + chain.length,
      transport: 40 + chain.length,
      identification: 0x01020304,
      moreFragments: false,
      sourcePort: 0x1234,
    });
  });

  test('fragments', () => {
    const first = [6, 0, 0x00, 0x01, 0, 0, 0, 9];
    expect(decode(ipv6({ next: 44, payload: [...first, ...tcpBytes] }))).toBe('ok');
    expect(view).toMatchObject({
      moreFragments: true,
      fragmentOffset: 0,
      identification: 9,
      sourcePort: 0x1234,
    });
    const later = [60, 0, 0x00, 0x10, 0, 0, 0, 9];
    expect(decode(ipv6({ next: 44, payload: [...later, ...tcpBytes] }))).toBe('ok');
    // What looks like an extension header is the middle of one.
    expect(view).toMatchObject({
      moreFragments: false,
      fragmentOffset: 16,
      protocol: 60,
      headerLength: 48,
      sourcePort: 0,
      payload: 48,
    });
  });

  test.each([
    ['ipv6-header-truncated', ipv6({ next: 6, payload: [] }).subarray(0, 39)],
    ['ipv6-extension-truncated', ipv6({ next: 60, payload: [6, 0, 0, 0, 0, 0, 0] })],
    ['ipv6-extension-truncated', ipv6({ next: 60, payload: [6, 1, 0, 0, 0, 0, 0, 0] })],
    ['ipv6-extension-truncated', ipv6({ next: 44, payload: [6, 0, 0, 0, 0, 0, 0] })],
    ['ipv6-extension-truncated', ipv6({ next: 51, payload: [6, 255, 0, 0, 0, 0, 0, 0] })],
    ['ipv6-extension-order', ipv6({ next: 44, payload: [44, 0, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0, 2] })],
    [
      'fragment-too-long',
      ipv6({ next: 44, payload: [17, 0, 0xff, 0xf8, 0, 0, 0, 1, ...new Array<number>(8)] }),
    ],
    ['ipv6-mapped-address', ipv6({ next: 6, payload: tcpBytes, source: mapped() })],
    ['ipv6-mapped-address', ipv6({ next: 6, payload: tcpBytes, destination: mapped() })],
    ['tcp-header-truncated', ipv6({ next: 6, payload: tcpBytes.slice(0, 19) })],
    ['udp-bad-length', ipv6({ next: 17, payload: udp({ payload: [1], length: 10 }) })],
    ['icmp-header-truncated', ipv6({ next: 58, payload: [128, 0, 0, 0, 0] })],
  ])('%s', (name, packet) => {
    expect(decode(packet)).toBe(name);
  });

  test.each([
    ['IPv4', ipv4({ protocol: 17, fragment: 0x1fff, payload: new Array<number>(8) }), 17],
    ['IPv6', ipv6({ next: 60, payload: [6, 1, 0, 0, 0, 0, 0, 0] }), 60],
  ])('%s: what cannot be read is not that of the packet before', (_, packet, protocol) => {
    const before = ipv4({ protocol: 6, payload: tcpBytes });
    before[15] = 99;
    expect(decode(before)).toBe('ok');
    const source = [...view.source];
    expect(decode(packet)).not.toBe('ok');
    expect(view).toMatchObject({ protocol, sourcePort: 0, destinationPort: 0, tcpFlags: 0 });
    expect([...view.source]).not.toEqual(source);
  });

  test('mapped addresses are read where that is wanted', () => {
    view.acceptsMapped = true;
    try {
      expect(decode(ipv6({ next: 6, payload: tcpBytes, source: mapped() }))).toBe('ok');
      expect(view).toMatchObject({ version: 6, destinationPort: 80 });
    } finally {
      view.acceptsMapped = false;
    }
  });

  test('a long chain of extension headers is followed to its end', () => {
    const chain = new Array<number[]>(200).fill([60, 0, 1, 4, 0, 0, 0, 0]).flat();
    chain[chain.length - 8] = 6;
    expect(decode(ipv6({ next: 60, payload: [...chain, ...tcpBytes] }))).toBe('ok');
    expect(view).toMatchObject({ protocol: 6, headerLength: 1640, destinationPort: 80 });
  });

  test('jumbograms take the captured length', () => {
    const hopByHop = [6, 0, 0xc2, 4, 0, 0, 0, 31];
    expect(decode(ipv6({ next: 0, payloadLength: 0, payload: [...hopByHop, ...tcpBytes] }))).toBe('ok');
    expect(view).toMatchObject({ payload: 68, payloadEnd: 71, truncated: false });
    expect(decode(ipv6({ next: 17, payload: udp({ payload: [1, 2], length: 0 }) }))).toBe('ok');
    expect(view).toMatchObject({ payload: 48, payloadEnd: 50 });
  });

  test('no next header, ESP', () => {
    expect(decode(ipv6({ next: 59, payload: [] }))).toBe('ok');
    expect(view).toMatchObject({ protocol: 59, payload: 40, payloadEnd: 40 });
    expect(decode(ipv6({ next: 50, payload: [1, 2, 3] }))).toBe('ok');
    expect(view).toMatchObject({ protocol: 50, payload: 40, payloadEnd: 43 });
  });

  function mapped(): number[] {
    return [...new Array<number>(10).fill(0), 0xff, 0xff, 10, 0, 0, 1];
  }
});

describe('TCP options', () => {
  function options(bytes: number[]): PacketView {
    while (bytes.length % 4 !== 0) bytes.push(0);
    expect(decode(ipv4({ protocol: 6, payload: tcp({ options: bytes, payload: [2, 4, 1, 1] }) }))).toBe('ok');
    view.decodeTcpOptions();
    return view;
  }
  const none = {
    mss: 0,
    windowScale: -1,
    hasTimestamp: false,
    timestampValue: 0,
    timestampEcho: 0,
    sackPermitted: false,
    hasFastOpen: false,
  };

  test('none', () => {
    expect(options([])).toMatchObject(none);
  });

  test('those of a SYN', () => {
    const bytes = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0xff, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7];
    expect(options(bytes)).toMatchObject({
      mss: 1460,
      windowScale: 7,
      hasTimestamp: true,
      timestampValue: 0xff000001,
      timestampEcho: 2,
      sackPermitted: true,
    });
    expect(options([])).toMatchObject(none);
  });

  test.each([
    ['length 0', [2, 0, 5, 0xb4]],
    ['length 1', [2, 1, 5, 0xb4]],
    ['beyond the header', [1, 1, 1, 2]],
    ['longer than the header', [2, 5, 5, 0xb4]],
    ['wrong length for its kind', [3, 4, 9, 0]],
    ['behind the end', [0, 2, 4, 5, 0xb4, 1, 1, 1]],
  ])('%s', (_name, bytes) => {
    expect(options(bytes)).toMatchObject(none);
  });

  test.each([
    ['its own option', [34, 2], true],
    ['with a cookie', [34, 10, 1, 2, 3, 4, 5, 6, 7, 8], true],
    ['as an experiment', [254, 4, 0xf9, 0x89], true],
    ['another experiment', [254, 4, 0xf9, 0x88], false],
    ['an experiment without a number', [254, 2, 0xf9, 0x89], false],
  ])('Fast Open: %s', (_name, bytes, expected) => {
    expect(options(bytes).hasFastOpen).toBe(expected);
  });

  test('window scale is limited, unknown options are passed over, the last one counts', () => {
    expect(options([254, 6, 1, 2, 3, 4, 3, 3, 200])).toMatchObject({ windowScale: 14 });
    expect(options([2, 4, 1, 0, 2, 4, 2, 0])).toMatchObject({ mss: 512 });
  });
});

/** Decodes with copies and no thought of speed; undefined where the packet is refused. */
function slowDecode(packet: Uint8Array): Record<string, unknown> | undefined {
  const bytes = Buffer.from(packet);
  const refused = undefined;
  if (bytes.length === 0) return refused;
  let protocol: number;
  let fragmentOffset = 0;
  let moreFragments = false;
  let identification = 0;
  let headerLength: number;
  let totalLength: number;
  let source: string;
  const version = bytes[0] >> 4;
  if (version === 4) {
    if (bytes.length < 20) return refused;
    headerLength = (bytes[0] % 16) * 4;
    if (headerLength < 20 || headerLength > bytes.length) return refused;
    protocol = bytes[9];
    totalLength = bytes.readUInt16BE(2);
    if (totalLength === 0 && protocol === 6) totalLength = bytes.length;
    if (totalLength < headerLength) return refused;
    fragmentOffset = (bytes.readUInt16BE(6) % 8192) * 8;
    moreFragments = Math.floor(bytes.readUInt16BE(6) / 8192) % 2 === 1;
    if (fragmentOffset > 0 && fragmentOffset + totalLength > 65_535) return refused;
    identification = bytes.readUInt16BE(4);
    source = `::ffff:${bytes.toString('hex', 12, 16)}`;
  } else if (version === 6) {
    if (bytes.length < 40) return refused;
    for (const at of [8, 24])
      if (bytes.toString('hex', at, at + 12) === '00000000000000000000ffff') return refused;
    source = bytes.toString('hex', 8, 24);
    protocol = bytes[6];
    totalLength = 40 + bytes.readUInt16BE(4);
    if (totalLength === 40 && (protocol === 0 || protocol === 6)) totalLength = bytes.length;
    const end = Math.min(totalLength, bytes.length);
    headerLength = 40;
    let fragments = 0;
    while ([0, 43, 44, 51, 60, 135, 139, 140].includes(protocol) && fragmentOffset === 0) {
      if (headerLength + 8 > end) {
        if (moreFragments) break;
        return refused;
      }
      let length = (bytes[headerLength + 1] + 1) * 8;
      if (protocol === 51) length = (bytes[headerLength + 1] + 2) * 4;
      if (protocol === 44) {
        length = 8;
        if (++fragments > 1) return refused;
        fragmentOffset = bytes.readUInt16BE(headerLength + 2) & 0xfff8;
        moreFragments = bytes.readUInt16BE(headerLength + 2) % 2 === 1;
        identification = bytes.readUInt32BE(headerLength + 4);
      }
      if (length < 8 || headerLength + length > end) {
        if (moreFragments) break;
        return refused;
      }
      protocol = bytes[headerLength];
      headerLength += length;
    }
    if (fragmentOffset > 0 && fragmentOffset + end - headerLength > 65_535) return refused;
  } else {
    return refused;
  }
  const end = Math.min(totalLength, bytes.length);
  const cut = totalLength > bytes.length;
  const result = {
    version,
    protocol,
    headerLength,
    totalLength,
    end,
    fragmentOffset,
    moreFragments,
    identification,
    source,
    transport: headerLength,
    payload: headerLength,
    payloadEnd: end,
    sourcePort: 0,
    destinationPort: 0,
    sequence: 0,
    acknowledgment: 0,
    tcpFlags: 0,
    tcpHeaderLength: 0,
    icmpType: 0,
    icmpCode: 0,
  };
  if (fragmentOffset > 0) return result;
  const rest = bytes.subarray(headerLength, end);
  const orRefused = moreFragments ? result : refused;
  if (protocol === 6) {
    if (rest.length < 20) return orRefused;
    const length = Math.floor(rest[12] / 16) * 4;
    if (length < 20 || length > rest.length) return orRefused;
    return {
      ...result,
      sourcePort: rest.readUInt16BE(0),
      destinationPort: rest.readUInt16BE(2),
      sequence: rest.readUInt32BE(4),
      acknowledgment: rest.readUInt32BE(8),
      tcpFlags: rest[13],
      tcpHeaderLength: length,
      payload: headerLength + length,
    };
  }
  if (protocol === 1 || protocol === 58) {
    if (rest.length < 8) return orRefused;
    return { ...result, icmpType: rest[0], icmpCode: rest[1], payload: headerLength + 8 };
  }
  const ports: Record<number, number> = { 17: 8, 136: 8, 132: 12 };
  if (ports[protocol] === undefined) return result;
  if (rest.length < ports[protocol]) return orRefused;
  let length = rest.length;
  if (protocol === 17) {
    length = rest.readUInt16BE(4);
    if (length === 0 && version === 6) length = rest.length;
    if (length < 8 || (length > rest.length && !cut && !moreFragments)) return orRefused;
  }
  return {
    ...result,
    sourcePort: rest.readUInt16BE(0),
    destinationPort: rest.readUInt16BE(2),
    payload: headerLength + ports[protocol],
    payloadEnd: Math.min(end, headerLength + length),
  };
}

test('like its slow twin on mutated packets, and positions stay in order', () => {
  const samples = [
    ipv4({ protocol: 6, payload: tcp({ payload: [1, 2, 3], options: [1, 1, 1, 0] }) }),
    ipv4({ protocol: 17, payload: udp({ payload: [1, 2, 3] }) }),
    ipv4({ protocol: 1, payload: new Uint8Array(20), options: [7, 4, 0, 0] }),
    ipv4({ protocol: 132, fragment: 0x2000, payload: new Uint8Array(20) }),
    ipv6({ next: 6, payload: tcp({ payload: [1, 2, 3] }) }),
    ipv6({
      next: 0,
      payload: [60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0, ...udp({ payload: [1, 2] })],
    }),
    ipv6({
      next: 44,
      payload: [51, 0, 0, 1, 0, 0, 0, 7, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...tcp({ payload: [] })],
    }),
    ipv6({ next: 43, payload: [58, 2, 0, 1, ...new Array<number>(20).fill(0), 128, 0, 0, 0, 0, 0, 0, 0] }),
  ];
  const interesting = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 6, 17, 40, 43, 44, 51, 58, 60, 0x45, 0x60));
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat(70), interesting), { maxLength: 6 }),
      fc.option(fc.nat(100), { freq: 4 }),
      (sample, changes, cutTo) => {
        const packet = sample.slice(0, cutTo ?? sample.length);
        for (const [at, value] of changes) if (at < packet.length) packet[at] = value;
        const arena = new Uint8Array(packet.length + 30).fill(0x44);
        arena.set(packet, 10);
        const status = view.decode(arena, 10, 10 + packet.length);
        const expected = slowDecode(packet);
        expect(status === 0).toBe(expected !== undefined);
        if (expected === undefined) return;
        const hex = [...view.source].map((word) => word.toString(16).padStart(8, '0')).join('');
        const found: Record<string, unknown> = {
          ...view,
          source: view.version === 6 ? hex : `::ffff:${hex.slice(24)}`,
        };
        for (const position of ['end', 'transport', 'payload', 'payloadEnd'])
          found[position] = (found[position] as number) - 10;
        expect(found).toMatchObject(expected);
        expect(view.start).toBeLessThanOrEqual(view.transport);
        expect(view.transport).toBeLessThanOrEqual(view.payload);
        expect(view.payload).toBeLessThanOrEqual(view.payloadEnd);
        expect(view.payloadEnd).toBeLessThanOrEqual(view.end);
        view.decodeTcpOptions();
      },
    ),
    { numRuns: process.env.PORTCULLIS_LONG ? 2000 : 400 },
  );
});
