/** Progress of one direction of an HTTP/1 transaction. */
export const Http1Progress = {
  NONE: 0,
  /** The start line is there. */
  LINE: 1,
  /** All header fields are there. */
  HEADERS: 2,
  /** The body has ended. */
  BODY: 3,
  /** The message is over, trailers included. */
  COMPLETE: 4,
} as const;
