import { type ByteSink, Inflater, Wrapper } from '@portcullis/protocols';
import type { Transform } from '../transform';

/** Largest output, whatever a rule says. */
const MAX_INFLATED = 1 << 20;

const inflater = new Inflater();

/** Writes to memory that is lent, up to a bound. */
class LentSink implements ByteSink {
  bytes = new Uint8Array(0);
  end = 0;
  limit = 0;

  reserve(): number {
    return this.limit;
  }
}

const sink = new LentSink();

function inflate(name: string, wrapper: number, largest: number): Transform {
  const bound = Math.min(largest, MAX_INFLATED);
  return {
    key: `${name}:${largest}`,
    outputBound: () => bound,
    apply(input, start, end, output, at) {
      sink.bytes = output as Uint8Array<ArrayBuffer>;
      sink.end = at;
      sink.limit = at + bound;
      inflater.begin(wrapper, sink);
      inflater.push(input, start, end, sink);
      return sink.end;
    },
  };
}

/** What a gzip stream (RFC 1952) holds, up to `largest` bytes. */
export function gunzip(largest: number): Transform {
  return inflate('gunzip', Wrapper.GZIP, largest);
}

/** What a zlib stream (RFC 1950) holds, up to `largest` bytes. */
export function zlibDeflate(largest: number): Transform {
  return inflate('zlib_deflate', Wrapper.ZLIB, largest);
}
