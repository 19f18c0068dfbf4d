/** One DHCP message (RFC 2131 section 2, RFC 2132) taken apart; reused. */

/** Header, then the four bytes that say that options follow. */
export const HEADER_BYTES = 240;
const COOKIE = 0x63825363;
const COOKIE_AT = 236;
const PAD = 0;
const END = 255;

const DhcpOption = {
  SUBNET_MASK: 1,
  HOST_NAME: 12,
  LEASE_TIME: 51,
  MESSAGE_TYPE: 53,
  RENEWAL_TIME: 58,
  REBINDING_TIME: 59,
} as const;

export const BOOT_REQUEST = 1;
const BOOT_REPLY = 2;

export class DhcpMessage {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  /** Below 0 where the message has none of these. */
  messageType = -1;
  leaseTime = -1;
  renewalTime = -1;
  rebindingTime = -1;
  hostStart = 0;
  hostEnd = 0;
  /** The options have no end, or one of them goes beyond it. */
  truncated = false;
  /** An option has not the length it must have. */
  malformed = false;

  /** @returns false where it is no message with options */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes = bytes;
    this.start = start;
    this.messageType = -1;
    this.leaseTime = -1;
    this.renewalTime = -1;
    this.rebindingTime = -1;
    this.hostStart = 0;
    this.hostEnd = 0;
    this.truncated = false;
    this.malformed = false;
    if (!hasHeader(bytes, start, end)) return false;
    let at = start + HEADER_BYTES;
    while (at < end) {
      const code = bytes[at];
      if (code === END) return true;
      if (code === PAD) {
        at++;
        continue;
      }
      if (at + 2 > end || at + 2 + bytes[at + 1] > end) break;
      this.option(code, at + 2, at + 2 + bytes[at + 1]);
      at += 2 + bytes[at + 1];
    }
    this.truncated = true;
    return true;
  }

  private option(code: number, start: number, end: number): void {
    switch (code) {
      case DhcpOption.MESSAGE_TYPE:
        if (end - start === 1) this.messageType = this.bytes[start];
        else this.malformed = true;
        break;
      case DhcpOption.LEASE_TIME:
        this.leaseTime = this.seconds(start, end);
        break;
      case DhcpOption.RENEWAL_TIME:
        this.renewalTime = this.seconds(start, end);
        break;
      case DhcpOption.REBINDING_TIME:
        this.rebindingTime = this.seconds(start, end);
        break;
      case DhcpOption.HOST_NAME:
        this.hostStart = start;
        this.hostEnd = end;
        break;
      default:
    }
  }

  private seconds(start: number, end: number): number {
    if (end - start === 4) return longAt(this.bytes, start);
    this.malformed = true;
    return -1;
  }
}

export function longAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

export function hasHeader(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < HEADER_BYTES) return false;
  const operation = bytes[start];
  if (operation !== BOOT_REQUEST && operation !== BOOT_REPLY) return false;
  // A hardware address is at most as long as its field.
  return bytes[start + 2] <= 16 && longAt(bytes, start + COOKIE_AT) === COOKIE;
}
