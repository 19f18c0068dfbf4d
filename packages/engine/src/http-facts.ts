import type { HttpFacts } from '@portcullis/events';
import type { BufferView, Transaction } from '@portcullis/protocols';

const NO_BYTES = new Uint8Array(0);
const LONGEST = 2048;

/** Which buffer fills which field of the EVE `http` object. */
const fields: readonly [keyof HttpFacts, string][] = [
  ['hostname', 'http.host'],
  ['url', 'http.uri.raw'],
  ['http_user_agent', 'http.user_agent'],
  ['http_method', 'http.method'],
  ['protocol', 'http.protocol'],
  ['status', 'http.stat_code'],
];

/** Reads what an alert tells of an HTTP transaction. Only used when something has matched. */
export class HttpFactsReader {
  private readonly ids: readonly [keyof HttpFacts, number][];
  private readonly view: BufferView = {
    bytes: NO_BYTES,
    start: 0,
    end: 0,
    streamOffset: 0,
    fresh: 0,
    complete: false,
  };

  constructor(bufferId: (name: string) => number | undefined) {
    this.ids = fields.flatMap(([field, name]) => {
      const id = bufferId(name);
      return id === undefined ? [] : [[field, id] as [keyof HttpFacts, number]];
    });
  }

  read(tx: Transaction): HttpFacts {
    const facts: Record<string, string | number> = {};
    for (const [field, id] of this.ids) {
      if (!tx.buffer(id, 0, this.view)) continue;
      const { bytes, start, end } = this.view;
      const text = Buffer.from(
        bytes.buffer,
        bytes.byteOffset + start,
        Math.min(end - start, LONGEST),
      ).toString('latin1');
      if (text !== '') facts[field] = field === 'status' ? Number(text) || 0 : text;
    }
    return facts as HttpFacts;
  }
}
