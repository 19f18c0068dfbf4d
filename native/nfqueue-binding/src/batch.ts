/** Bits of `NfQueueBatch.info`. */
export const PacketInfo = {
  /** The checksum in the header is only a pseudo-header sum (NFQA_SKB_CSUMNOTREADY): never verify. */
  CHECKSUM_NOT_READY: 1,
  /** A super-segment (NFQA_SKB_GSO). */
  GSO: 2,
  /** Nobody has verified the checksum yet (NFQA_SKB_CSUM_NOTVERIFIED): verify before believing. */
  CHECKSUM_NOT_VERIFIED: 4,
  /** `wireLength` is larger than `length`: the tail was not seen. */
  TRUNCATED: 8,
} as const;

/** Values of `NfQueueBatch.verdict`. MARK and REPLACE are flags beside ACCEPT; DROP and HELD ignore them. */
export const Verdict = {
  DROP: 0,
  ACCEPT: 1,
  /** Leaves the packet undecided in the kernel until `decide`. */
  HELD: 2,
  /** Flag: the packet's whole mark becomes `verdictMark`. */
  MARK: 0x10,
  /** Flag: the bytes were changed in place; they go back, the same length, with full checksums. */
  REPLACE: 0x20,
} as const;

/** Indexes into `NfQueue.counters`. Everything counts packets unless it says otherwise. */
export const QueueCounter = {
  RECEIVED: 0,
  /** Bytes on the wire of the packets received. */
  BYTES: 1,
  ACCEPTED: 2,
  DROPPED: 3,
  /** Accepted with a new mark. */
  MARKED: 4,
  /** Accepted with changed bytes. */
  REPLACED: 5,
  HELD: 6,
  /** Batches received. */
  BATCHES: 7,
  /** NFQNL_MSG_VERDICT_BATCH messages sent. */
  BATCH_VERDICTS: 8,
  /** NFQNL_MSG_VERDICT messages sent. */
  SINGLE_VERDICTS: 9,
  /** Times the receive buffer was full. Seen when the next packet arrives. */
  OVERRUNS: 10,
  /**
   * Packets that did not fit into the receive buffer: passed uninspected when failing open, else dropped. Does
   * not hold those the kernel passed because the queue itself was at its length: only the firewall rule's own
   * counter knows of them.
   */
  MISSED: 11,
  /** Messages that could not be read; a packet among them got the fail-open verdict. */
  MALFORMED: 12,
  /** Packets whose tail was not seen. */
  TRUNCATED: 13,
  /** Packets to be replaced that could not be (tail not seen, transport checksum not known): dropped. */
  UNREPLACEABLE: 14,
  /** Verdict messages that could not be sent. */
  SEND_ERRORS: 15,
  /** Verdicts the kernel refused, mostly because it had given the packet up by itself (interface down). */
  VERDICT_ERRORS: 16,
  /** HELD beyond `maxHeld`: got the fail-open verdict. */
  HOLDS_REFUSED: 17,
  /** Verdict values that do not exist: dropped. */
  INVALID_VERDICTS: 18,
} as const;

export const queueCounterCount = 19;

/**
 * One batch of packets. Lives as long as its queue; `receive` refills it. Every array is indexed by the packet's
 * place in the batch; bytes are valid until `finalize`. All arrays are views of one ArrayBuffer that the addon
 * writes into: do not transfer it to another thread.
 */
export interface NfQueueBatch {
  /** The arena. Packet i is `bytes[offset[i] … offset[i] + length[i])`, beginning with its IP header. */
  readonly bytes: Uint8Array;
  /** Packets in the batch now. */
  count: number;
  /** The kernel's number of the packet. A gap between two packets is what did not fit into the buffer. */
  readonly packetId: Uint32Array;
  readonly offset: Uint32Array;
  /** Captured length in bytes. */
  readonly length: Uint32Array;
  /** Length on the wire in bytes; larger than `length` when the copy range cut the packet. */
  readonly wireLength: Uint32Array;
  /** Bits of {@link PacketInfo}. */
  readonly info: Uint16Array;
  /** Packet mark as the kernel has it. */
  readonly mark: Uint32Array;
  /** Interface indexes, 0 where there is none. */
  readonly inInterface: Uint32Array;
  readonly outInterface: Uint32Array;
  /** Bridge ports, 0 where there are none. */
  readonly physicalInInterface: Uint32Array;
  readonly physicalOutInterface: Uint32Array;
  /** Netfilter hook number (NF_INET_*). */
  readonly hook: Uint8Array;
  /** Microseconds since 1970; 0 where the kernel gives none (take the clock). */
  readonly time: Float64Array;
  /** Link-layer protocol (ETH_P_*), 0 where unknown. */
  readonly hardwareProtocol: Uint16Array;
  /** Hardware address of the previous hop, 8 bytes a packet. */
  readonly hardware: Uint8Array;
  /** Length of the hardware address, 0 where unknown. */
  readonly hardwareLength: Uint8Array;

  /** One of {@link Verdict}, to be written between `receive` and `finalize`. `receive` sets ACCEPT. */
  readonly verdict: Uint8Array;
  /**
   * The complete new mark where the verdict carries {@link Verdict.MARK}. The kernel replaces all 32 bits, and
   * other programs own bits of their own: write `(mark[i] & ~ourMask) | ourBits`. `receive` sets `mark[i]`.
   */
  readonly verdictMark: Uint32Array;
}

/** A batch with its memory, in the form that the addon wants it. */
export interface Arena {
  readonly buffer: ArrayBuffer;
  readonly batch: NfQueueBatch;
  /** In the order of addon.c, get_batch. */
  readonly fields: readonly ArrayBufferView[];
}

/** @param slotSize bytes for one message, a multiple of 64 */
export function createArena(slots: number, slotSize: number): Arena {
  const bytesPerPacket = 8 + 10 * 4 + 2 * 2 + 1 + 8 + 1 + 1;
  // 8 bytes of slack for each of the 18 arrays, so that each can be aligned.
  const buffer = new ArrayBuffer(slots * (slotSize + bytesPerPacket) + 18 * 8);
  let at = 0;
  const place = (bytes: number): number => {
    const start = at;
    at += (bytes + 7) & ~7;
    return start;
  };
  const words = (): Uint32Array => new Uint32Array(buffer, place(slots * 4), slots);
  const halves = (): Uint16Array => new Uint16Array(buffer, place(slots * 2), slots);
  const octets = (each: number): Uint8Array => new Uint8Array(buffer, place(slots * each), slots * each);

  const batch: NfQueueBatch = {
    bytes: octets(slotSize),
    count: 0,
    time: new Float64Array(buffer, place(slots * 8), slots),
    packetId: words(),
    offset: words(),
    length: words(),
    wireLength: words(),
    mark: words(),
    inInterface: words(),
    outInterface: words(),
    physicalInInterface: words(),
    physicalOutInterface: words(),
    verdictMark: words(),
    info: halves(),
    hardwareProtocol: halves(),
    hook: octets(1),
    hardware: octets(8),
    hardwareLength: octets(1),
    verdict: octets(1),
  };
  const fields = [
    batch.bytes,
    batch.time,
    batch.packetId,
    batch.offset,
    batch.length,
    batch.wireLength,
    batch.mark,
    batch.inInterface,
    batch.outInterface,
    batch.physicalInInterface,
    batch.physicalOutInterface,
    batch.verdictMark,
    batch.info,
    batch.hardwareProtocol,
    batch.hook,
    batch.hardware,
    batch.hardwareLength,
    batch.verdict,
  ];
  return { buffer, batch, fields };
}
