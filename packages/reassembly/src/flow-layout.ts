/**
 * Where a flow's fields are, named once. A flow is a slot: `slot * STRIDE + field` in one of four arrays, grouped
 * so that a packet touches few cache lines.
 */

/** Key and chaining, `Uint32Array`, 52 bytes a flow. */
export const FlowWord = {
  /** Initiator, four big-endian words as in `PacketView.source`. */
  SOURCE: 0,
  DESTINATION: 4,
  /** Initiator's port in the upper half, responder's in the lower. */
  PORTS: 8,
  /** Protocol (8 bits), time-out class (4), in use (1), unconfirmed (1). */
  META: 9,
  /** Next slot of the bucket, plus one. In a free slot: next free slot, plus one. */
  CHAIN: 10,
  /** Neighbours in the list of unconfirmed flows, plus one. */
  OLDER: 11,
  NEWER: 12,
  STRIDE: 13,
} as const;

/** Bits of `FlowWord.META`. */
export const FlowMeta = {
  PROTOCOL: 0xff,
  CLASS_SHIFT: 8,
  CLASS: 0xf00,
  IN_USE: 0x1000,
  UNCONFIRMED: 0x2000,
} as const;

/** Times and sums, `Float64Array`, 56 bytes a flow. The fields of two directions stand side by side. */
export const FlowNumber = {
  ID: 0,
  FIRST_SEEN: 1,
  LAST_SEEN: 2,
  PACKETS: 3,
  BYTES: 5,
  STRIDE: 7,
} as const;
