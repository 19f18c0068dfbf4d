/** Where an HTTP/1 parser stands: a state for each direction, and what holds beside them. */

export const State = {
  /** Between messages. */
  IDLE: 0,
  /** Looking for the end of the start line. */
  START_LINE: 1,
  FIELDS: 2,
  BODY_LENGTH: 3,
  BODY_CHUNKED: 4,
  BODY_TO_CLOSE: 5,
  TRAILER: 6,
  /** A response that may or may not have the body it speaks of: a status line may follow instead. */
  BODY_OR_STATUS_LINE: 7,
  /** Behind a line that is no status line: what follows tells whether it is passed over or is the body. */
  JUNK_LINE: 8,
  /** Another protocol. */
  TUNNEL: 9,
  /** Bytes are missing: a message is looked for at the start of each piece. */
  LOST: 10,
  CLOSED: 11,
  /** The request is whole, but what follows it in the same piece may belong to it all the same. */
  ENDING: 12,
} as const;

/** Bits of the parser's mode. */
export const Mode = {
  /** A CONNECT waits for its answer: what follows it may be another protocol. */
  CONNECTING: 1,
  /** Within a line that was taken for the body of a request because it is no request. */
  UNEXPECTED_LINE: 2,
  /** Bytes were missing: that a response has no request says nothing. */
  GAPPED: 4,
  /** A CONNECT was refused, or has opened a tunnel for HTTP: what was kept of the client's bytes is to be read. */
  RESUMING: 8,
} as const;
