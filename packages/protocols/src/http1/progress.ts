/** Progress of one direction of an HTTP/1 transaction. */
export const Http1Progress = {
  NONE: 0,
  /** The start line is there. */
  LINE: 1,
  /** All header fields are there. */
  HEADERS: 2,
  /** Bytes of the body are there. */
  BODY_BEGUN: 3,
  /** The body has ended. */
  BODY: 4,
  /** The message is over, trailers included. */
  COMPLETE: 5,
} as const;
