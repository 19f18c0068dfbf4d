import type { FirewallBackend } from './backend';
import type { BanLedger } from './ledger';
import { type Family, familyOf } from './names';
import { CLOCK_EVERY, Slices } from './slices';
import type { Clock } from './watched-clock';

/** Bans whose entry in the kernel is looked for at each look. */
const SAMPLE = 32;
/** What runs out sooner may be gone from the kernel already. */
const SAMPLE_LASTS_MILLISECONDS = 5000;
/** Up to so many entries are counted at each look; larger sets once a minute. */
const COUNTED_OFTEN = 10_000;
const COUNT_MILLISECONDS = 60_000;

export interface DriftWatchParts {
  readonly backend: Pick<FirewallBackend, 'families' | 'holdsAll' | 'banCount'>;
  readonly clock: Clock;
  /** Bans that the kernel is known not to have. */
  readonly unenforced: ReadonlySet<string>;
}

/**
 * Looks whether the kernel still has what it was given. It looks for some of the bans, one of each family at least, which
 * tells at once when a set was emptied; and counts the entries: each time where they are few, once a minute where they are
 * many, because the kernel walks through them all. More entries than there should be count when they are there twice
 * running (for a moment they are: the kernel rounds up to whole seconds).
 */
export class DriftWatch {
  /** Row at which the next sample begins. */
  private sampleAt = 0;
  /** A ban of each family that is in force, to see at once when a set was emptied. */
  private readonly witnesses = new Map<Family, string>();
  private kernelHadMore = false;
  private countedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: DriftWatchParts) {}

  /** Whether kernel and ledger have to be brought together. @throws FirewallError of the backend */
  async differs(ledger: BanLedger): Promise<boolean> {
    const { backend, clock } = this.parts;
    const sample = await this.sample(ledger);
    if (sample.length > 0 && !(await backend.holdsAll(sample))) {
      // One of them may have been removed, or the kernel refused it, while it was looked for.
      const now = clock.now();
      const again = sample.filter((prefix) => this.isExpected(ledger, prefix, now));
      if (!(await backend.holdsAll(again))) return true;
    }
    return this.countDiffers(ledger);
  }

  private async countDiffers(ledger: BanLedger): Promise<boolean> {
    const { backend, clock, unenforced } = this.parts;
    const now = clock.monotonic();
    if (ledger.size > COUNTED_OFTEN && now - this.countedAt < COUNT_MILLISECONDS && !this.kernelHadMore)
      return false;
    this.countedAt = now;
    let wanted = 0;
    for (const family of backend.families) wanted += ledger.sizeOf(family);
    for (const prefix of unenforced) if (this.canHave(prefix)) wanted--;
    for (const { prefix } of ledger.exceptions()) if (this.canHave(prefix)) wanted++;
    const surplus = (await backend.banCount()) - wanted;
    const hadMore = this.kernelHadMore;
    this.kernelHadMore = surplus > 0 && !hadMore;
    return surplus < 0 || (surplus > 0 && hadMore);
  }

  private canHave(prefix: string): boolean {
    return this.parts.backend.families.includes(familyOf(prefix));
  }

  /** Whether the kernel ought to have a ban of a prefix, for a while yet. */
  private isExpected(ledger: BanLedger, prefix: string, now: number): boolean {
    const until = ledger.untilOf(ledger.find(prefix)) ?? 0;
    return (
      until > now + SAMPLE_LASTS_MILLISECONDS && !this.parts.unenforced.has(prefix) && this.canHave(prefix)
    );
  }

  /** Prefixes that the kernel ought to have: of the next rows, and one of each family. */
  private async sample(ledger: BanLedger): Promise<string[]> {
    const now = this.parts.clock.now();
    const prefixes: string[] = [];
    let row = this.sampleAt;
    for (; row < ledger.rowLimit && row < this.sampleAt + SAMPLE; row++) {
      const prefix = ledger.brief(row)?.prefix;
      if (prefix !== undefined && this.isExpected(ledger, prefix, now)) prefixes.push(prefix);
    }
    this.sampleAt = row < ledger.rowLimit ? row : 0;
    for (const family of this.parts.backend.families) {
      if (ledger.sizeOf(family) === 0) continue;
      const witness = await this.witnessOf(ledger, family, now);
      if (witness === undefined) continue;
      this.witnesses.set(family, witness);
      prefixes.push(witness);
    }
    return prefixes;
  }

  private async witnessOf(ledger: BanLedger, family: Family, now: number): Promise<string | undefined> {
    const before = this.witnesses.get(family);
    if (before !== undefined && this.isExpected(ledger, before, now)) return before;
    const slices = new Slices(CLOCK_EVERY);
    for (const row of ledger.rows()) {
      if (slices.over) await slices.next();
      const prefix = ledger.brief(row)?.prefix;
      if (prefix === undefined || familyOf(prefix) !== family) continue;
      if (this.isExpected(ledger, prefix, now)) return prefix;
    }
    return undefined;
  }
}
