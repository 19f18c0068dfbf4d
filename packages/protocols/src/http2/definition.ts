import { BufferPool } from '../buffer-pool';
import { type Http1Limits, resolveLimits } from '../http1/limits';
import { Direction, type ProtocolDefinition, type Transaction, Transport } from '../transaction';
import { HTTP2_BUFFERS, Http2Buffer } from './buffers';
import { DnsReader } from './dns-messages';
import { DOH_BUFFERS } from './doh-buffers';
import { Http2Event, SILENT_EVENTS } from './events';
import { FRAME_HEADER, type FrameHeader, FrameType, MAGIC, readFrameHeader } from './frame';
import { Http2Parser } from './parser';
import type { Http2Stream } from './stream';

/** As much of the client's first bytes tells: its first line (HTTP/1 would take it for a request). */
const FIRST_LINE = 16;
const MOST_SETTINGS = 32;
/** Characters of a text that an alert tells. */
const TOLD = 512;
/** Bytes of bodies that are held for inspection. */
type BodyLimits = Partial<Pick<Http1Limits, 'requestBody' | 'responseBody'>>;

const header: FrameHeader = { length: 0, type: 0, flags: 0, stream: 0 };

/** HTTP/2 as a protocol definition; its parsers share a pool, so there is one per worker. */
export function createHttp2(limits: BodyLimits = {}): ProtocolDefinition {
  const pool = new BufferPool();
  const { requestBody, responseBody } = resolveLimits(limits);
  const dnsReader = new DnsReader();
  return {
    name: 'http2',
    transports: [Transport.TCP],
    parserBytes: { tcp: 2400 },
    buffers: HTTP2_BUFFERS,
    events: [...Object.values(Http2Event), ...SILENT_EVENTS],
    probe(direction, bytes, start, end): number {
      if (direction === Direction.TO_SERVER) {
        const seen = Math.min(end - start, MAGIC.length);
        for (let i = 0; i < seen; i++) if (bytes[start + i] !== MAGIC[i]) return -1;
        return seen >= FIRST_LINE ? 1 : 0;
      }
      // A server begins with its settings.
      if (start < end && bytes[start] !== 0) return -1;
      if (start + 3 < end && bytes[start + 3] !== FrameType.SETTINGS) return -1;
      if (end - start < FRAME_HEADER) return 0;
      readFrameHeader(bytes, start, header);
      return header.stream === 0 &&
        header.flags === 0 &&
        header.length % 6 === 0 &&
        header.length <= 6 * MOST_SETTINGS
        ? 1
        : -1;
    },
    create: (listener) => new Http2Parser(pool, listener, dnsReader, [requestBody, responseBody]),
    describe,
  };
}

/**
 * DNS over HTTP/2 as a protocol definition. No flow begins as one: the parser of HTTP/2 says when it finds DNS messages
 * (`TransactionListener.onProtocol`), and goes on.
 */
export function createDoh2(limits: BodyLimits = {}): ProtocolDefinition {
  return { ...createHttp2(limits), name: 'doh2', buffers: DOH_BUFFERS, events: [], probe: () => -1 };
}

/** Under `http2`: the fields of request and response, as far as alerts tell them. */
function describe(transaction: Transaction): Record<string, unknown> {
  const stream = transaction as Http2Stream;
  const told: Record<string, unknown> = { version: '2', stream_id: stream.streamId };
  const [request, response] = stream.fields;
  const tell = (name: string, bytes: Uint8Array | null) => {
    if (bytes !== null) told[name] = Buffer.from(bytes.subarray(0, TOLD)).toString('latin1');
  };
  tell('http_method', request.buffer(Http2Buffer.METHOD));
  tell('url', request.buffer(Http2Buffer.URI_RAW));
  tell('hostname', request.buffer(Http2Buffer.HOST));
  tell('http_user_agent', request.buffer(Http2Buffer.USER_AGENT));
  const status = response.buffer(Http2Buffer.STAT_CODE);
  if (status !== null) told.status = Number(Buffer.from(status).toString('latin1'));
  return told;
}
