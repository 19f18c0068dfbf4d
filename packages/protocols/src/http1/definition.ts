import { DEFAULT_FILE_POLICY, type FilePolicy } from '../files/policy';
import {
  type Direction,
  Direction as Directions,
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { HTTP1_BUFFERS } from './buffers';
import { Http1Context } from './context';
import { HTTP1_EVENTS } from './events';
import { describeHttp1 } from './facts';
import { type Http1Limits, resolveLimits } from './limits';
import { Http1Transaction } from './message';
import { Http1Parser } from './parser';
import { looksLikeHttpRequest, looksLikeHttpResponse } from './probe';
import { DEFAULT_URI_NORMALIZATION, type UriNormalization } from './uri';

/** Settings of the HTTP/1 parser; what is left out has its default. */
export interface Http1Settings {
  readonly limits?: Partial<Http1Limits>;
  /** Undo content codings of request bodies too (default true). */
  readonly decodeRequests?: boolean;
  /** Undo LZMA as well as the other content codings (default true). */
  readonly lzma?: boolean;
  /** How `http.uri` is made of the request target. */
  readonly uri?: Partial<UriNormalization>;
}

export interface Http1Definition extends ProtocolDefinition {
  create(listener: TransactionListener): Http1Parser;
}

/** HTTP/1 as a protocol definition; its parsers share pools and scratch, so there is one per worker. */
export function createHttp1(
  settings: Http1Settings = {},
  files: FilePolicy = { ...DEFAULT_FILE_POLICY },
): Http1Definition {
  const context = new Http1Context({
    limits: resolveLimits(settings.limits),
    decodeRequests: settings.decodeRequests ?? true,
    lzma: settings.lzma ?? true,
    uri: { ...DEFAULT_URI_NORMALIZATION, ...settings.uri },
    files,
  });
  return {
    name: 'http',
    transports: [Transport.TCP],
    parserBytes: { tcp: 250 },
    buffers: [...HTTP1_BUFFERS, ...context.frames.buffers],
    frames: context.frames,
    events: HTTP1_EVENTS,
    separateTransactions: true,
    probe(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
      return direction === Directions.TO_SERVER
        ? looksLikeHttpRequest(bytes, start, end)
        : looksLikeHttpResponse(bytes, start, end);
    },
    create(listener: TransactionListener): Http1Parser {
      return new Http1Parser(context, listener);
    },
    describe(tx: Transaction): Record<string, unknown> {
      return tx instanceof Http1Transaction ? describeHttp1(tx) : {};
    },
  };
}
