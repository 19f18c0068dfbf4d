import type { PacketBatch } from './source';

/** NF_INET_* has no such hook: the packet does not come from one. */
export const NO_HOOK = 255;

export const HARDWARE_STRIDE = 8;

/** The arrays of a batch, for packet sources that are not the kernel's queue. */
export class CaptureBatch implements PacketBatch {
  count = 0;
  readonly offset: Uint32Array;
  readonly length: Uint32Array;
  readonly wireLength: Uint32Array;
  readonly info: Uint16Array;
  readonly mark: Uint32Array;
  readonly inInterface: Uint32Array;
  readonly outInterface: Uint32Array;
  readonly hook: Uint8Array;
  readonly time: Float64Array;
  readonly hardware: Uint8Array;
  readonly hardwareLength: Uint8Array;
  readonly verdict: Uint8Array;
  readonly verdictMark: Uint32Array;

  /** Number of the frame in its capture, from 1, frames that are no IP packets counted (`pcap_cnt` of EVE). */
  readonly frame: Float64Array;
  /** VLAN id of the outermost and the second tag; 0 without. */
  readonly vlan: Uint16Array;
  readonly innerVlan: Uint16Array;
  readonly linkEvent: Int16Array;
  /** Link headers longer than this number can say are as good as none. */
  readonly linkLength: Uint8Array;

  constructor(
    readonly bytes: Uint8Array,
    /** Most packets in one batch. */
    readonly capacity: number,
  ) {
    this.offset = new Uint32Array(capacity);
    this.length = new Uint32Array(capacity);
    this.wireLength = new Uint32Array(capacity);
    this.info = new Uint16Array(capacity);
    this.mark = new Uint32Array(capacity);
    this.inInterface = new Uint32Array(capacity);
    this.outInterface = new Uint32Array(capacity);
    this.hook = new Uint8Array(capacity).fill(NO_HOOK);
    this.time = new Float64Array(capacity);
    this.hardware = new Uint8Array(capacity * HARDWARE_STRIDE);
    this.hardwareLength = new Uint8Array(capacity);
    this.verdict = new Uint8Array(capacity);
    this.verdictMark = new Uint32Array(capacity);
    this.frame = new Float64Array(capacity);
    this.vlan = new Uint16Array(capacity);
    this.innerVlan = new Uint16Array(capacity);
    this.linkLength = new Uint8Array(capacity);
    this.linkEvent = new Int16Array(capacity).fill(-1);
  }
}
