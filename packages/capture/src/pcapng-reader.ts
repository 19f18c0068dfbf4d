import { type ByteWindow, WindowState } from './byte-window';
import { CaptureError, CaptureErrorCode } from './capture-error';
import {
  createFrameRecord,
  type FrameReader,
  type FrameRecord,
  MAX_FRAME_LENGTH,
  RecordState,
  readUint16,
  readUint32,
} from './record';

/** draft-ietf-opsawg-pcapng §11.1. */
const BlockType = {
  SECTION_HEADER: 0x0a0d0d0a,
  INTERFACE: 1,
  /** Obsolete, and still in old files. */
  PACKET: 2,
  SIMPLE_PACKET: 3,
  ENHANCED_PACKET: 6,
} as const;

/** Every block: type, total length, body, total length again (§3.1). */
const Block = {
  TYPE: 0,
  TOTAL_LENGTH: 4,
  BODY: 8,
  TRAILER_LENGTH: 4,
  MIN_LENGTH: 12,
} as const;

/** Offsets from the beginning of each block, its type and length included. */
const Section = { BYTE_ORDER: 8, VERSION_MAJOR: 12, LENGTH: 24 } as const;
const Interface = { LINK_TYPE: 8, SNAP_LENGTH: 12, OPTIONS: 16, MIN_LENGTH: 20 } as const;
const EnhancedPacket = {
  INTERFACE: 8,
  TIME_HIGH: 12,
  TIME_LOW: 16,
  CAPTURED: 20,
  WIRE: 24,
  DATA: 28,
} as const;
const SimplePacket = { WIRE: 8, DATA: 12 } as const;

const Option = { END: 0, TIME_RESOLUTION: 9, TIME_OFFSET: 14, HEADER_LENGTH: 4 } as const;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const VERSION_MAJOR = 1;
/** Interfaces of one section. A file of nothing but interface blocks must not fill the memory. */
const MAX_INTERFACES = 65_536;
/** Interface blocks are looked at as a whole; their options are descriptions of an interface. */
const MAX_INTERFACE_BLOCK = 262_144;
const DEFAULT_TIME_RESOLUTION = 6;

/** An interface of the section, with the clock that its packets' time stamps tick in. */
class InterfaceClock {
  private high = -1;
  private baseSeconds = 0;
  private baseTicks = 0;

  constructor(
    readonly linkType: number,
    /** 0: no limit. */
    readonly snapLength: number,
    private readonly ticksPerSecond: bigint,
    private readonly offsetSeconds: number,
  ) {}

  /** Microseconds since 1970 of a 64-bit time stamp in two halves, exact for units down to nanoseconds. */
  time(high: number, low: number): number {
    // The upper half changes every few seconds or less often: only then is 64-bit arithmetic needed.
    if (high !== this.high) {
      const ticks = BigInt(high) << 32n;
      this.high = high;
      this.baseSeconds = Number(ticks / this.ticksPerSecond) + this.offsetSeconds;
      this.baseTicks = Number(ticks % this.ticksPerSecond);
    }
    const ticks = this.baseTicks + low;
    return this.baseSeconds * 1e6 + Math.floor((ticks * 1e6) / Number(this.ticksPerSecond));
  }
}

/** Reads pcapng: any number of sections, in either byte order; blocks that carry no frames are skipped. */
export class PcapngReader implements FrameReader {
  readonly frame: FrameRecord = createFrameRecord();
  private littleEndian = true;
  private interfaces: InterfaceClock[] = [];
  /** Length of the block just passed, which must stand again at `window.begin`; 0 without. */
  private trailer = 0;
  private blockOffset = 0;

  static accepts(bytes: Uint8Array, at: number): boolean {
    return readUint32(bytes, at, true) === BlockType.SECTION_HEADER;
  }

  constructor(
    private readonly window: ByteWindow,
    private readonly file: string,
  ) {
    if (window.ensure(Block.MIN_LENGTH, false) !== WindowState.READY) throw this.truncated();
    this.readByteOrder();
  }

  next(lent: boolean): number {
    const { window } = this;
    for (;;) {
      if (this.trailer !== 0) {
        const state = window.ensure(Block.TRAILER_LENGTH, lent);
        if (state === WindowState.LENT) return RecordState.LENT;
        if (state === WindowState.END) throw this.truncated();
        if (readUint32(window.bytes, window.begin, this.littleEndian) !== this.trailer)
          throw this.malformed('the two lengths of a block differ');
        window.skip(Block.TRAILER_LENGTH);
        this.trailer = 0;
      }
      this.blockOffset = window.fileOffset;
      const state = window.ensure(Block.MIN_LENGTH, lent);
      if (state === WindowState.LENT) return RecordState.LENT;
      if (state === WindowState.END) {
        if (window.hasMore) throw this.truncated();
        return RecordState.END;
      }
      // The same in both byte orders, so that a new section can be told whatever the last one had.
      const type = readUint32(window.bytes, window.begin + Block.TYPE, this.littleEndian);
      if (type === BlockType.SECTION_HEADER) this.readByteOrder();
      const total = readUint32(window.bytes, window.begin + Block.TOTAL_LENGTH, this.littleEndian);
      if (total < Block.MIN_LENGTH || total % 4 !== 0) {
        const reason = `a block says it has ${total} bytes`;
        throw new CaptureError(CaptureErrorCode.RECORD_LENGTH, this.file, this.blockOffset, reason);
      }
      let result: number;
      switch (type) {
        case BlockType.SECTION_HEADER:
          result = this.section(total, lent);
          break;
        case BlockType.INTERFACE:
          result = this.interface(total, lent);
          break;
        case BlockType.ENHANCED_PACKET:
        case BlockType.PACKET:
          result = this.packet(type, total, lent);
          break;
        case BlockType.SIMPLE_PACKET:
          result = this.simplePacket(total, lent);
          break;
        default:
          this.leave(total);
          continue;
      }
      if (result !== PASSED) return result;
    }
  }

  private leave(total: number): void {
    this.window.skip(total - Block.TRAILER_LENGTH);
    this.trailer = total;
  }

  private readByteOrder(): void {
    const { bytes, begin } = this.window;
    if (readUint32(bytes, begin + Section.BYTE_ORDER, true) === BYTE_ORDER_MAGIC) this.littleEndian = true;
    else if (readUint32(bytes, begin + Section.BYTE_ORDER, false) === BYTE_ORDER_MAGIC)
      this.littleEndian = false;
    else throw this.malformed('a section header has no byte-order magic');
  }

  private section(total: number, lent: boolean): number {
    const { window } = this;
    if (total < Section.LENGTH + Block.TRAILER_LENGTH) throw this.malformed('a section header is too short');
    const state = window.ensure(Section.LENGTH, lent);
    if (state !== WindowState.READY) return this.notReady(state);
    const major = readUint16(window.bytes, window.begin + Section.VERSION_MAJOR, this.littleEndian);
    if (major !== VERSION_MAJOR) {
      const reason = `pcapng version ${major} is not known`;
      throw new CaptureError(CaptureErrorCode.FORMAT, this.file, this.blockOffset, reason);
    }
    this.interfaces = [];
    this.leave(total);
    return PASSED;
  }

  private interface(total: number, lent: boolean): number {
    const { window, littleEndian } = this;
    if (total < Interface.MIN_LENGTH || total > MAX_INTERFACE_BLOCK)
      throw this.malformed(`an interface block of ${total} bytes`);
    const state = window.ensure(total, lent);
    if (state !== WindowState.READY) return this.notReady(state);
    if (this.interfaces.length >= MAX_INTERFACES)
      throw this.malformed(`a section has more than ${MAX_INTERFACES} interfaces`);
    const { bytes, begin } = window;
    let resolution = DEFAULT_TIME_RESOLUTION;
    let offsetSeconds = 0;
    const end = begin + total - Block.TRAILER_LENGTH;
    let at = begin + Interface.OPTIONS;
    while (end - at >= Option.HEADER_LENGTH) {
      const code = readUint16(bytes, at, littleEndian);
      const length = readUint16(bytes, at + 2, littleEndian);
      const value = at + Option.HEADER_LENGTH;
      if (code === Option.END) break;
      if (length > end - value) throw this.malformed('an option is longer than its block');
      if (code === Option.TIME_RESOLUTION && length >= 1) resolution = bytes[value];
      if (code === Option.TIME_OFFSET && length >= 8) {
        const high = readUint32(bytes, littleEndian ? value + 4 : value, littleEndian) | 0;
        const low = readUint32(bytes, littleEndian ? value : value + 4, littleEndian);
        offsetSeconds = high * 2 ** 32 + low;
      }
      at = value + ((length + 3) & ~3);
    }
    // Below a tick of 10⁻¹⁹ or 2⁻⁶³ s 64 bits hold less than a second.
    const exponent = resolution & 0x7f;
    if (exponent > (resolution > 0x7f ? 63 : 19)) throw this.malformed('an impossible time resolution');
    this.interfaces.push(
      new InterfaceClock(
        readUint16(bytes, begin + Interface.LINK_TYPE, littleEndian),
        readUint32(bytes, begin + Interface.SNAP_LENGTH, littleEndian),
        (resolution > 0x7f ? 2n : 10n) ** BigInt(exponent),
        offsetSeconds,
      ),
    );
    this.leave(total);
    return PASSED;
  }

  private packet(type: number, total: number, lent: boolean): number {
    const { window, littleEndian } = this;
    if (total < EnhancedPacket.DATA + Block.TRAILER_LENGTH)
      throw this.malformed('a packet block is too short');
    let state = window.ensure(EnhancedPacket.DATA, lent);
    if (state !== WindowState.READY) return this.notReady(state);
    const { bytes } = window;
    const id =
      type === BlockType.PACKET
        ? readUint16(bytes, window.begin + EnhancedPacket.INTERFACE, littleEndian)
        : readUint32(bytes, window.begin + EnhancedPacket.INTERFACE, littleEndian);
    const length = readUint32(bytes, window.begin + EnhancedPacket.CAPTURED, littleEndian);
    const clock = this.interfaceOf(id);
    this.checkLength(length, total - EnhancedPacket.DATA - Block.TRAILER_LENGTH);
    state = window.ensure(EnhancedPacket.DATA + length, lent);
    if (state !== WindowState.READY) return this.notReady(state);
    const { frame } = this;
    const begin = window.begin;
    frame.start = begin + EnhancedPacket.DATA;
    frame.length = length;
    frame.wireLength = readUint32(bytes, begin + EnhancedPacket.WIRE, littleEndian);
    frame.linkType = clock.linkType;
    frame.time = clock.time(
      readUint32(bytes, begin + EnhancedPacket.TIME_HIGH, littleEndian),
      readUint32(bytes, begin + EnhancedPacket.TIME_LOW, littleEndian),
    );
    this.leave(total);
    return RecordState.FRAME;
  }

  /** A packet of the section's first interface, without a time stamp (§4.4). */
  private simplePacket(total: number, lent: boolean): number {
    const { window } = this;
    if (total < SimplePacket.DATA + Block.TRAILER_LENGTH) throw this.malformed('a packet block is too short');
    let state = window.ensure(SimplePacket.DATA, lent);
    if (state !== WindowState.READY) return this.notReady(state);
    const clock = this.interfaceOf(0);
    const wireLength = readUint32(window.bytes, window.begin + SimplePacket.WIRE, this.littleEndian);
    const room = total - SimplePacket.DATA - Block.TRAILER_LENGTH;
    const length = Math.min(wireLength, room, clock.snapLength === 0 ? room : clock.snapLength);
    this.checkLength(length, room);
    state = window.ensure(SimplePacket.DATA + length, lent);
    if (state !== WindowState.READY) return this.notReady(state);
    const { frame } = this;
    frame.start = window.begin + SimplePacket.DATA;
    frame.length = length;
    frame.wireLength = wireLength;
    frame.linkType = clock.linkType;
    frame.time = 0;
    this.leave(total);
    return RecordState.FRAME;
  }

  private interfaceOf(id: number): InterfaceClock {
    const found = this.interfaces[id];
    if (found === undefined) throw this.malformed(`a packet of interface ${id}, which is not described`);
    return found;
  }

  private checkLength(length: number, room: number): void {
    if (length <= room && length <= MAX_FRAME_LENGTH) return;
    const reason = `a packet block says ${length} bytes were captured; it holds ${room}`;
    throw new CaptureError(CaptureErrorCode.RECORD_LENGTH, this.file, this.blockOffset, reason);
  }

  private notReady(state: number): number {
    if (state === WindowState.END) throw this.truncated();
    return RecordState.LENT;
  }

  private truncated(): CaptureError {
    const reason = 'the file ends within a block';
    return new CaptureError(CaptureErrorCode.TRUNCATED, this.file, this.blockOffset, reason);
  }

  private malformed(reason: string): CaptureError {
    return new CaptureError(CaptureErrorCode.BLOCK, this.file, this.blockOffset, reason);
  }
}

/** A block that carries no frame is behind us. */
const PASSED = -1;
