/** An HTTP request as data, so that tricks can change it before it is bytes. */
import type { Reading } from '@portcullis/testkit';

/** Where the attack stands; for each there is a rule that looks there and nowhere else. */
export type Place = Reading['place'];

export interface HttpRequest {
  readonly method: string;
  /** Between method, target and version. */
  readonly delimiters: readonly [string, string];
  readonly target: string;
  /** Empty: HTTP/0.9. */
  readonly version: string;
  /** Whole field lines without their ends; text is latin1. */
  readonly fields: readonly string[];
  /** How lines of the head end; the last one of them twice. */
  readonly lineEnd: string;
  /** Instead of an empty line with such an end. */
  readonly headEnd?: string;
  readonly body: Buffer;
  /** Tells the length of the body, as a field; undefined where there is none to be told. */
  readonly framing: readonly string[];
  /** In the way of a body: content codings that were laid on it, in order. */
  readonly codings: readonly string[];
  /** A built-in rule refuses it, whatever it holds. */
  readonly refused?: boolean;
  /** Sent before it on the same connection. */
  readonly before: Buffer;
  readonly after: Buffer;
}

export const plainRequest: HttpRequest = {
  method: 'GET',
  delimiters: [' ', ' '],
  target: '/',
  version: 'HTTP/1.1',
  fields: ['Host: www.example.com', 'User-Agent: Mozilla/5.0', 'Accept: */*'],
  lineEnd: '\r\n',
  body: Buffer.alloc(0),
  framing: [],
  codings: [],
  before: Buffer.alloc(0),
  after: Buffer.alloc(0),
};

export function withField(request: HttpRequest, ...fields: readonly string[]): HttpRequest {
  return { ...request, fields: [...request.fields, ...fields] };
}

/** Layers of content coding that engines undo by default. */
const UNDONE_LAYERS = 2;

/** Its body is under more layers of content coding than are undone: it is refused, whatever it holds. */
export function isTooDeep({ fields, codings }: HttpRequest): boolean {
  const named = fields.filter((field) => /^content-encoding:/i.test(field)).join();
  const layers = [named, ...codings].join().match(/gzip|deflate|br\b/gi) ?? [];
  return layers.length > UNDONE_LAYERS;
}

export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

export function bytesOf(request: HttpRequest): Buffer {
  const { method, delimiters, target, version, lineEnd, codings } = request;
  const line =
    version === ''
      ? `${method}${delimiters[0]}${target}`
      : [method, delimiters[0], target, delimiters[1], version].join('');
  const coding = codings.length === 0 ? [] : [`Content-Encoding: ${codings.join(', ')}`];
  const fields = [...request.fields, ...coding, ...request.framing];
  const head = [line, ...fields].map((each) => each + lineEnd).join('') + (request.headEnd ?? lineEnd);
  return Buffer.concat([
    request.before,
    latin1(version === '' ? `${line}${lineEnd}` : head),
    request.body,
    request.after,
  ]);
}
