import { SeededRandom } from '@portcullis/testkit';
import { CaptureFileSource } from './capture-file-source';
import { Bytes, captureFile, ethernet, ipv4Packet, takeAll } from './capture-files.fixture';

const packet = ipv4Packet(21, 3);
const frame = ethernet(packet);

class Blocks {
  private readonly bytes: Bytes;

  constructor(littleEndian: boolean) {
    this.bytes = new Bytes(littleEndian);
  }

  block(type: number, ...body: Uint8Array[]): Buffer {
    const content = Buffer.concat(body);
    const padded = Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)]);
    const length = this.bytes.u32(padded.length + 12);
    return Buffer.concat([this.bytes.u32(type), length, padded, length]);
  }

  section(major = 1): Buffer {
    const rest = [this.bytes.u32(0x1a2b3c4d), this.bytes.u16(major, 0), Buffer.alloc(8, 0xff)];
    return this.block(0x0a0d0d0a, ...rest);
  }

  option(code: number, value: Uint8Array): Buffer {
    const padding = Buffer.alloc((4 - (value.length % 4)) % 4);
    return Buffer.concat([this.bytes.u16(code, value.length), value, padding]);
  }

  interface(linkType: number, ...options: Uint8Array[]): Buffer {
    const end = options.length > 0 ? [this.bytes.u32(0)] : [];
    return this.block(1, this.bytes.u16(linkType, 0), this.bytes.u32(0), ...options, ...end);
  }

  enhanced(id: number, time: bigint, content: Uint8Array, wire = content.length): Buffer {
    const high = Number(time >> 32n);
    const low = Number(time & 0xffffffffn);
    const padding = Buffer.alloc((4 - (content.length % 4)) % 4);
    const comment = this.option(1, Buffer.from('a comment'));
    return this.block(6, this.bytes.u32(id, high, low, content.length, wire), content, padding, comment);
  }

  simple(content: Uint8Array, wire = content.length): Buffer {
    return this.block(3, this.bytes.u32(wire), content);
  }

  obsolete(id: number, time: bigint, content: Uint8Array): Buffer {
    const times = this.bytes.u32(
      Number(time >> 32n),
      Number(time & 0xffffffffn),
      content.length,
      content.length,
    );
    return this.block(2, this.bytes.u16(id, 0), times, content);
  }

  words(...words: number[]): Buffer {
    return this.bytes.u32(...words);
  }
}

const little = new Blocks(true);
const big = new Blocks(false);
const MICROSECONDS = 1_700_000_000_123_456n;

describe.each([
  ['little-endian', little],
  ['big-endian', big],
])('pcapng, %s', (_name, blocks) => {
  test('enhanced, simple and obsolete packet blocks; others are skipped', () => {
    const file = captureFile(
      blocks.section(),
      blocks.block(5, Buffer.alloc(20)),
      blocks.interface(1),
      blocks.block(0xbad, Buffer.alloc(3)),
      blocks.enhanced(0, MICROSECONDS, frame),
      blocks.block(4, Buffer.alloc(8)),
      blocks.simple(frame),
      blocks.obsolete(0, MICROSECONDS + 1n, frame),
    );
    const source = new CaptureFileSource(file);
    const taken = takeAll(source);
    expect(source.error).toBeNull();
    expect(taken.map(({ time, frame: number }) => [time, number])).toEqual([
      [Number(MICROSECONDS), 1],
      [0, 2],
      [Number(MICROSECONDS) + 1, 3],
    ]);
    for (const one of taken) expect(one.bytes.subarray(0, packet.length)).toEqual(packet);
  });

  test('time resolutions and offsets, to the microsecond', () => {
    const offset = Buffer.alloc(8);
    if (blocks === little) offset.writeBigInt64LE(-3600n);
    else offset.writeBigInt64BE(-3600n);
    const resolution = (value: number) => blocks.option(9, Uint8Array.of(value));
    const file = captureFile(
      blocks.section(),
      blocks.interface(1, resolution(9)),
      blocks.interface(1, resolution(3)),
      blocks.interface(1, resolution(0x80 | 20)),
      blocks.interface(1, blocks.option(2, Buffer.from('eth0')), resolution(6), blocks.option(14, offset)),
      blocks.interface(1, resolution(0)),
      ...[0n, 1n, 999n, 1000n, 4_294_967_295n, 4_294_967_296n].map((more) =>
        blocks.enhanced(0, MICROSECONDS * 1000n + more, frame),
      ),
      blocks.enhanced(1, 1_700_000_000_123n, frame),
      blocks.enhanced(2, 1_700_000_000n * 1_048_576n + 524_288n, frame),
      blocks.enhanced(3, MICROSECONDS, frame),
      blocks.enhanced(4, 1_700_000_000n, frame),
    );
    const base = Number(MICROSECONDS);
    expect(takeAll(new CaptureFileSource(file)).map(({ time }) => time)).toEqual([
      base,
      base,
      base,
      base + 1,
      base + 4_294_967,
      base + 4_294_967,
      1_700_000_000_123_000,
      1_700_000_000_500_000,
      base - 3_600_000_000,
      1_700_000_000_000_000,
    ]);
  });

  test('each interface has its own link type', () => {
    const file = captureFile(
      blocks.section(),
      blocks.interface(1),
      blocks.interface(101),
      blocks.enhanced(1, 0n, packet, 500),
      blocks.enhanced(0, 0n, frame),
    );
    const taken = takeAll(new CaptureFileSource(file));
    expect(taken.map(({ bytes }) => bytes)).toEqual([packet, packet]);
    expect(taken[0].wireLength).toBe(500);
  });
});

describe('pcapng', () => {
  test('sections of both byte orders in one file; interfaces begin anew', () => {
    const file = captureFile(
      ...[little.section(), little.interface(1), little.interface(1), little.enhanced(1, 1n, frame)],
      ...[big.section(), big.interface(101), big.enhanced(0, 2n, packet)],
      ...[
        little.section(),
        little.interface(1),
        little.enhanced(0, 3n, frame),
        little.enhanced(1, 4n, frame),
      ],
    );
    const source = new CaptureFileSource(file);
    expect(takeAll(source).map(({ time }) => time)).toEqual([1, 2, 3]);
    expect(source.error).toMatchObject({ code: 'CAPTURE_BLOCK' });
    expect(source.error?.message).toContain('interface 1');
  });

  test('a block larger than the memory in use is skipped', () => {
    const file = captureFile(
      little.section(),
      little.block(0xbad, Buffer.alloc(3_000_000, 0x11)),
      little.interface(1),
      little.block(0xbad, Buffer.alloc(700_000, 0x11)),
      little.enhanced(0, 1n, frame),
    );
    const source = new CaptureFileSource(file, { chunkSize: 1 });
    expect(takeAll(source)).toHaveLength(1);
    expect(source.error).toBeNull();
    expect(source.batch.bytes.length).toBeLessThan(600_000);
  });

  test('many packets over many chunks', () => {
    const packets = Array.from({ length: 2000 }, (_, index) =>
      ipv4Packet((index * 7919) % 1500, index % 251),
    );
    const file = captureFile(
      little.section(),
      little.interface(101),
      ...packets.map((one, index) => little.enhanced(0, BigInt(index), one)),
    );
    const taken = takeAll(new CaptureFileSource(file, { chunkSize: 1, batchSize: 100 }));
    expect(taken).toHaveLength(packets.length);
    expect(taken.findIndex((one, index) => !one.bytes.equals(packets[index]) || one.time !== index)).toBe(-1);
  });

  const start = [little.section(), little.interface(1), little.enhanced(0, 1n, frame)];
  const offset = Buffer.concat(start).length;
  test.each<[string, string, Uint8Array]>([
    ['a block shorter than its own frame', 'CAPTURE_RECORD_LENGTH', little.words(6, 8, 8)],
    ['a length that is no multiple of 4', 'CAPTURE_RECORD_LENGTH', little.words(6, 33, 0, 0, 0, 0, 0, 0, 0)],
    [
      'more bytes than the block holds',
      'CAPTURE_RECORD_LENGTH',
      little.block(6, little.words(0, 0, 0, 5, 5)),
    ],
    ['an absurd length', 'CAPTURE_RECORD_LENGTH', little.words(6, 0x7ffffffc, 0, 0, 0, 0x7fffff00, 0, 0)],
    ['an unknown interface', 'CAPTURE_BLOCK', little.enhanced(7, 0n, frame)],
    [
      'two lengths that differ',
      'CAPTURE_BLOCK',
      Buffer.concat([little.enhanced(0, 0n, frame).subarray(0, -4), little.words(0)]),
    ],
    ['a packet block without its fields', 'CAPTURE_BLOCK', little.block(6, little.words(0, 0))],
    [
      'a section header without its fields',
      'CAPTURE_BLOCK',
      little.block(0x0a0d0d0a, little.words(0x1a2b3c4d)),
    ],
    ['a section without byte order', 'CAPTURE_BLOCK', little.block(0x0a0d0d0a, little.words(1, 2, 3, 4))],
    ['a section of another version', 'CAPTURE_FORMAT', little.section(2)],
    ['an interface block without its fields', 'CAPTURE_BLOCK', little.block(1)],
    [
      'an option longer than its block',
      'CAPTURE_BLOCK',
      little.block(1, little.words(1, 0), Uint8Array.of(9, 0, 99, 0)),
    ],
    ['an impossible resolution', 'CAPTURE_BLOCK', little.interface(1, little.option(9, Uint8Array.of(120)))],
    ['a cut block', 'CAPTURE_TRUNCATED', little.enhanced(0, 0n, frame).subarray(0, 40)],
    ['a cut block that would have been skipped', 'CAPTURE_TRUNCATED', little.words(0xbad, 4000, 0, 0)],
  ])('%s', (_name, code, bad) => {
    const source = new CaptureFileSource(captureFile(...start, bad));
    const taken = takeAll(source);
    expect(source.error).toMatchObject({ code });
    expect(source.error?.byteOffset).toBe(offset);
    expect(taken[0].time).toBe(1);
  });

  test('a file cut anywhere gives the whole packets before the cut', () => {
    const blocks = [...start, little.simple(frame)];
    const whole = Buffer.concat(blocks);
    for (let cut = 12; cut < whole.length; cut++) {
      let source: CaptureFileSource;
      try {
        source = new CaptureFileSource(captureFile(whole.subarray(0, cut)));
      } catch (error) {
        expect(error).toMatchObject({ code: 'CAPTURE_TRUNCATED' });
        continue;
      }
      const packets = takeAll(source).length;
      // A packet counts once its bytes are there, be padding, comment and length behind them missing.
      const dataEnds = [offset - 4 - 16 - 1, whole.length - 4 - 1];
      expect(packets).toBe(dataEnds.filter((end) => cut >= end).length);
      const boundaries = blocks.map((_, index) => Buffer.concat(blocks.slice(0, index + 1)).length);
      if (boundaries.includes(cut)) expect(source.error).toBeNull();
      else expect(source.error).toMatchObject({ code: 'CAPTURE_TRUNCATED' });
    }
  });

  test('no damage to a file does more than end it', () => {
    const whole = Buffer.concat([
      ...start,
      little.simple(frame),
      big.section(),
      big.interface(1),
      big.simple(frame),
    ]);
    SeededRandom.run((random) => {
      for (let round = 0; round < (process.env.PORTCULLIS_LONG ? 500 : 120); round++) {
        const damaged = Buffer.from(whole);
        for (let change = 0; change < 2; change++) damaged[random.below(whole.length)] = random.below(256);
        try {
          takeAll(new CaptureFileSource(captureFile(damaged)));
        } catch (error) {
          expect(error).toMatchObject({ name: 'CaptureError' });
        }
      }
    });
  });
});
