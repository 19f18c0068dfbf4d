/** An HTTP/2 request as data, so that tricks can change it before it is frames. */
import {
  HTTP2_PREFACE,
  Http2Flag,
  Http2Type,
  hpackField,
  http2Frame,
  http2Padded,
  type SeededRandom,
} from '@portcullis/testkit';
import type { HttpRequest } from './http-request';

export type Field = readonly [name: string, value: string];

export interface Http2Request {
  /** Those with a colon first. */
  readonly fields: readonly Field[];
  readonly body: Buffer;
  readonly trailer: readonly Field[];
  /** Number of its stream. */
  readonly stream: number;
  /** Frames before it. */
  readonly before: Buffer;
  /** Its fields as a block. */
  readonly block: (fields: readonly Field[], random: SeededRandom) => Buffer;
  /** Bytes of the next frame of its head, of its body. */
  readonly headPiece: (random: SeededRandom) => number;
  readonly bodyPiece: (random: SeededRandom) => number;
  /** Bytes of padding. */
  readonly headPadding: number;
  readonly bodyPadding: number;
  /** Its head says on what it depends. */
  readonly prioritised: boolean;
  /** Frames behind its head and between those of its body. */
  readonly between: (random: SeededRandom) => Buffer;
  /** Requests before it that wait for their bodies. */
  readonly waiting: number;
  /** By a built-in rule, whatever it holds. */
  readonly refused: boolean;
}

/** No peer takes longer ones before it has said so. */
const LARGEST_FRAME = 16_000;
/** Servers refuse heads of more than nine frames. */
const CHOSEN_HEAD_PIECES = 4;
export const NOTHING = Buffer.alloc(0);

export const plainBlock = (fields: readonly Field[]): Buffer =>
  Buffer.concat(fields.map(([name, value]) => hpackField(name, value)));

/** What an HTTP/1 request says. Its framing is another matter here, and so is what it is packed in. */
export function http2RequestOf({ method, target, fields, codings, body }: HttpRequest): Http2Request {
  const lines = codings.length === 0 ? fields : [...fields, `Content-Encoding: ${codings.join(', ')}`];
  const said = lines.map((line): Field => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    fields: [
      [':method', method],
      [':scheme', 'http'],
      [':authority', 'www.example.com'],
      [':path', target],
      ...said.filter(([name]) => name !== 'host'),
    ],
    body,
    trailer: [],
    stream: 1,
    before: NOTHING,
    block: plainBlock,
    headPiece: () => LARGEST_FRAME,
    bodyPiece: () => LARGEST_FRAME,
    headPadding: 0,
    bodyPadding: 0,
    prioritised: false,
    between: () => NOTHING,
    waiting: 0,
    refused: false,
  };
}

/** @param chosen pieces of a chosen length; those behind them are as long as may be */
function cut(bytes: Buffer, length: () => number, chosen = bytes.length): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += (pieces.at(-1) as Buffer).length) {
    const asked = pieces.length < chosen ? length() : LARGEST_FRAME;
    pieces.push(bytes.subarray(at, at + Math.min(LARGEST_FRAME, Math.max(1, asked))));
  }
  return pieces.length === 0 ? [NOTHING] : pieces;
}

/** HEADERS and what continues it. */
function headFrames(request: Http2Request, block: Buffer, ends: boolean, random: SeededRandom): Buffer[] {
  const { stream, headPadding, prioritised } = request;
  const pieces = cut(block, () => request.headPiece(random), CHOSEN_HEAD_PIECES);
  return pieces.map((piece, index) => {
    const last = index === pieces.length - 1 ? Http2Flag.END_HEADERS : 0;
    if (index > 0) return http2Frame(Http2Type.CONTINUATION, last, stream, piece);
    let content = piece;
    let flags = last | (ends ? Http2Flag.END_STREAM : 0);
    if (prioritised) {
      flags |= Http2Flag.PRIORITY;
      content = Buffer.concat([Buffer.of(0, 0, 0, 0, random.below(256)), content]);
    }
    if (headPadding > 0) {
      flags |= Http2Flag.PADDED;
      content = http2Padded(content, headPadding);
    }
    return http2Frame(Http2Type.HEADERS, flags, stream, content);
  });
}

/** The frames of its stream. */
export function framesOf(request: Http2Request, random: SeededRandom): Buffer {
  const { fields, body, trailer, stream, bodyPadding } = request;
  const withBody = body.length > 0;
  const frames = headFrames(
    request,
    request.block(fields, random),
    !withBody && trailer.length === 0,
    random,
  );
  if (withBody) {
    const pieces = cut(body, () => request.bodyPiece(random));
    pieces.forEach((piece, index) => {
      frames.push(request.between(random));
      const ends = index === pieces.length - 1 && trailer.length === 0 ? Http2Flag.END_STREAM : 0;
      frames.push(
        bodyPadding === 0
          ? http2Frame(Http2Type.DATA, ends, stream, piece)
          : http2Frame(Http2Type.DATA, ends | Http2Flag.PADDED, stream, http2Padded(piece, bodyPadding)),
      );
    });
  }
  if (trailer.length > 0) {
    frames.push(request.between(random));
    frames.push(...headFrames({ ...request, prioritised: false }, plainBlock(trailer), true, random));
  }
  return Buffer.concat(frames);
}

/** The client's part of a connection. */
export function http2Bytes(request: Http2Request, random: SeededRandom): Buffer {
  return Buffer.concat([
    HTTP2_PREFACE,
    http2Frame(Http2Type.SETTINGS, 0, 0),
    request.before,
    framesOf(request, random),
  ]);
}
