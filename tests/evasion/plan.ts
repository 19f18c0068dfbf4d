/** What a client sends that is not bound by the rules of TCP, as data. */

/** One segment, and whatever is odd about it. */
export interface Segment {
  /** Place of its first byte in the stream; below 0 before its beginning. */
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Bits of `TcpFlag`; default PSH and ACK. */
  readonly flags?: number;
  readonly checksums?: 'wrong';
  readonly ttl?: number;
  /** How much older than now its timestamp says it is; where the connection has timestamps. */
  readonly age?: number;
  /** Added to the right acknowledgment number. */
  readonly acknowledges?: number;
  readonly urgentPointer?: number;
  /** Further TCP options, as bytes. */
  readonly options?: Uint8Array;
  /** An option or extension header that routers and hosts pass over. */
  readonly wrapped?: boolean;
  readonly window?: number;
  readonly fragments?: {
    readonly size: number;
    readonly order: 'forward' | 'backward' | 'shuffled';
    /** Behind each fragment one more in its place, which receivers pass over. */
    readonly copies?: 'same' | 'other';
  };
  /** Not the client's real data: what is sent to mislead whoever watches. */
  readonly decoy?: boolean;
}

/** Until all that has been sent is acknowledged, or would have been. */
export const WAIT = 'wait';
export type Step = Segment | typeof WAIT;

export interface Plan {
  /** The client's initial sequence number. */
  readonly initial: number;
  readonly timestamps: boolean;
  /** Sent with the SYN; a server without Fast Open passes over it. */
  readonly synData: Uint8Array;
  readonly steps: readonly Step[];
  /** What the application is to get; differs from what is sent where a byte is urgent. */
  readonly stream: Uint8Array;
}

export const isSegment = (step: Step): step is Segment => step !== WAIT;

/** The steps with every segment replaced by others. */
export function eachSegment(plan: Plan, change: (segment: Segment, index: number) => readonly Step[]): Plan {
  const steps = plan.steps.flatMap((step, index) =>
    isSegment(step) && !step.decoy ? change(step, index) : [step],
  );
  return { ...plan, steps };
}
