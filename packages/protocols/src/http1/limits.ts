/** Bounds of the HTTP/1 parser. Every one is finite; what exceeds one is an event, never an error. */
export interface Http1Limits {
  /** Bytes of one request line, status line or header field; beyond: `http.REQUEST_FIELD_TOO_LONG`. */
  readonly fieldBytes: number;
  /**
   * Bytes of a whole message head; what follows is looked at as a body that ends with the connection. Of a request:
   * `http.request_head_too_long`.
   */
  readonly headBytes: number;
  /** Header fields of one message; further ones are not told apart: `http.request_too_many_headers`. */
  readonly headerCount: number;
  /** Fields of one message that are joined to the first one of their name; further ones are left out. */
  readonly headerRepetitions: number;
  /** Requests waiting for their response; beyond that the oldest ends without one. */
  readonly pendingTransactions: number;
  /** Bytes of a request body that are kept for inspection. */
  readonly requestBody: number;
  /** Bytes of a response body that are kept for inspection. */
  readonly responseBody: number;
  /** Content codings laid over each other that are undone. */
  readonly codingLayers: number;
  /** Decoded bytes per transferred byte from which on a body that fills its room is a bomb. */
  readonly bombRatio: number;
}

export const DEFAULT_LIMITS: Http1Limits = {
  fieldBytes: 18_000,
  headBytes: 131_072,
  headerCount: 1024,
  headerRepetitions: 1024,
  pendingTransactions: 256,
  requestBody: 102_400,
  responseBody: 102_400,
  codingLayers: 2,
  bombRatio: 2048,
};

/** Inclusive bounds of each limit, so that no configuration makes the parser unbounded or useless. */
const RANGES: { readonly [K in keyof Http1Limits]: readonly [number, number] } = {
  fieldBytes: [256, 131_072],
  headBytes: [512, 262_144],
  headerCount: [8, 2000],
  headerRepetitions: [1, 2000],
  pendingTransactions: [1, 4096],
  requestBody: [1024, 1_048_576],
  responseBody: [1024, 1_048_576],
  codingLayers: [1, 4],
  bombRatio: [10, 65_536],
};

/** A limit that cannot be used. */
export class LimitError extends Error {
  readonly code = 'PROTOCOL_LIMIT_INVALID';
  constructor(message: string) {
    super(message);
    this.name = 'LimitError';
  }
}

/** Fills in the defaults and checks the rest. Throws a `LimitError` that names the limit and its range. */
export function resolveLimits(given: Partial<Http1Limits> = {}): Http1Limits {
  const limits: Record<keyof Http1Limits, number> = { ...DEFAULT_LIMITS };
  for (const key of Object.keys(given) as (keyof Http1Limits)[]) {
    const range = RANGES[key];
    if (range === undefined) throw new LimitError(`HTTP has no limit '${key}'`);
    const value = given[key];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < range[0] || value > range[1]) {
      throw new LimitError(
        `HTTP limit '${key}' must be a whole number from ${range[0]} to ${range[1]}, not ${value}`,
      );
    }
    limits[key] = value;
  }
  return limits;
}
