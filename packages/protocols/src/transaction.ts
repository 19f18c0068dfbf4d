/**
 * What a protocol parser hands to the rules: transactions, whose parts are buffers.
 */

/** Direction of bytes within a flow. */
export const Direction = { TO_SERVER: 0, TO_CLIENT: 1 } as const;
export type Direction = 0 | 1;

/** What carries the bytes of a flow. */
export const Transport = { TCP: 0, UDP: 1 } as const;
export type Transport = 0 | 1;

/** A flyweight that names a run of bytes. The bytes are borrowed: valid during the call that filled it. */
export interface BufferView {
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Place of `start` in the whole buffer; above 0 where an early part of a long body is no longer held. */
  streamOffset: number;
  /** Bytes from here on are new since the buffer was last inspected (`start` when all are). */
  fresh: number;
  /** No more bytes will be added to this buffer. */
  complete: boolean;
}

/** What a matcher remembers of a transaction: a number, or an object that tells what it takes, in bytes. */
export type MatchState = number | { readonly bytes: number } | null;

/** What a matcher's memory of a transaction takes, in bytes: it is there for as long as the transaction. */
export function bytesOfMatchState(state: MatchState): number {
  return typeof state === 'object' && state !== null ? state.bytes : 0;
}

/** One request with its response (or the protocol's likeness of it). */
export interface Transaction {
  /** Number within the flow, from 0. */
  readonly id: number;
  /** The protocol's own progress, per direction; a buffer is complete at the progress its table names. */
  progress(direction: Direction): number;
  /**
   * Fills `out` with the buffer `id` (a number from the protocol's buffer table).
   * @param index for buffers that occur several times in a transaction (`dns.query`, `file.data`)
   * @returns false where the transaction has no such buffer (not the same as an empty one)
   */
  buffer(id: number, index: number, out: BufferView): boolean;
  /**
   * How many occurrences of a buffer there is nothing new about since the listener saw the transaction last, counted from
   * the first: so that hundreds of them are not looked at for each one that comes. Absent: 0.
   */
  seenOccurrences?(id: number): number;
  /** Numbers in `dcerpc.stub_data` are little-endian: what `byte_test` and its like ask with `dce`. Absent: they are not. */
  readonly dceLittleEndian?: boolean;
  /** The matcher's own state for this transaction; the parser only carries it and sets it null on reuse. */
  matchState: MatchState;
}

/** Bytes of the client that another protocol begins with, sent before it was known that one would follow. */
export interface EarlyData {
  readonly bytes: Uint8Array;
  /** How many came behind them that were not kept. */
  readonly missing: number;
}

export interface TransactionListener {
  /**
   * Called while the bytes of `tx` are valid, each time one direction of it has progressed or a body has grown.
   */
  onProgress(tx: Transaction, direction: Direction): void;
  /** The transaction is over in both directions; its object is reused after this call. */
  onTransactionEnd(tx: Transaction): void;
  /** Something a real peer would not send: one of the protocol's event names (`http.REQUEST_FIELD_TOO_LONG`). */
  onEvent(tx: Transaction | null, direction: Direction, event: string): void;
  /**
   * From here on the connection carries another protocol (CONNECT, Upgrade, STARTTLS). The parser has ended its
   * transactions and looks at no more bytes.
   * @param protocol name of the protocol that follows; null: told by its bytes
   * @param at index into the bytes of the present `feed` where it begins in that direction; in the other direction it
   *   begins with the next bytes, or with those that came early
   */
  onUpgrade(protocol: string | null, at: number, early?: EarlyData): void;
  /**
   * The flow turns out to be of a protocol with more buffers: the same parser goes on, and its `protocol` is the new name
   * (DNS over HTTP/2 is found out by the fields of a request). Absent: nobody takes note.
   */
  onProtocol?(protocol: string): void;
  /** Another flow will come that belongs to this one (the data connection of FTP). */
  onExpectation(expected: ExpectedFlow): void;
  /**
   * A frame that rules look at has come, or has grown; its bytes are valid during the call.
   * Absent: nobody takes note.
   * @param frame with one buffer, that of its kind; its object is reused once it is over
   * @param over it does not grow any more; of one that grows when its parser is reset it is not told
   */
  onFrame?(frame: Transaction, direction: Direction, over: boolean): void;
}

/** A flow that another one has announced. */
export interface ExpectedFlow {
  readonly protocol: string;
  /** Which end of the present flow waits for the connection; the other end makes it. */
  readonly listener: 'client' | 'server';
  readonly port: number;
  /** Handed to the parser of the expected flow, which may be in another thread. */
  readonly note: Uint8Array;
}

/** A parser belongs to one flow. Parsers are pooled: `reset` makes one as new. */
export interface ProtocolParser {
  readonly protocol: string;
  /** Before any bytes, where another flow announced this one: what its `ExpectedFlow` noted. */
  expect?(note: Uint8Array): void;
  /**
   * Takes the next in-order bytes of one direction (TCP), or one whole datagram (UDP). Never throws; what is not
   * understood is an event.
   */
  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void;
  /** `length` bytes of one direction are missing and will not come. */
  gap(direction: Direction, length: number): void;
  /** The direction has ended (FIN, RST or time-out). */
  close(direction: Direction): void;
  /** From here on both directions are ciphertext: there is nothing more to look at, not even as raw bytes. */
  readonly opaque?: boolean;
  /** Bytes that this parser holds of its flow now; its definition tells what it takes by itself. Counted for `app-layer.memcap`. */
  heldBytes(): number;
  reset(): void;
}

/** One row of a protocol's buffer table. */
export interface BufferDefinition {
  /** Name in the rule language: `http.uri`. */
  readonly name: string;
  /** Number of the buffer, unique over all protocols. */
  readonly id: number;
  readonly protocol: string;
  /** Directions in which the buffer exists. */
  readonly directions: readonly Direction[];
  /** The buffer is complete when `progress(direction)` has reached this. */
  readonly progress: number;
  /** Grows while it is inspected (a body): it may be inspected before it is complete. */
  readonly streaming: boolean;
  /** May occur several times in one transaction. */
  readonly multiple: boolean;
  /**
   * Buffers of the same protocol, complete no later than this one, whose bytes determine it: where they are those of
   * another transaction, so is this one. Absent: not said.
   */
  readonly derivedFrom?: readonly string[];
  /**
   * The buffer is one unsigned big-endian number of 1, 2, 4 or 8 bytes, for keywords that compare (`dns.opcode:>1`).
   * Absent: it is text or bytes.
   */
  readonly integer?: IntegerBuffer;
  /** It is no part of a transaction but a frame (see `FrameTable`), told at once or as it grows. Absent: it is part of one. */
  readonly frame?: 'whole' | 'growing';
}

/** How rules may write the number of a buffer. */
export interface IntegerBuffer {
  readonly bytes: 1 | 2 | 4 | 8;
  /** Names that stand for numbers, in lower case (rules may use any). */
  readonly names?: ReadonlyMap<string, number>;
  /** The names are single bits: a rule lists those that must be set or, behind `!`, unset. */
  readonly flags?: boolean;
}

/** Which frames of a protocol are told: shared by its parsers of one worker. */
export interface FrameTable {
  readonly buffers: readonly BufferDefinition[];
  /** Tells those frames only whose buffers are named by number; they may change at any time between two calls. */
  want(ids: ReadonlySet<number>): void;
}

/** What is known of a flow before its protocol is. */
export interface ProbedFlow {
  readonly transport: Transport;
  /** For protocols whose bytes alone would leave doubt; never the only reason. */
  readonly clientPort: number;
  readonly serverPort: number;
}

/** What the engine knows of one protocol. */
export interface ProtocolDefinition {
  /** Suricata's name of it, as it stands in rule headers and `app_proto`. */
  readonly name: string;
  readonly transports: readonly Transport[];
  /**
   * What a parser takes beside what `heldBytes` tells: itself, and the objects that it keeps of an ordinary conversation. In
   * bytes, for each of `transports`; a test measures it.
   */
  readonly parserBytes: { readonly tcp?: number; readonly udp?: number };
  readonly buffers: readonly BufferDefinition[];
  /**
   * No rule is about the end of one transaction and the beginning of the next: raw bytes before the end of a
   * transaction need not be kept for patterns that are cut in two. Default: they are kept.
   */
  readonly separateTransactions?: boolean;
  /** The frames of its messages, where it tells them apart; their rows stand in `buffers` too. */
  readonly frames?: FrameTable;
  /** Names that `onEvent` can give, as `app-layer-event` has them (`http.request_field_too_long`; any case). */
  readonly events: readonly string[];
  /**
   * Looks at the first bytes of a direction, or at the first datagram.
   * @returns 1 this protocol, 0 cannot tell yet, -1 not this protocol
   */
  probe(direction: Direction, bytes: Uint8Array, start: number, end: number, flow: ProbedFlow): number;
  create(listener: TransactionListener, transport: Transport): ProtocolParser;
  /**
   * What an alert tells of a transaction, as the object that EVE has under the protocol's name; while its bytes are
   * valid. Texts are bounded. Absent: nothing is told.
   */
  describe?(tx: Transaction): Record<string, unknown>;
}
