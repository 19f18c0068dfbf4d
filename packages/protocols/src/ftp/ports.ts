/** Ports of data connections, as PORT, EPRT and the replies to PASV and EPSV name them; 0 where they name none. */

const COMMA = 0x2c;
const OPEN = 0x28;

/** `192,168,0,13,234,10` (RFC 959 section 4.1.2). @returns the port, 0 where it is not that */
export function readHostPort(bytes: Uint8Array, start: number, end: number): number {
  const numbers: number[] = [];
  let i = start;
  while (numbers.length < 6) {
    while (i < end && bytes[i] === 0x20) i++;
    const from = i;
    let value = 0;
    while (i < end && i - from < 4 && isDigit(bytes[i])) value = value * 10 + bytes[i++] - 0x30;
    if (i === from || value > 255) return 0;
    numbers.push(value);
    if (numbers.length === 6) break;
    if (i >= end || bytes[i] !== COMMA) return 0;
    i++;
  }
  return numbers[4] * 256 + numbers[5];
}

/** `227 Entering Passive Mode (212,27,32,66,221,243).` The numbers may stand without parentheses (RFC 1123 4.1.2.6). */
export function readPassiveReply(bytes: Uint8Array, start: number, end: number): number {
  let i = start + 3;
  for (let k = i; k < end; k++) if (bytes[k] === OPEN) i = k;
  while (i < end && !isDigit(bytes[i])) i++;
  return readHostPort(bytes, i, end);
}

/** `|2|2a01::1|41813|` (RFC 2428 section 2). */
export function readExtendedPort(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0;
  const separator = bytes[start];
  if (isDigit(separator) || separator <= 0x20) return 0;
  let i = start + 1;
  for (let part = 0; part < 2; part++) {
    while (i < end && bytes[i] !== separator) i++;
    i++;
  }
  return readPort(bytes, i, end, separator);
}

/** `229 Entering Extended Passive Mode (|||48758|)` (RFC 2428 section 3). */
export function readExtendedPassiveReply(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start + 3; i + 4 < end; i++) if (bytes[i] === OPEN) return readExtendedPort(bytes, i + 1, end);
  return 0;
}

function readPort(bytes: Uint8Array, start: number, end: number, separator: number): number {
  let i = start;
  let port = 0;
  while (i < end && i - start < 6 && isDigit(bytes[i])) port = port * 10 + bytes[i++] - 0x30;
  if (i === start || i >= end || bytes[i] !== separator || port > 65_535) return 0;
  return port;
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}
