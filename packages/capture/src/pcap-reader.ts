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

/** Offsets of the file header (draft-ietf-opsawg-pcap §4). */
const FileHeader = {
  MAGIC: 0,
  VERSION_MAJOR: 4,
  VERSION_MINOR: 6,
  LINK_TYPE: 20,
  LENGTH: 24,
  /** The rest of the link type field says about frame check sequences. */
  LINK_TYPE_MASK: 0x03ffffff,
} as const;

/** Offsets of a record header (§5). */
const RecordHeader = {
  SECONDS: 0,
  FRACTION: 4,
  CAPTURED_LENGTH: 8,
  WIRE_LENGTH: 12,
  LENGTH: 16,
  /** Kuznetsov's variant has interface, protocol and packet type behind these. */
  LENGTH_KUZNETSOV: 24,
} as const;

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const MAGIC_KUZNETSOV = 0xa1b2cd34;
const MAGICS: readonly number[] = [MAGIC_MICROSECONDS, MAGIC_NANOSECONDS, MAGIC_KUZNETSOV];

// Bound once: an access through an imported module object costs a load per use for each frame.
const { READY, END, LENT } = WindowState;
const { FRAME, LENT: RECORD_LENT, END: RECORD_END } = RecordState;
const { SECONDS, FRACTION, CAPTURED_LENGTH, WIRE_LENGTH } = RecordHeader;
const VERSION_MAJOR = 2;
/** Up to this minor version some programs wrote the two lengths the other way round. */
const VERSION_MINOR_SWAPPED = 3;

/** Reads the classic pcap format, in either byte order, with microseconds or nanoseconds. */
export class PcapReader implements FrameReader {
  readonly frame: FrameRecord = createFrameRecord();
  private readonly littleEndian: boolean;
  private readonly nanoseconds: boolean;
  private readonly headerLength: number;
  private readonly maySwapLengths: boolean;

  static accepts(bytes: Uint8Array, at: number): boolean {
    return MAGICS.includes(readUint32(bytes, at, true)) || MAGICS.includes(readUint32(bytes, at, false));
  }

  constructor(
    private readonly window: ByteWindow,
    private readonly file: string,
  ) {
    if (window.ensure(FileHeader.LENGTH, false) !== READY)
      throw new CaptureError(CaptureErrorCode.TRUNCATED, file, 0, 'the file ends within its header');
    const { bytes, begin } = window;
    this.littleEndian = MAGICS.includes(readUint32(bytes, begin, true));
    const magic = readUint32(bytes, begin, this.littleEndian);
    this.nanoseconds = magic === MAGIC_NANOSECONDS;
    this.headerLength = magic === MAGIC_KUZNETSOV ? RecordHeader.LENGTH_KUZNETSOV : RecordHeader.LENGTH;
    const major = readUint16(bytes, begin + FileHeader.VERSION_MAJOR, this.littleEndian);
    const minor = readUint16(bytes, begin + FileHeader.VERSION_MINOR, this.littleEndian);
    if (major !== VERSION_MAJOR)
      throw new CaptureError(CaptureErrorCode.FORMAT, file, 0, `pcap version ${major}.${minor} is not known`);
    this.maySwapLengths = minor <= VERSION_MINOR_SWAPPED;
    this.frame.linkType =
      readUint32(bytes, begin + FileHeader.LINK_TYPE, this.littleEndian) & FileHeader.LINK_TYPE_MASK;
    window.skip(FileHeader.LENGTH);
  }

  next(lent: boolean): number {
    const { window, headerLength, littleEndian } = this;
    let state = window.ensure(headerLength, lent);
    if (state === LENT) return RECORD_LENT;
    if (state === END) {
      if (window.hasMore) throw this.truncated();
      return RECORD_END;
    }
    const bytes = window.bytes;
    let length = readUint32(bytes, window.begin + CAPTURED_LENGTH, littleEndian);
    let wireLength = readUint32(bytes, window.begin + WIRE_LENGTH, littleEndian);
    if (this.maySwapLengths && length > wireLength) {
      const swap = length;
      length = wireLength;
      wireLength = swap;
    }
    if (length > MAX_FRAME_LENGTH) {
      const reason = `a record says ${length} bytes were captured; no frame has more than ${MAX_FRAME_LENGTH}`;
      throw new CaptureError(CaptureErrorCode.RECORD_LENGTH, this.file, window.fileOffset, reason);
    }
    state = window.ensure(headerLength + length, lent);
    if (state === LENT) return RECORD_LENT;
    if (state === END) throw this.truncated();
    const header = window.begin;
    const fraction = readUint32(bytes, header + FRACTION, littleEndian);
    const frame = this.frame;
    frame.start = header + headerLength;
    frame.length = length;
    frame.wireLength = wireLength;
    frame.time =
      readUint32(bytes, header + SECONDS, littleEndian) * 1e6 +
      (this.nanoseconds ? Math.floor(fraction / 1000) : fraction);
    window.skip(headerLength + length);
    return FRAME;
  }

  private truncated(): CaptureError {
    const reason = 'the file ends within a record';
    return new CaptureError(CaptureErrorCode.TRUNCATED, this.file, this.window.fileOffset, reason);
  }
}
