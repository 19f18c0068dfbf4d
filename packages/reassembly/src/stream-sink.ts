import type { PacketView } from '@portcullis/wire';

/** What a sink answers to `data`. */
export const StreamAction = {
  CONTINUE: 0,
  /** Drop this packet and all later ones of the flow, in both directions. */
  DROP_PACKET: 1,
  /** The flow needs no more inspection. */
  STOP_INSPECTING: 2,
  /** This direction needs no more inspection. */
  STOP_DIRECTION: 3,
} as const;

/** Why a flow ended. */
export const FlowEndReason = {
  /** Both sides sent FIN. */
  FIN: 0,
  RESET: 1,
  TIMEOUT: 2,
  /** Made room for another while the flow table was full. */
  EVICTED: 3,
  /** A new connection with the same addresses and ports took its place. */
  REUSED: 4,
  /** The inspection had dropped it. */
  BLOCKED: 5,
  /** The engine ends. */
  SHUTDOWN: 6,
} as const;

export const FlowEndReasonNames: readonly string[] = [
  'fin',
  'reset',
  'timeout',
  'evicted',
  'reused',
  'blocked',
  'shutdown',
];

/**
 * Receives the streams. Called from within `process`, `tick` and `close`; it must not call back into the
 * reassembler other than to read. Direction 0 is to the server, 1 to the client.
 */
export interface StreamSink {
  /**
   * Whether the payload of the first packet seen of a connection that began before tells that its server has sent it;
   * null: it does not tell. Absent: the ports decide.
   */
  isOfServer?(view: PacketView): boolean | null;
  /** Before anything else of a TCP flow: handshake complete, data with the SYN, or picked up midstream. */
  flowStarted(slot: number): void;
  /**
   * The next bytes of the stream: `bytes[start, end)`, at `streamOffset` from the first byte of the direction
   * (of what was seen of it, midstream). Borrowed: in place in the packet, or in pooled pages (2 KiB at most
   * a call) when a hole was filled. The packet that is being processed has not been passed on yet.
   *
   * @returns one of {@link StreamAction}.
   */
  data(
    slot: number,
    direction: 0 | 1,
    bytes: Uint8Array,
    start: number,
    end: number,
    streamOffset: number,
  ): number;
  /** `length` bytes at `streamOffset` reach the receiver (or have reached it) without having been seen. */
  gap(slot: number, direction: 0 | 1, streamOffset: number, length: number): void;
  /** FIN reached in order. */
  ended(slot: number, direction: 0 | 1): void;
  /** The slot is free after this; for every flow, also those that never started. @see FlowEndReason */
  flowEnded(slot: number, reason: number): void;
}
