import { LinkStatus, LinkStatusNames, LinkView } from '@portcullis/wire';
import { CaptureBatch, HARDWARE_STRIDE } from './batch';
import { type ByteReader, ByteWindow, WindowState } from './byte-window';
import { CaptureError, CaptureErrorCode } from './capture-error';
import { openCapture } from './capture-reader';
import { PcapReader } from './pcap-reader';
import { PcapngReader } from './pcapng-reader';
import { type FrameReader, MAX_FRAME_LENGTH, RecordState } from './record';
import { PacketInfo, type PacketSource } from './source';

export interface CaptureFileOptions {
  /** Bytes read at once and held in memory; at least 512 KiB. */
  readonly chunkSize?: number;
  /** Most packets in one batch. */
  readonly batchSize?: number;
  /** Most bytes that a capture compressed with gzip may unpack to. */
  readonly maxUnpacked?: number;
  /** Frames that lead to no IP packet are packets of the batch, too (`PacketInfo.NOT_IP`). */
  readonly everyFrame?: boolean;
}

const MIN_CHUNK = 2 * MAX_FRAME_LENGTH;
const DEFAULT_CHUNK = 1 << 20;
const DEFAULT_BATCH = 512;
const DEFAULT_MAX_UNPACKED = 1 << 29;
const LINK_TYPES_REMEMBERED = 16;
/** The most that `PacketBatch.linkLength` can say. */
const MAX_LINK_HEADER = 255;

const { FRAME, LENT } = RecordState;
const LINK_OK = LinkStatus.OK;
const { TRUNCATED, CHECKSUM_NOT_VERIFIED, NOT_IP } = PacketInfo;

/**
 * The IP packets of a capture file (pcap or pcapng, also compressed with gzip), as fast as they are asked for.
 *
 * A damaged file is read as far as it goes; then the source has ended, and `error` says where and why. Verdicts
 * are taken and forgotten.
 */
export class CaptureFileSource implements PacketSource {
  readonly batch: CaptureBatch;
  /** Why the capture was not read to its end; null while it is fine. Look at it once the source has ended. */
  error: CaptureError | null = null;
  /** Frames read, IP packets or not. */
  frames = 0;
  /** Frames that were passed over, by `LinkStatus` (names: `LinkStatusNames`). */
  readonly skipped = new Float64Array(LinkStatusNames.length);
  /** Link types of frames that could not be entered; the first few (`describeLinkType` names them). */
  readonly unsupportedLinkTypes: number[] = [];

  private readonly link = new LinkView();
  private readonly window: ByteWindow;
  private readonly reader: FrameReader;
  private readonly input: ByteReader;
  private readonly everyFrame: boolean;
  private closed = false;

  /** @throws CaptureError where the file cannot be opened, or is no capture at all. */
  constructor(
    readonly file: string,
    options: CaptureFileOptions = {},
  ) {
    this.everyFrame = options.everyFrame ?? false;
    this.input = openCapture(file, options.maxUnpacked ?? DEFAULT_MAX_UNPACKED);
    try {
      this.window = new ByteWindow(this.input, Math.max(options.chunkSize ?? DEFAULT_CHUNK, MIN_CHUNK));
      this.reader = this.openReader();
    } catch (error) {
      this.close();
      throw this.asCaptureError(error);
    }
    this.batch = new CaptureBatch(this.window.bytes, options.batchSize ?? DEFAULT_BATCH);
  }

  receive(_timeoutMs: number): number {
    const { batch } = this;
    batch.count = 0;
    if (this.closed) return -1;
    try {
      this.fill();
    } catch (error) {
      this.error = this.asCaptureError(error);
      this.close();
    }
    return batch.count > 0 || !this.closed ? batch.count : -1;
  }

  finalize(): void {
    this.batch.count = 0;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.input.close();
  }

  private fill(): void {
    const { batch, reader } = this;
    const { frame } = reader;
    while (batch.count < batch.capacity) {
      const state = reader.next(batch.count > 0);
      if (state === FRAME) {
        this.frames++;
        this.take(frame.start, frame.length, frame.wireLength, frame.linkType, frame.time);
      } else {
        if (state !== LENT) this.close();
        return;
      }
    }
  }

  private take(start: number, length: number, wireLength: number, linkType: number, time: number): void {
    const { batch, link } = this;
    const { bytes } = batch;
    const end = start + length;
    const status = link.decode(linkType, bytes, start, end);
    if (status !== LINK_OK) {
      this.skip(status, linkType);
      if (this.everyFrame && status !== LinkStatus.UNSUPPORTED_LINK_TYPE) {
        // Behind the link header, where it was read to its end.
        const network = link.network > start && link.network <= end ? link.network : start;
        this.describe(start, network, end - network, wireLength - (network - start), NOT_IP, time);
      }
      return;
    }
    const network = link.network;
    const onWire = wireLength - (network - start);
    const captured = end - network;
    const info = onWire > captured ? TRUNCATED | CHECKSUM_NOT_VERIFIED : CHECKSUM_NOT_VERIFIED;
    this.describe(start, network, captured, onWire, info, time);
  }

  private describe(
    frame: number,
    start: number,
    length: number,
    wireLength: number,
    info: number,
    time: number,
  ): void {
    const { batch, link } = this;
    const { bytes } = batch;
    const packet = batch.count++;
    batch.offset[packet] = start;
    batch.length[packet] = length;
    // What a damaged file says of the wire may be less than what it has itself.
    batch.wireLength[packet] = Math.max(wireLength, length);
    batch.info[packet] = info;
    batch.time[packet] = time;
    batch.frame[packet] = this.frames;
    batch.vlan[packet] = link.vlan;
    batch.innerVlan[packet] = link.innerVlan;
    batch.linkEvent[packet] = link.event;
    batch.linkLength[packet] = start - frame <= MAX_LINK_HEADER ? start - frame : 0;
    batch.hardwareLength[packet] = link.hardwareLength;
    const to = packet * HARDWARE_STRIDE;
    for (let at = 0; at < link.hardwareLength; at++) batch.hardware[to + at] = bytes[link.hardware + at];
  }

  private skip(status: number, linkType: number): void {
    this.skipped[status]++;
    if (status !== LinkStatus.UNSUPPORTED_LINK_TYPE) return;
    const known = this.unsupportedLinkTypes;
    if (known.length < LINK_TYPES_REMEMBERED && !known.includes(linkType)) known.push(linkType);
  }

  private openReader(): FrameReader {
    const { window, file } = this;
    if (window.ensure(4, false) !== WindowState.READY)
      throw new CaptureError(
        CaptureErrorCode.FORMAT,
        file,
        0,
        'the file is empty or too short for a capture',
      );
    if (PcapReader.accepts(window.bytes, 0)) return new PcapReader(window, file);
    if (PcapngReader.accepts(window.bytes, 0)) return new PcapngReader(window, file);
    throw new CaptureError(CaptureErrorCode.FORMAT, file, 0, 'this is neither a pcap nor a pcapng file');
  }

  private asCaptureError(error: unknown): CaptureError {
    if (error instanceof CaptureError) return error;
    const at = this.window === undefined ? 0 : this.window.fileOffset;
    const reason = `reading failed: ${(error as Error).message}`;
    return new CaptureError(CaptureErrorCode.READ, this.file, at, reason, { cause: error });
  }
}
