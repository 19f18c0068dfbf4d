/** All the decoding that applications do with what a web server hands them. */
import type { Duplex, Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import type { Reading } from './agent-protocol';

/** Who is told what an application does. */
export interface Onlooker {
  /** It has read this much of a request. */
  reached(connection: Duplex, reading: Reading): void;
  /** It has begun (1) or ended (-1) something that it may read more from, whatever becomes of the connection meanwhile. */
  busy(connection: Duplex, change: 1 | -1): void;
}

/** Bytes of a body that an application reads. */
export const MAX_BODY = 4 << 20;
/** Layers of content coding that the application undoes. */
const MOST_CODINGS = 8;

const FLUSH = { flush: constants.Z_SYNC_FLUSH };

/** A decoder that fails keeps what it made of the bytes it got last: they are no more than these. */
const PIECE = 8;
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b);

/** With or without the wrapper of RFC 1950: its two bytes are a multiple of 31. */
function inflater(first: Buffer): Transform {
  const [method = 0, flags = 0] = first;
  const wrapped = (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
  return wrapped ? createInflate(FLUSH) : createInflateRaw(FLUSH);
}

/** By name; `first`: the bytes that come first. */
const DECODERS: Readonly<Record<string, (first: Buffer) => Transform>> = {
  gzip: () => createGunzip(FLUSH),
  deflate: inflater,
  br: () => createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH }),
};

/**
 * Undoes content codings as a body comes. Of one that is damaged all is read that could be decoded; one that is not what it
 * is named is read as it came.
 */
export class ContentDecoding {
  private readonly names: readonly string[];
  private readonly decoders: Transform[] = [];
  private readonly raw: Buffer[] = [];
  private readonly decoded: Buffer[] = [];
  private plain: boolean;

  /**
   * @param read called with all that was decoded so far
   * @param busy called when a decoder gets bytes (1) and when it has done with them (-1)
   */
  constructor(
    codings: string,
    private readonly read: (body: Buffer) => void,
    private readonly busy: (change: 1 | -1) => void,
  ) {
    this.names = codings
      .toLowerCase()
      .split(',')
      .map((name) => name.trim().replace(/^x-/, ''))
      .filter((name) => Object.hasOwn(DECODERS, name))
      .slice(-MOST_CODINGS)
      .reverse();
    this.plain = this.names.length === 0;
  }

  write(chunk: Buffer): void {
    this.raw.push(chunk);
    if (this.plain) this.read(Buffer.concat(this.raw));
    else this.decode(0, chunk);
  }

  private decode(stage: number, chunk: Buffer): void {
    const name = this.names[stage];
    if (name === undefined) {
      this.decoded.push(chunk);
      this.read(Buffer.concat(this.decoded));
      return;
    }
    this.decoders[stage] ??= this.open(stage, DECODERS[name]?.(chunk) as Transform);
    const decoder = this.decoders[stage];
    for (let at = 0; at < chunk.length && !decoder.destroyed; at += PIECE) {
      this.busy(1);
      decoder.write(chunk.subarray(at, at + PIECE), () => this.busy(-1));
    }
  }

  private open(stage: number, decoder: Transform): Transform {
    decoder.on('data', (chunk: Buffer) => this.decode(stage + 1, chunk));
    decoder.on('error', () => {
      const gzip = this.names[0] === 'gzip' && Buffer.concat(this.raw).subarray(0, 2).equals(GZIP_MAGIC);
      if (this.decoded.length > 0 || gzip) return;
      this.plain = true;
      this.read(Buffer.concat(this.raw));
    });
    return decoder;
  }
}

/** What stands for a letter that one byte cannot say. */
const UNKNOWN = '?';

/** Percent-decoding as lenient applications have it: `%41`, `%u0041`, overlong UTF-8; the rest stays. */
function percentDecoded(text: string): string {
  const bytes = text
    .replace(/%u([0-9a-f]{4})/gi, (_, digits: string) => {
      const code = Number.parseInt(digits, 16);
      if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0);
      return code < 0x100 ? String.fromCharCode(code) : UNKNOWN;
    })
    .replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return bytes
    .replace(/[\xc0\xc1][\x80-\xbf]/g, (pair) =>
      String.fromCharCode(((pair.charCodeAt(0) & 0x1f) << 6) | (pair.charCodeAt(1) & 0x3f)),
    )
    .replace(/\xe0[\x80\x81][\x80-\xbf]/g, (three) =>
      String.fromCharCode(((three.charCodeAt(1) & 0x3f) << 6) | (three.charCodeAt(2) & 0x3f)),
    );
}

/** A path as file systems take it. */
function plainPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.replaceAll('\\', '/').split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

/** Everything that an application may read from a request target. */
export function readingsOfTarget(target: string): string[] {
  const origin = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  const once = percentDecoded(origin);
  const twice = percentDecoded(once);
  const plain = [origin, once, twice].map((text) => plainPath(text.split('?', 1)[0] as string));
  return [target, once, twice, ...plain, once.replaceAll('+', ' ')];
}

export function readingsOfBody(body: Buffer): string[] {
  const text = body.toString('latin1');
  return [text, percentDecoded(text)];
}
