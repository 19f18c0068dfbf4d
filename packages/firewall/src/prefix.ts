import { isIP } from 'node:net';
import * as ip6addr from 'ip6addr';
import { FirewallError } from './errors';
import type { Family } from './names';

/** An address prefix in its one normal form: host bits zero, IPv4-mapped IPv6 as IPv4. */
export class Prefix {
  /** `192.0.2.1` for a single address, `192.0.2.0/24` otherwise; IPv6 as RFC 5952 prints it. */
  readonly text: string;

  private constructor(
    readonly family: Family,
    /** 4 or 16 bytes. */
    readonly bytes: Uint8Array,
    readonly length: number,
  ) {
    const address = printAddress(bytes);
    this.text = length === bytes.length * 8 ? address : `${address}/${length}`;
  }

  /**
   * `ADDRESS` or `ADDRESS/LENGTH`; host bits are cleared.
   *
   * @throws FirewallError ADDRESS_INVALID
   */
  static parse(text: string): Prefix {
    const slash = text.indexOf('/');
    const address = slash < 0 ? text : text.slice(0, slash);
    const digits = slash < 0 ? undefined : text.slice(slash + 1);
    // ip6addr takes numbers and short forms for addresses too; an administrator's typing error is not one.
    const written = address.length <= 45 && !address.includes('%') ? isIP(address) : 0;
    if (written === 0 || (digits !== undefined && !/^(0|[1-9]\d{0,2})$/.test(digits))) {
      throw new FirewallError(
        'ADDRESS_INVALID',
        `"${text.slice(0, 64)}" is not an IP address or a prefix such as 192.0.2.0/24.`,
      );
    }
    const all =
      written === 4
        ? Uint8Array.from(address.split('.'), Number)
        : new Uint8Array(ip6addr.parse(withoutDottedTail(address)).toBuffer());
    const mapped = written === 4 || isMapped(all);
    const bytes = mapped && written === 6 ? all.slice(12) : all;
    const width = written === 6 ? 128 : 32;
    const given = digits === undefined ? width : Number(digits);
    const length = mapped && written === 6 ? given - 96 : given;
    if (given > width || length < 0) {
      throw new FirewallError(
        'ADDRESS_INVALID',
        `"${text}": the prefix length is not within ${mapped && written === 6 ? '96' : '0'} to ${width}.`,
      );
    }
    clearHostBits(bytes, length);
    return new Prefix(mapped ? 4 : 6, bytes, length);
  }

  /** A whole address, not a network. */
  get isHost(): boolean {
    return this.length === this.bytes.length * 8;
  }

  /** The prefix of `length` bits that this one lies in. */
  widen(length: number): Prefix {
    const bytes = this.bytes.slice();
    clearHostBits(bytes, length);
    return new Prefix(this.family, bytes, Math.min(length, this.length));
  }

  contains(other: Prefix): boolean {
    if (other.family !== this.family || other.length < this.length) return false;
    const whole = this.length >> 3;
    for (let i = 0; i < whole; i++) if (this.bytes[i] !== other.bytes[i]) return false;
    const rest = this.length & 7;
    return rest === 0 || ((this.bytes[whole] ^ other.bytes[whole]) & (0xff << (8 - rest)) & 0xff) === 0;
  }

  /** `contains` for many texts in normal form: most are turned away without being parsed. */
  containment(): (text: string) => boolean {
    const slow = (text: string): boolean => this.contains(Prefix.parse(text));
    // Whole octets or groups at the front are the same letters in every address inside.
    const step = this.family === 4 ? 8 : 16;
    const groups = this.family === 4 ? [...this.bytes].map(String) : [this.text.split(':')[0]];
    const whole = Math.min(groups.length, Math.floor(this.length / step));
    const separator = this.family === 4 ? '.' : ':';
    const front = groups.slice(0, whole).join(separator);
    if (front === '') return (text) => text.includes(separator) && slow(text);
    return (text) => {
      if (!text.startsWith(front)) return false;
      const next = text[front.length];
      return (
        (next === undefined || next === separator || next === '/') && text.includes(separator) && slow(text)
      );
    };
  }

  overlaps(other: Prefix): boolean {
    return this.contains(other) || other.contains(this);
  }
}

/** `64:ff9b::192.0.2.1` as `64:ff9b::c000:201`: ip6addr takes a dotted tail after ::ffff: only. */
function withoutDottedTail(address: string): string {
  const tail = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (!tail) return address;
  const [a, b, c, d] = tail.slice(2).map(Number);
  return `${tail[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function clearHostBits(bytes: Uint8Array, length: number): void {
  for (let i = 0; i < bytes.length; i++) {
    const keep = Math.min(8, Math.max(0, length - i * 8));
    bytes[i] &= (0xff << (8 - keep)) & 0xff;
  }
}

/** RFC 5952, which is what the kernel's tools print as well; ip6addr shortens a single zero group too. */
export function printAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i] << 8) | bytes[i + 1]);
  let longest = { at: 0, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > longest.length) longest = { at, length };
  }
  const print = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (longest.length < 2) return print(groups);
  return `${print(groups.slice(0, longest.at))}::${print(groups.slice(longest.at + longest.length))}`;
}

/** Addresses that no ban may touch, wherever the host stands. */
const UNBANNABLE: readonly (readonly [reason: string, prefix: Prefix])[] = (
  [
    ['unspecified', '0.0.0.0/8'],
    ['loopback', '127.0.0.0/8'],
    ['link-local', '169.254.0.0/16'],
    ['multicast', '224.0.0.0/4'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['link-local', 'fe80::/10'],
    ['multicast', 'ff00::/8'],
  ] as const
).map(([reason, text]) => [reason, Prefix.parse(text)]);

/** Wider than any network that one attacker has; such a prefix is a slip of the keyboard. */
const SHORTEST: Record<Family, number> = { 4: 8, 6: 16 };

/** Why a prefix cannot be banned, as a stable word; undefined when it can. */
export function banRefusal(prefix: Prefix): string | undefined {
  if (prefix.length < SHORTEST[prefix.family]) return 'prefix-too-wide';
  return UNBANNABLE.find(([, refused]) => refused.overlaps(prefix))?.[0];
}

/** The longest time-out that ipset takes: 2^31 ms, in whole seconds. */
export const LONGEST_BAN_SECONDS = 2_147_483;

/** @throws FirewallError DURATION_INVALID */
export function checkDuration(seconds: number): void {
  if (Number.isFinite(seconds) && seconds >= 1 && seconds <= LONGEST_BAN_SECONDS) return;
  throw new FirewallError(
    'DURATION_INVALID',
    `a ban of ${seconds} s is not possible: from 1 s to ${LONGEST_BAN_SECONDS} s (24 days and 20 hours).`,
  );
}

/** @throws FirewallError BAN_REFUSED */
export function refuse(prefix: Prefix, reason: string): never {
  throw new FirewallError('BAN_REFUSED', `${prefix.text} is not banned: ${reason}.`, { reason });
}
