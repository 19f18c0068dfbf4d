import { isDeepStrictEqual } from 'node:util';
import { type BanPermit, PermitWord } from '@portcullis/engine';
import { SetName } from '@portcullis/firewall';
import type { BanPolicy } from './ban-attacker';

export interface BanPermitParts {
  policy(): BanPolicy;
  /** Whom nobody may ban. @param networks bans may be of more than one address */
  spared(networks: boolean): readonly string[];
  /** New bans that may be made now. */
  room(): number;
  /** After an unblocking by hand no attack bans the device again for so long. */
  graceSeconds(): number;
  send(permit: BanPermit | null): void;
}

type Terms = Omit<BanPermit, 'words' | 'generation'>;

/**
 * Says whom the workers may ban before the main thread has decided. What this rests on changes while the engine runs: it
 * is taken back before it does, which the workers see at once, and given anew when it has.
 */
export class BanPermits {
  private readonly words = new Int32Array(new SharedArrayBuffer(PermitWord.COUNT * 4));
  /** What was given last; null: nothing is permitted. */
  private terms: Terms | null = null;
  private generation = 0;
  private notBefore = 0;
  private held = 0;

  constructor(private readonly parts: BanPermitParts) {}

  /** From now on nothing is permitted, until there is something new. */
  withdraw(): void {
    Atomics.store(this.words, PermitWord.GENERATION, 0);
    this.terms = null;
  }

  /** Until as many calls of `release` nothing is permitted. */
  hold(): void {
    this.held++;
    this.withdraw();
  }

  release(): void {
    this.held--;
    this.renew();
  }

  /** Gives what is permitted now, if it is not what they have. */
  renew(): void {
    if (this.held > 0) return;
    this.makeRoom();
    const { parts, notBefore } = this;
    const { banning, seconds, withoutHandshake, ipv6Prefix } = parts.policy();
    if (!banning) {
      if (this.terms !== null) parts.send(null);
      this.withdraw();
      return;
    }
    const terms: Terms = {
      sets: { 4: SetName.ban4, 6: SetName.ban6 },
      seconds,
      withoutHandshake,
      ipv6Prefix,
      spared: parts.spared(ipv6Prefix < 128),
      notBefore,
    };
    if (isDeepStrictEqual(terms, this.terms)) return;
    this.terms = terms;
    this.generation++;
    Atomics.store(this.words, PermitWord.GENERATION, this.generation);
    const words = this.words.buffer as SharedArrayBuffer;
    parts.send({ ...terms, words, generation: this.generation });
  }

  /** After each decision. */
  makeRoom(): void {
    Atomics.store(this.words, PermitWord.ROOM, this.parts.room());
  }

  /** Devices were let in by hand: what they have sent before bans nobody, and nothing does for the time of grace. */
  passOver(): void {
    this.notBefore = (Date.now() + this.parts.graceSeconds() * 1000) * 1000;
  }
}
