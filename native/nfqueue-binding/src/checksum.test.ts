import { describeWithAddon } from '../testing/built-addon';
import { Random } from '../testing/random';
import { ChecksumStatus, loadAddon } from './addon';

/* The C checksums against a slow twin; packets end at an inaccessible page. */
/** RFC 1071, 16 bits at a time. */
function onesComplementSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  return sum;
}

interface Sample {
  packet: Buffer;
  /** Where the transport begins and ends, what addresses its pseudo-header has. */
  transport: number;
  end: number;
  pseudo: Buffer;
  field: number;
  protocol: number;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;

function transportOf(random: Random, protocol: number): { bytes: Buffer; field: number; covered: number } {
  const payload = random.below(10) === 0 ? random.below(5000) : random.below(60);
  if (protocol === TCP) return { bytes: random.bytes(20 + payload), field: 16, covered: 20 + payload };
  if (protocol !== UDP) return { bytes: random.bytes(8 + payload), field: 2, covered: 8 + payload };
  const bytes = random.bytes(8 + payload);
  // A datagram may end before its packet does.
  const covered = random.chance(5) ? 8 + random.below(payload + 1) : 8 + payload;
  bytes.writeUInt16BE(covered, 4);
  if (bytes.readUInt16BE(6) === 0) bytes[6] = 1;
  return { bytes, field: 6, covered };
}

function pseudoHeader(source: Buffer, destination: Buffer, protocol: number, length: number): Buffer {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(length, 0);
  tail[7] = protocol;
  return Buffer.concat([source, destination, tail]);
}

function sampleIpv4(random: Random): Sample {
  const protocol = random.pick([TCP, UDP, ICMP]);
  const { bytes, field, covered } = transportOf(random, protocol);
  const header = random.bytes(20 + 4 * random.below(11));
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length + bytes.length, 2);
  header.writeUInt16BE(0x4000, 6);
  header[9] = protocol;
  const pseudo =
    protocol === ICMP
      ? Buffer.alloc(0)
      : pseudoHeader(header.subarray(12, 16), header.subarray(16, 20), protocol, covered);
  // Link-layer padding after the packet is not covered.
  const padding = random.bytes(random.chance(4) ? random.below(10) : 0);
  return {
    packet: Buffer.concat([header, bytes, padding]),
    transport: header.length,
    end: header.length + covered,
    pseudo,
    field: header.length + field,
    protocol,
  };
}

function sampleIpv6(random: Random): Sample {
  const protocol = random.pick([TCP, UDP, ICMPV6]);
  const { bytes, field, covered } = transportOf(random, protocol);
  const fixed = random.bytes(40);
  fixed[0] = 0x60;
  let destination = fixed.subarray(24, 40);
  const extensions: Buffer[] = [];
  const types: number[] = [];
  for (let n = random.below(4); n > 0; n--) {
    const type = random.pick([0, 60, 43, 44, 51]);
    let extension: Buffer;
    if (type === 44) {
      extension = random.bytes(8);
      extension.writeUInt16BE(0, 2); // an atomic fragment (RFC 6946)
    } else if (type === 51) {
      const words = random.below(5) * 2 + 2;
      extension = random.bytes(8 + words * 4);
      extension[1] = words;
    } else if (type === 43) {
      const addresses = 1 + random.below(3);
      extension = random.bytes(8 + 16 * addresses);
      extension[1] = addresses * 2;
      extension[2] = random.pick([0, 4]);
      extension[3] = random.below(2) * addresses;
      if (extension[3] > 0) {
        destination = extension[2] === 4 ? extension.subarray(8, 24) : extension.subarray(-16);
      }
      if (extension[3] === 0) destination = fixed.subarray(24, 40);
    } else {
      extension = random.bytes(8 + 8 * random.below(4));
      extension[1] = extension.length / 8 - 1;
    }
    types.push(type);
    extensions.push(extension);
  }
  types.push(protocol);
  fixed[6] = types[0];
  for (let i = 0; i < extensions.length; i++) extensions[i][0] = types[i + 1];
  const inner = Buffer.concat([...extensions, bytes]);
  fixed.writeUInt16BE(inner.length, 4);
  const transport = 40 + inner.length - bytes.length;
  return {
    packet: Buffer.concat([fixed, inner]),
    transport,
    end: transport + covered,
    pseudo: pseudoHeader(fixed.subarray(8, 24), destination, protocol, covered),
    field: transport + field,
    protocol,
  };
}

describeWithAddon('checksums of whole packets', () => {
  const seeded = (body: (random: Random) => void) => {
    const random = new Random();
    try {
      body(random);
    } catch (error) {
      throw new Error(`PORTCULLIS_SEED=${random.seed}: ${(error as Error).message}`);
    }
  };

  test('what is written is what the twin computes, and verifies', () => {
    seeded((random) => {
      const { checksum } = loadAddon();
      for (let i = 0; i < (process.env.PORTCULLIS_LONG ? 3000 : 600); i++) {
        const sample = random.chance(2) ? sampleIpv4(random) : sampleIpv6(random);
        const expected = Buffer.from(sample.packet);
        expected.writeUInt16BE(0, sample.field);
        let sum = ~onesComplementSum(
          Buffer.concat([sample.pseudo, expected.subarray(sample.transport, sample.end)]),
        );
        sum &= 0xffff;
        expected.writeUInt16BE(sample.protocol === UDP && sum === 0 ? 0xffff : sum, sample.field);
        if (expected[0] >> 4 === 4) {
          expected.writeUInt16BE(0, 10);
          const header = expected.subarray(0, (expected[0] & 15) * 4);
          expected.writeUInt16BE(~onesComplementSum(header) & 0xffff, 10);
        }
        const packet = Buffer.from(sample.packet);
        const before = checksum(packet, false);
        if (before !== ChecksumStatus.OK && before !== ChecksumStatus.WRONG)
          throw new Error(`status ${before}`);
        expect(checksum(packet, true)).toBe(ChecksumStatus.OK);
        if (!packet.equals(expected)) {
          throw new Error(`of ${sample.packet.toString('hex')}\nfound ${packet.toString('hex')}`);
        }
        expect(checksum(packet, false)).toBe(ChecksumStatus.OK);
        const at = sample.transport + random.below(sample.end - sample.transport);
        packet[at] ^= 1 << random.below(8);
        const flipped = checksum(packet, false);
        if (flipped === ChecksumStatus.OK) throw new Error(`a flipped bit at ${at} was not seen`);
      }
    });
  });

  test('mutated and random packets end within their bytes', () => {
    seeded((random) => {
      const { checksum } = loadAddon();
      for (let i = 0; i < (process.env.PORTCULLIS_LONG ? 5000 : 1000); i++) {
        const { packet } = random.chance(2) ? sampleIpv4(random) : sampleIpv6(random);
        const cut = packet.subarray(0, random.chance(2) ? packet.length : random.below(packet.length + 1));
        const bytes = random.chance(20) ? random.bytes(random.below(100)) : Buffer.from(cut);
        for (let n = random.below(4); n > 0 && bytes.length > 0; n--) {
          bytes[random.below(Math.min(bytes.length, 120))] = random.word();
        }
        expect(checksum(bytes, random.chance(2))).toBeLessThanOrEqual(ChecksumStatus.MALFORMED);
      }
    });
  });

  const udp4 = () =>
    Buffer.from('4500001e0000400040110000c0000201c00002020035003500 0a0000 6869'.replaceAll(' ', ''), 'hex');

  test('a UDP sender over IPv4 that opted out stays so', () => {
    const packet = udp4();
    expect(loadAddon().checksum(packet, false)).toBe(ChecksumStatus.NONE_PRESENT);
    expect(loadAddon().checksum(packet, true)).toBe(ChecksumStatus.NONE_PRESENT);
    expect(packet.readUInt16BE(26)).toBe(0);
    expect(onesComplementSum(packet.subarray(0, 20))).toBe(0xffff);
  });

  test('fragments keep their transport bytes and get their header sum', () => {
    const packet = udp4();
    packet.writeUInt16BE(0x2000, 6);
    packet.writeUInt16BE(0x1234, 26);
    expect(loadAddon().checksum(packet, true)).toBe(ChecksumStatus.NONE_PRESENT);
    expect(packet.readUInt16BE(26)).toBe(0x1234);
    expect(onesComplementSum(packet.subarray(0, 20))).toBe(0xffff);
  });

  test.each([
    ['SCTP', 132],
    ['UDP-Lite', 136],
  ])('%s is not known here', (_, protocol) => {
    const packet = udp4();
    packet[9] = protocol;
    expect(loadAddon().checksum(packet, true)).toBe(ChecksumStatus.UNKNOWN);
  });

  test('what is no IP packet is malformed', () => {
    expect(loadAddon().checksum(Buffer.alloc(0), true)).toBe(ChecksumStatus.MALFORMED);
    expect(loadAddon().checksum(Buffer.alloc(60), true)).toBe(ChecksumStatus.MALFORMED);
    expect(loadAddon().checksum(udp4().subarray(0, 27), true)).toBe(ChecksumStatus.MALFORMED);
  });
});
