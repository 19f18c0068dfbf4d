/** For tests: elements of ASN.1 put together. */

/** An element with its tag byte around parts. */
export function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), contents]);
}

/** An INTEGER (or what `tag` says) of as few bytes as it takes. */
export function integer(value: number, tag = 0x02): Buffer {
  const bytes = [value & 255];
  let rest = value >> 8;
  while (!(rest === 0 && bytes[0] < 0x80) && !(rest === -1 && bytes[0] >= 0x80)) {
    bytes.unshift(rest & 255);
    rest >>= 8;
  }
  return element(tag, Buffer.from(bytes));
}

export function text(value: string, tag = 0x04): Buffer {
  return element(tag, Buffer.from(value, 'latin1'));
}
