import { gzipSync } from 'node:zlib';
import { SeededRandom } from '@portcullis/testkit';
import { DecodeEvent, LinkStatus } from '@portcullis/wire';
import { CaptureFileSource } from './capture-file-source';
import { Bytes, captureFile, ethernet, ipv4Packet, takeAll } from './capture-files.fixture';
import { PacketInfo } from './source';

const SECONDS = 1_700_000_000;

interface Shape {
  littleEndian?: boolean;
  magic?: number;
  version?: [number, number];
  linkType?: number;
}

function header(shape: Shape = {}): Buffer {
  const bytes = new Bytes(shape.littleEndian ?? true);
  return Buffer.concat([
    bytes.u32(shape.magic ?? 0xa1b2c3d4),
    bytes.u16(...(shape.version ?? [2, 4])),
    bytes.u32(0, 0, 65_535, shape.linkType ?? 1),
  ]);
}

function record(
  frame: Uint8Array,
  shape: Shape & { wire?: number; fraction?: number; captured?: number } = {},
): Buffer {
  const bytes = new Bytes(shape.littleEndian ?? true);
  const captured = shape.captured ?? frame.length;
  const extra = shape.magic === 0xa1b2cd34 ? Buffer.alloc(8, 0xee) : Buffer.alloc(0);
  const lengths = bytes.u32(SECONDS, shape.fraction ?? 123_456, captured, shape.wire ?? frame.length);
  return Buffer.concat([lengths, extra, frame]);
}

function failure(action: () => unknown): { code?: string; byteOffset?: number; message?: string } {
  try {
    action();
  } catch (error) {
    return error as { code?: string };
  }
  throw new Error('nothing was thrown');
}

describe('pcap files', () => {
  test.each([
    ['little-endian, microseconds', { littleEndian: true }, 123_456, 123_456],
    ['big-endian, microseconds', { littleEndian: false }, 123_456, 123_456],
    ['little-endian, nanoseconds', { littleEndian: true, magic: 0xa1b23c4d }, 123_456_789, 123_456],
    ['big-endian, nanoseconds', { littleEndian: false, magic: 0xa1b23c4d }, 123_456_789, 123_456],
    ["Kuznetsov's variant", { magic: 0xa1b2cd34 }, 5, 5],
    ['version 2.3 with swapped lengths', { version: [2, 3] as [number, number] }, 5, 5],
  ])('%s', (_name, shape, fraction, microseconds) => {
    const packet = ipv4Packet(30, 7);
    const frame = ethernet(packet);
    // Swapped: the first length is that on the wire.
    const swapped = 'version' in shape ? { captured: 100, wire: frame.length } : { wire: 100 };
    const second = record(frame, { ...shape, fraction, ...swapped });
    const source = new CaptureFileSource(
      captureFile(header(shape), record(frame, { ...shape, fraction }), second),
    );
    const [one, two] = takeAll(source);
    const verify = PacketInfo.CHECKSUM_NOT_VERIFIED;
    const expected = { bytes: packet, time: SECONDS * 1e6 + microseconds, vlan: 0 };
    expect(one).toEqual({ ...expected, frame: 1, wireLength: packet.length, info: verify });
    expect(two).toEqual({ ...expected, frame: 2, wireLength: 86, info: verify | PacketInfo.TRUNCATED });
    expect(source.error).toBeNull();
    expect(source.frames).toBe(2);
    expect(source.receive(0)).toBe(-1);
  });

  test('says where the capture cut a packet', () => {
    const frame = ethernet(ipv4Packet(100)).subarray(0, 60);
    const [packet] = takeAll(new CaptureFileSource(captureFile(header(), record(frame, { wire: 142 }))));
    expect(packet).toMatchObject({
      wireLength: 128,
      info: PacketInfo.TRUNCATED | PacketInfo.CHECKSUM_NOT_VERIFIED,
    });
    expect(packet.bytes).toHaveLength(46);
  });

  test('counts what is no IP packet and numbers frames through', () => {
    const arp = record(ethernet(Buffer.alloc(28), 0x0806));
    const ip = record(ethernet(ipv4Packet(1)));
    const tagged = record(ethernet(Buffer.concat([Uint8Array.of(0, 42, 8, 0), ipv4Packet(1)]), 0x8100));
    const runt = record(Buffer.alloc(5));
    const source = new CaptureFileSource(captureFile(header(), arp, ip, arp, runt, tagged, arp));
    const taken = takeAll(source);
    expect(taken.map(({ frame, vlan }) => [frame, vlan])).toEqual([
      [2, 0],
      [5, 42],
    ]);
    expect(source.frames).toBe(6);
    expect(source.skipped[LinkStatus.NOT_IP]).toBe(3);
    expect(source.skipped[LinkStatus.TRUNCATED]).toBe(1);
  });

  test('hands over frames without a packet to those who want every frame', () => {
    const arp = ethernet(Buffer.alloc(28), 0x0806);
    const runt = Buffer.alloc(5);
    const path = captureFile(header(), record(arp), record(ethernet(ipv4Packet(1))), record(runt));
    const source = new CaptureFileSource(path, { everyFrame: true });
    expect(source.receive(0)).toBe(3);
    const { info, length, linkEvent, linkLength, frame } = source.batch;
    const verify = PacketInfo.CHECKSUM_NOT_VERIFIED;
    expect([...info.subarray(0, 3)]).toEqual([PacketInfo.NOT_IP, verify, PacketInfo.NOT_IP]);
    expect([...length.subarray(0, 3)]).toEqual([28, 29, runt.length]);
    expect([...linkLength.subarray(0, 3)]).toEqual([14, 14, 0]);
    expect([...frame.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect([...linkEvent.subarray(0, 3)]).toEqual([-1, -1, DecodeEvent['ethernet.pkt_too_small']]);
    expect(source.skipped[LinkStatus.NOT_IP]).toBe(1);
  });

  test('hands over the hardware address of the sender', () => {
    const source = new CaptureFileSource(captureFile(header(), record(ethernet(ipv4Packet(1)))));
    expect(source.receive(0)).toBe(1);
    expect([...source.batch.hardware.subarray(0, 8)]).toEqual([2, 0, 0, 0, 0, 1, 0, 0]);
    expect(source.batch.hardwareLength[0]).toBe(6);
    source.close();
    source.close();
    expect(source.receive(0)).toBe(-1);
  });

  test('names link types that cannot be entered', () => {
    const source = new CaptureFileSource(captureFile(header({ linkType: 127 }), record(Buffer.alloc(40))));
    expect(takeAll(source)).toEqual([]);
    expect(source.unsupportedLinkTypes).toEqual([127]);
    expect(source.skipped[LinkStatus.UNSUPPORTED_LINK_TYPE]).toBe(1);
  });

  test('the upper bits of the link type tell of check sequences', () => {
    const file = captureFile(header({ linkType: 0x14000001 }), record(ethernet(ipv4Packet(1))));
    expect(takeAll(new CaptureFileSource(file))).toHaveLength(1);
  });

  test('an absurd length is an error at its place, after what was readable', () => {
    const good = record(ethernet(ipv4Packet(10)));
    const bad = record(Buffer.alloc(4), { captured: 0x7fffffff, wire: 0x7fffffff });
    const source = new CaptureFileSource(captureFile(header(), good, good, bad, good));
    expect(takeAll(source)).toHaveLength(2);
    expect(source.error).toMatchObject({ code: 'CAPTURE_RECORD_LENGTH', byteOffset: 24 + 2 * good.length });
    expect(source.error?.message).toContain('2147483647 bytes');
  });

  test('a file cut anywhere gives the whole records before the cut', () => {
    const records = [10, 0, 30].map((length) => record(ethernet(ipv4Packet(length))));
    const whole = Buffer.concat([header(), ...records]);
    const ends = records.map((_, index) => 24 + Buffer.concat(records.slice(0, index + 1)).length);
    for (let cut = 24; cut <= whole.length; cut++) {
      const source = new CaptureFileSource(captureFile(whole.subarray(0, cut)));
      const complete = ends.filter((end) => end <= cut);
      expect(takeAll(source)).toHaveLength(complete.length);
      const last = complete.at(-1) ?? 24;
      if (cut === last) expect(source.error).toBeNull();
      else expect(source.error).toMatchObject({ code: 'CAPTURE_TRUNCATED', byteOffset: last });
    }
  });

  test('what is no capture is refused at once', () => {
    expect(failure(() => new CaptureFileSource('/nonexistent/file.pcap'))).toMatchObject({
      code: 'CAPTURE_OPEN',
    });
    expect(failure(() => new CaptureFileSource('/'))).toMatchObject({ code: 'CAPTURE_READ' });
    for (const content of ['', 'abc', 'GET / HTTP/1.1\r\n\r\n'])
      expect(failure(() => new CaptureFileSource(captureFile(Buffer.from(content))))).toMatchObject({
        code: 'CAPTURE_FORMAT',
        byteOffset: 0,
      });
    expect(failure(() => new CaptureFileSource(captureFile(header({ version: [9, 1] }))))).toMatchObject({
      code: 'CAPTURE_FORMAT',
      message: expect.stringContaining('version 9.1'),
    });
    expect(failure(() => new CaptureFileSource(captureFile(header().subarray(0, 20))))).toMatchObject({
      code: 'CAPTURE_TRUNCATED',
    });
  });

  test('compressed captures', () => {
    const whole = Buffer.concat([
      header(),
      ...[1, 2, 3].map((length) => record(ethernet(ipv4Packet(length)))),
    ]);
    const packed = gzipSync(whole);
    expect(takeAll(new CaptureFileSource(captureFile(packed)))).toHaveLength(3);
    expect(failure(() => new CaptureFileSource(captureFile(packed), { maxUnpacked: 100 }))).toMatchObject({
      code: 'CAPTURE_TOO_LARGE',
    });
    const damaged = Buffer.from(packed);
    damaged[12] ^= 0xff;
    damaged[20] ^= 0xff;
    expect(['CAPTURE_READ', 'CAPTURE_FORMAT']).toContain(
      failure(() => takeAll(new CaptureFileSource(captureFile(damaged)))).code,
    );
    // Cut short: what can be unpacked is read.
    const cut = new CaptureFileSource(captureFile(packed.subarray(0, packed.length - 12)));
    const taken = takeAll(cut);
    expect(taken.length === 3 || cut.error?.code === 'CAPTURE_TRUNCATED').toBe(true);
  });

  test('packets over many chunks come out as they went in', () => {
    const lengths = Array.from({ length: 3000 }, (_, index) => (index * 7919) % 1500);
    lengths.push(60_000, 60_000, 1);
    const packets = lengths.map((length, index) => ipv4Packet(length, index % 251));
    const file = captureFile(header(), ...packets.map((packet) => record(ethernet(packet))));
    for (const batchSize of [1, 7, 512]) {
      const source = new CaptureFileSource(file, { chunkSize: 1, batchSize });
      const taken = takeAll(source);
      expect(source.error).toBeNull();
      expect(taken).toHaveLength(packets.length);
      expect(taken.findIndex((packet, index) => !packet.bytes.equals(packets[index]))).toBe(-1);
      expect(taken.at(-1)?.frame).toBe(packets.length);
    }
  });

  test('no damage to a file does more than end it', () => {
    const whole = Buffer.concat([header(), ...[10, 0, 30, 5].map((n) => record(ethernet(ipv4Packet(n))))]);
    SeededRandom.run((random) => {
      for (let round = 0; round < (process.env.PORTCULLIS_LONG ? 500 : 120); round++) {
        const damaged = Buffer.from(whole);
        for (let change = 0; change < 3; change++) damaged[random.below(whole.length)] = random.below(256);
        try {
          takeAll(new CaptureFileSource(captureFile(damaged)));
        } catch (error) {
          expect(error).toMatchObject({ name: 'CaptureError' });
        }
      }
    });
  });
});
