import { FirewallError } from './errors';
import type { Family } from './names';
import {
  clearHostBits,
  MAPPED_BITS,
  PackedPrefix,
  packedContains,
  printPrefix,
  Reading,
  readPrefix,
} from './packed-prefix';

const read = new PackedPrefix();

/** An address prefix in its one normal form: host bits zero, IPv4-mapped IPv6 as IPv4. */
export class Prefix implements Readonly<PackedPrefix> {
  readonly family: Family;
  /** Bits. */
  readonly length: number;
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;
  /** As `printPrefix` writes it. */
  readonly text: string;

  private constructor(packed: Readonly<PackedPrefix>, text = printPrefix(packed)) {
    this.family = packed.family;
    this.length = packed.length;
    this.w0 = packed.w0;
    this.w1 = packed.w1;
    this.w2 = packed.w2;
    this.w3 = packed.w3;
    this.text = text;
  }

  /**
   * `ADDRESS` or `ADDRESS/LENGTH`; host bits are cleared.
   *
   * @throws FirewallError ADDRESS_INVALID
   */
  static parse(text: string): Prefix {
    const reading = readPrefix(text, read);
    if (reading === Reading.NORMAL) return new Prefix(read, text);
    if (reading === Reading.PREFIX) return new Prefix(read);
    if (reading === Reading.LENGTH_OUT_OF_RANGE) {
      const mapped = read.family === 4 && text.includes(':');
      throw new FirewallError(
        'ADDRESS_INVALID',
        `"${text}": the prefix length is not within ${mapped ? MAPPED_BITS : 0} to ${text.includes(':') ? 128 : 32}.`,
      );
    }
    throw new FirewallError(
      'ADDRESS_INVALID',
      `"${text.slice(0, 64)}" is not an IP address or a prefix such as 192.0.2.0/24.`,
    );
  }

  /** A whole address, not a network. */
  get isHost(): boolean {
    return this.length === (this.family === 4 ? 32 : 128);
  }

  /** The prefix of `length` bits that this one lies in. */
  widen(length: number): Prefix {
    const { family, w0, w1, w2, w3 } = this;
    const wider = { family, length: Math.min(length, this.length), w0, w1, w2, w3 };
    clearHostBits(wider);
    return new Prefix(wider);
  }

  contains(other: Readonly<PackedPrefix>): boolean {
    return packedContains(this, other);
  }

  /** `contains` for many texts. */
  containment(): (text: string) => boolean {
    const inner = new PackedPrefix();
    return (text) => readPrefix(text, inner) >= Reading.PREFIX && packedContains(this, inner);
  }

  overlaps(other: Readonly<PackedPrefix>): boolean {
    return packedContains(this, other) || packedContains(other, this);
  }
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
