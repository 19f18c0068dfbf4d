/**
 * Where packets come from. The kernel's queue, a capture file, memory and a live mirror all offer this
 * contract, so the engine does not know which of them it reads, and its tests need neither root nor addon.
 *
 * One batch object lives as long as its source; `receive` refills it. Every array is indexed by the packet's
 * place in the batch. Bytes are borrowed: they are valid until `finalize`.
 */
export interface PacketBatch {
  /** The arena. Packet i is `bytes[offset[i] … offset[i] + length[i])`, beginning with its IP header. */
  readonly bytes: Uint8Array;
  /** Packets in the batch now. */
  count: number;
  readonly offset: Uint32Array;
  /** Captured length in bytes. */
  readonly length: Uint32Array;
  /** Length on the wire in bytes; larger than `length` when the capture cut the packet. */
  readonly wireLength: Uint32Array;
  /** Bits of {@link PacketInfo}. */
  readonly info: Uint16Array;
  /** Packet mark as the kernel has it (0 where there is none). */
  readonly mark: Uint32Array;
  /** Interface indexes, 0 where unknown. */
  readonly inInterface: Uint32Array;
  readonly outInterface: Uint32Array;
  /** Netfilter hook number (NF_INET_*), 255 where there is none. */
  readonly hook: Uint8Array;
  /** Microseconds since 1970; 0 where the source gives none (take the clock). */
  readonly time: Float64Array;
  /** Hardware address of the previous hop, 8 bytes a packet. */
  readonly hardware: Uint8Array;
  /** Length of the hardware address, 0 where unknown. */
  readonly hardwareLength: Uint8Array;
  /** What is wrong with the frame before its IP header, a `DecodeEvent`; -1 where nothing is. Captures only. */
  readonly linkEvent?: Int16Array;
  /** Bytes of the link header, which lie before `offset`. Captures only. */
  readonly linkLength?: Uint8Array;
  /** VLAN id of the outermost tag; 0 without. Captures only. */
  readonly vlan?: Uint16Array;
  /** VLAN id of the second tag; 0 without. Captures only. */
  readonly innerVlan?: Uint16Array;
  /** Number of the frame in its capture, from 1. Captures only. */
  readonly frame?: Float64Array;

  /** Written by the engine: one of {@link Verdict}. */
  readonly verdict: Uint8Array;
  /** Written by the engine when the verdict carries {@link Verdict.MARK}: the whole new packet mark. */
  readonly verdictMark: Uint32Array;
}

/** Hooks of `PacketBatch.hook` that say which end this host is (enum nf_inet_hooks, linux/netfilter.h). */
export const Hook = { LOCAL_IN: 1, LOCAL_OUT: 3 } as const;

/** Bits of `PacketBatch.info`. */
export const PacketInfo = {
  /** The checksum in the header is only a pseudo-header sum (NFQA_SKB_CSUMNOTREADY): never verify. */
  CHECKSUM_NOT_READY: 1,
  /** A super-segment (NFQA_SKB_GSO). */
  GSO: 2,
  /** Nobody has verified the checksum yet (NFQA_SKB_CSUM_NOTVERIFIED): verify before believing. */
  CHECKSUM_NOT_VERIFIED: 4,
  /** `wireLength` is larger than `length`: the tail was not seen. */
  TRUNCATED: 8,
  /** A whole frame that leads to no IP packet: `linkEvent` may say why. */
  NOT_IP: 16,
} as const;

/** Values of `PacketBatch.verdict`. */
export const Verdict = {
  DROP: 0,
  ACCEPT: 1,
  /** Flag: set the packet mark to `verdictMark`. */
  MARK: 0x10,
  /** Flag: the engine has changed the payload in place; it goes back with full checksums. */
  REPLACE: 0x20,
} as const;

export interface PacketSource {
  readonly batch: PacketBatch;
  /**
   * Refills the batch. Blocks for at most `timeoutMs`.
   * @returns packets received; 0 on time-out; -1 when the source has ended.
   */
  receive(timeoutMs: number): number;
  /** Hands the verdicts of the batch back, in order. The batch's bytes are no longer valid afterwards. */
  finalize(): void;
  close(): void;
}
