/** HTTP/2 as bytes (RFC 9113, RFC 7541): frames and header fields, also such as no real peer would send. */

export const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const Http2Type = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const Http2Flag = { END_STREAM: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 0x20 } as const;

/** @param stream 0: the connection */
export function http2Frame(
  type: number,
  flags: number,
  stream: number,
  body: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** The content of a frame with padding before its end; goes with the flag PADDED. */
export function http2Padded(content: Uint8Array, padding: number): Buffer {
  return Buffer.concat([Buffer.of(padding), content, Buffer.alloc(padding)]);
}

/** A number behind the high bits of a byte, of which it has the `prefix` low ones (RFC 7541 section 5.1). */
export function hpackInteger(high: number, prefix: number, value: number): Buffer {
  const most = 2 ** prefix - 1;
  if (value < most) return Buffer.of(high | value);
  const bytes = [high | most];
  let left = value - most;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left & 0x7f) | 0x80);
  return Buffer.from([...bytes, left]);
}

/** Symbols with codes of 5, 6, 7 and 8 bits (RFC 7541 appendix B); no others are coded here. */
const SHORT_CODES = [
  '012aceiost',
  ' %-./3456789=A_bdfghlmnpru',
  ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz',
  '&*,;XZ',
];
const CODES = new Map<string, string>();
let nextCode = 0;
SHORT_CODES.forEach((symbols, index) => {
  for (const symbol of symbols) CODES.set(symbol, (nextCode++).toString(2).padStart(5 + index, '0'));
  nextCode *= 2;
});

/** A text as it is, or in Huffman code where that has codes for all of it. */
export function hpackText(text: string, coded = false): Buffer {
  const codes = [...text].map((symbol) => CODES.get(symbol));
  if (!coded || codes.includes(undefined)) {
    const bytes = Buffer.from(text, 'latin1');
    return Buffer.concat([hpackInteger(0, 7, bytes.length), bytes]);
  }
  const bits = codes.join('');
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  const bytes = Buffer.from(padded.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
  return Buffer.concat([hpackInteger(0x80, 7, bytes.length), bytes]);
}

/** What becomes of a field: the peers keep it in their tables, they do not, or no one on the way may. */
export const HpackForm = { INDEXED: 0x40, PLAIN: 0, NEVER: 0x10 } as const;

export function hpackField(
  name: string,
  value: string,
  { form = HpackForm.PLAIN as number, coded = false } = {},
): Buffer {
  return Buffer.concat([Buffer.of(form), hpackText(name, coded), hpackText(value, coded)]);
}

/** A field of the tables: the static one has 61, then come those of the dynamic one, the newest first. */
export function hpackReference(index: number): Buffer {
  return hpackInteger(0x80, 7, index);
}

/** From here on the dynamic table has that size. */
export function hpackSizeUpdate(size: number): Buffer {
  return hpackInteger(0x20, 5, size);
}
