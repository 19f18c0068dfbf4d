import { IpSets } from '@portcullis/nfqueue-binding';
import { AddressPrefixes, parseAddress } from '@portcullis/wire';
import type { Detection } from '../detection';

/** Whom a worker may ban by itself, as the main thread has said. Plain data; the words are shared. */
export interface BanPermit {
  /** By `PermitWord`; of all workers and the main thread. */
  readonly words: SharedArrayBuffer;
  /** Counts only while `words` has the same number: there is another one else, or none. */
  readonly generation: number;
  /** The kernel's sets, by IP version. */
  readonly sets: { readonly 4: string; readonly 6: string };
  readonly seconds: number;
  /** Also where nobody has proved that the address is theirs. */
  readonly withoutHandshake: boolean;
  /** Bits of an IPv6 address that are banned. */
  readonly ipv6Prefix: number;
  /** Prefixes; whoever touches one of them is left to the main thread. */
  readonly spared: readonly string[];
  /** Microseconds since 1970: what was seen before is left to the main thread. */
  readonly notBefore: number;
}

/** Places in `BanPermit.words`. */
export const PermitWord = {
  /** 0: nobody may be banned. */
  GENERATION: 0,
  /** How many more may be banned until the main thread says otherwise. */
  ROOM: 1,
  COUNT: 2,
} as const;

/** What a worker has put into the kernel's set. */
export interface ProvisionalBan {
  /** `ADDRESS`, or `ADDRESS/BITS` with the address's own host part. */
  readonly prefix: string;
  /** When the kernel had it, ms of the clock that all threads share. */
  readonly at: number;
}

/** Whether the source of what was detected is to be banned, if it may be. */
export function callsForBan({ blocked, response, kind, protectedEnd }: Detection): boolean {
  return blocked && response === 'block' && kind !== 'web-address' && protectedEnd !== 'source';
}

/**
 * Bans attackers from the worker that has seen them, ahead of the main thread's decision: nothing but a system call is
 * between the detection and the kernel's entry. Only what is beyond doubt; the main thread decides on each, makes it a ban
 * of the ledger, or takes it back.
 */
export class ProvisionalBans {
  private permit: BanPermit | null = null;
  private words = new Int32Array(new SharedArrayBuffer(PermitWord.COUNT * 4));
  private spared = new AddressPrefixes([]);
  private sets: Sets | null = null;

  /**
   * @param now ms of the clock that all threads share
   * @param open the kernel's sets; tests give their own
   */
  constructor(
    private readonly now: () => number,
    private readonly open: () => Sets = () => IpSets.open(),
  ) {}

  /** @param permit null: nobody may be banned */
  allow(permit: BanPermit | null): void {
    this.permit = permit;
    if (permit === null) return;
    this.words = new Int32Array(permit.words);
    this.spared = new AddressPrefixes(permit.spared);
    try {
      this.sets ??= this.open();
    } catch {
      // The main thread has its own, and says what is wrong with it.
      this.permit = null;
    }
  }

  /** @returns what the kernel has now because of this; null: nothing has changed */
  consider(detection: Detection): ProvisionalBan | null {
    const entry = this.entryFor(detection);
    if (entry === null) return null;
    // Others take from the same room, and the main thread says anew what is left: it counts, this only brakes.
    if (Atomics.sub(this.words, PermitWord.ROOM, 1) > 0 && this.add(entry))
      return { prefix: entry.prefix, at: this.now() };
    Atomics.add(this.words, PermitWord.ROOM, 1);
    return null;
  }

  /** The same without a ban: what has never run is compiled at the first attack, which would wait for it. */
  rehearse(detection: Detection): void {
    const entry = this.entryFor(detection);
    if (entry === null) return;
    try {
      this.sets?.has(entry.set, entry.prefix);
    } catch {
      // There are no sets yet.
    }
  }

  close(): void {
    void this.sets?.close();
    this.sets = null;
    this.permit = null;
  }

  private entryFor(detection: Detection): Entry | null {
    const { permit } = this;
    if (permit === null || Atomics.load(this.words, PermitWord.GENERATION) !== permit.generation) return null;
    const { source, version, handshake, time } = detection;
    if (!callsForBan(detection) || !(handshake || permit.withoutHandshake)) return null;
    if (time <= permit.notBefore) return null;
    const address = parseAddress(source);
    const bits = version === 6 ? permit.ipv6Prefix : 128;
    if (address === null || this.spared.touches(address, bits)) return null;
    const prefix = bits < 128 ? `${source}/${bits}` : source;
    return { set: permit.sets[version === 6 ? 6 : 4], prefix, seconds: permit.seconds };
  }

  private add({ set, prefix, seconds }: Entry): boolean {
    try {
      return this.sets?.addNew(set, `${prefix} timeout ${seconds}`) === true;
    } catch {
      // A set that is full or gone is the main thread's business.
      return false;
    }
  }
}

type Sets = Pick<IpSets, 'addNew' | 'has' | 'close'>;

interface Entry {
  readonly set: string;
  readonly prefix: string;
  readonly seconds: number;
}
