import { type FlowTableOptions, MAX_FLOWS } from './flow-table';
import { MAX_POOL_BYTES, PAGE_BYTES } from './held-bytes';

/** What becomes of a packet that cannot be inspected as it should: it passes, or it is dropped. */
export type ExceptionPolicy = 'open' | 'closed';

export interface StreamOptions extends FlowTableOptions {
  /** Most flows at once, of all protocols. */
  maxFlows: number;
  /** Bytes for copies of stream data, all flows together. */
  memcap: number;
  /** Bytes of copies one direction of one flow may hold, an eighth of them for what fills holes. */
  memcapPerDirection: number;
  /** Holes one direction may have at once; receivers report four at most (RFC 2018 §3). */
  holesPerDirection: number;
  /** Bytes of each direction that are inspected; above 0. For "all", a large number such as 2^53 - 1. */
  depth: number;
  /** Packets can be dropped. When not, no result carries DROP but what the sink asks for. */
  inline: boolean;
  /** Adopt connections whose beginning was not seen. */
  midstream: boolean;
  /**
   * Payload to the client is seen. When not (only replies' SYN-ACK, bare ACK, FIN and RST are queued), nothing of
   * that direction is inspected, and windows the server announces with its payload cannot be known.
   */
  replyPayload: boolean;
  /** Expect connections of which only one direction is seen. */
  asyncOneside: boolean;
  /**
   * Packets of no connection (its beginning was not seen, or there is none) have a flow too, without a stream. Each
   * such packet may take a place in the flow table: not for traffic that anybody can send.
   */
  trackOutside: boolean;
  /**
   * Most IPv6 extension headers of a packet that may be the first one of a connection. Whoever spreads connections over
   * several workers has to look behind them, and a sender must not choose a worker that has seen nothing of it.
   */
  extensionHeaders: number;
  /**
   * What a client sends with its SYN, or before it is answered: `take` makes it part of the stream, as a receiver may;
   * `leave` does so only where TCP Fast Open announces it, as most receivers do.
   */
  unanswered: 'take' | 'leave';
  /**
   * Urgent data: `clear` inspects it in place and asks the caller to clear the flag (`CLEAR_URGENT`), `drop`
   * drops the segment.
   */
  urgent: 'clear' | 'drop';
  policy: {
    memcap: ExceptionPolicy;
    flowTable: ExceptionPolicy;
    gap: ExceptionPolicy;
    /** Packets of connections that are not adopted; `pass`: they go on without being looked at, and none is adopted. */
    midstream: ExceptionPolicy | 'pass';
    decode: ExceptionPolicy;
  };
}

export const defaultStreamOptions: StreamOptions = {
  maxFlows: 65_536,
  memcap: 64 * 1024 * 1024,
  memcapPerDirection: 4 * 1024 * 1024,
  holesPerDirection: 1024,
  depth: 1024 * 1024,
  inline: true,
  midstream: false,
  replyPayload: true,
  asyncOneside: false,
  trackOutside: false,
  extensionHeaders: Number.POSITIVE_INFINITY,
  unanswered: 'take',
  urgent: 'clear',
  policy: { memcap: 'open', flowTable: 'open', gap: 'open', midstream: 'open', decode: 'open' },
};

/** Fills in defaults. @throws RangeError that names the option and what it may be. */
export function streamOptions(given: Partial<StreamOptions>): StreamOptions {
  const options: StreamOptions = {
    ...defaultStreamOptions,
    ...given,
    policy: { ...defaultStreamOptions.policy, ...given.policy },
  };
  requireInteger('maxFlows', options.maxFlows, 1, MAX_FLOWS);
  requireInteger('memcap', options.memcap, PAGE_BYTES, MAX_POOL_BYTES);
  requireInteger('memcapPerDirection', options.memcapPerDirection, PAGE_BYTES, Number.MAX_SAFE_INTEGER);
  requireInteger('holesPerDirection', options.holesPerDirection, 1, 65_535);
  requireInteger('depth', options.depth, 1, Number.MAX_SAFE_INTEGER);
  return options;
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`Stream option ${name} has to be a whole number ${least} … ${most}, not ${value}.`);
}
