import { isIP } from 'node:net';
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
    // Only what is written in full: an administrator's slip of the keyboard is no address.
    const written = address.length <= 45 && !address.includes('%') ? isIP(address) : 0;
    if (written === 0 || (digits !== undefined && !/^(0|[1-9]\d{0,2})$/.test(digits))) {
      throw new FirewallError(
        'ADDRESS_INVALID',
        `"${text.slice(0, 64)}" is not an IP address or a prefix such as 192.0.2.0/24.`,
      );
    }
    const all = new Uint8Array(written === 4 ? 4 : 16);
    if (written === 4) readIpv4(address, all, 0);
    else readIpv6(address, all);
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

/** Of an address that `isIP` has found to be one. */
function readIpv4(address: string, into: Uint8Array, at: number): void {
  let number = 0;
  for (let i = 0; i < address.length; i++) {
    const letter = address.charCodeAt(i);
    if (letter !== DOT) {
      number = number * 10 + letter - ZERO;
      continue;
    }
    into[at++] = number;
    number = 0;
  }
  into[at] = number;
}

/** Of an address that `isIP` has found to be one; what `::` stands for is zero in `into`. */
function readIpv6(address: string, into: Uint8Array): void {
  let group = 0;
  let at = 0;
  /** Where the bytes behind `::` begin; they are moved to the end. */
  let gap = -1;
  for (let i = 0, begin = 0; i <= address.length; i++) {
    const letter = i < address.length ? address.charCodeAt(i) : COLON;
    if (letter === DOT) {
      readIpv4(address.slice(begin), into, at);
      at += 4;
      break;
    }
    if (letter !== COLON) {
      group = (group << 4) | hexDigit(letter);
      continue;
    }
    if (i > begin) {
      into[at++] = group >> 8;
      into[at++] = group;
    } else if (i > 0 && i < address.length) {
      gap = at;
    }
    begin = i + 1;
    group = 0;
  }
  if (gap < 0 || at === 16) return;
  into.copyWithin(16 - (at - gap), gap, at);
  into.fill(0, gap, 16 - (at - gap));
}

const ZERO = 0x30;
const DOT = 0x2e;
const COLON = 0x3a;

/** `0` to `9`, `a` to `f`, `A` to `F`. */
function hexDigit(letter: number): number {
  return letter < COLON ? letter - ZERO : (letter & 0x0f) + 9;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function clearHostBits(bytes: Uint8Array, length: number): void {
  for (let i = length >> 3; i < bytes.length; i++) {
    const keep = Math.max(0, length - i * 8);
    bytes[i] &= (0xff << (8 - keep)) & 0xff;
  }
}

/** RFC 5952, which is what the kernel's tools print as well. */
export function printAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  let longestAt = 0;
  let longest = 1;
  for (let at = 0, length = 0; at < 16; at += 2) {
    length = bytes[at] === 0 && bytes[at + 1] === 0 ? length + 1 : 0;
    if (length <= longest) continue;
    longest = length;
    longestAt = at - 2 * (length - 1);
  }
  if (longest < 2) return printGroups(bytes, 0, 16);
  return `${printGroups(bytes, 0, longestAt)}::${printGroups(bytes, longestAt + 2 * longest, 16)}`;
}

function printGroups(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at += 2) {
    const group = ((bytes[at] << 8) | bytes[at + 1]).toString(16);
    text += at === from ? group : `:${group}`;
  }
  return text;
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

/** Prefixes that `banRefusal` refuses wherever the host stands. */
export const UNBANNABLE_PREFIXES: readonly string[] = UNBANNABLE.map(([, { text }]) => text);

/** Wider than any network that one attacker has; such a prefix is a slip of the keyboard. */
const SHORTEST: Record<Family, number> = { 4: 8, 6: 16 };

/** Why a prefix cannot be banned, as a stable word; undefined when it can. */
export function banRefusal(prefix: Prefix): string | undefined {
  if (prefix.length < SHORTEST[prefix.family]) return 'prefix-too-wide';
  for (const [reason, refused] of UNBANNABLE) if (refused.overlaps(prefix)) return reason;
  return undefined;
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

/** Reasons of a refusal, for people; others are sentences already. */
const REASON_TEXTS: Readonly<Record<string, string>> = {
  'prefix-too-wide': 'the prefix is wider than any network of one attacker',
  unspecified: 'it is the unspecified address',
  loopback: 'it is a loopback address',
  'link-local': 'it is a link-local address',
  multicast: 'it is a multicast address',
  broadcast: 'it is the broadcast address',
  'own-address': 'it is an address of this host',
  'on-link-network': 'it holds a network that this host is part of',
  'unblocked-since': 'it was unblocked after this attack was seen',
  'grace-after-unblocking': 'it was unblocked a moment ago (unblock-grace)',
};

/** @throws FirewallError BAN_REFUSED, with the reason as it was given */
export function refuse(prefix: Prefix, reason: string): never {
  throw new FirewallError('BAN_REFUSED', `${prefix.text} is not banned: ${REASON_TEXTS[reason] ?? reason}`, {
    reason,
  });
}
