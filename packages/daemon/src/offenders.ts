import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@portcullis/configuration';

interface Offender {
  bans: number;
  /** Milliseconds of the clock that the methods are given. */
  last: number;
}

/** Sources that are remembered; the longest unseen are forgotten first. */
export const MOST_OFFENDERS = 100_000;
/** Prefix, number of bans, the last offence in milliseconds since 1970. */
const LINE = /^([0-9a-f.:]{2,39}(?:\/\d{1,3})?) (\d{1,9}) (\d{1,15})$/;

export const OFFENDERS_FILE = 'offenders';

/** Who was banned how often: the bans of repeat offenders become longer (`escalation`), also over a restart. */
export class Offenders {
  /** The longest unseen first. */
  private readonly known = new Map<string, Offender>();
  private changed = false;
  readonly path: string | null;

  /** @param directory where they are kept; null: nowhere */
  constructor(directory: string | null) {
    this.path = directory === null ? null : join(directory, OFFENDERS_FILE);
  }

  /** Milliseconds of the last offence; undefined: none is remembered. */
  lastOf(prefix: string): number | undefined {
    return this.known.get(prefix)?.last;
  }

  /** Bans with the one that is being made, 1 or more. */
  bansOf(prefix: string): number {
    return this.known.get(prefix)?.bans ?? 1;
  }

  /** Another offence. @param remember seconds after which the ones before do not count */
  note(prefix: string, now: number, remember: number): void {
    const before = this.known.get(prefix);
    const again = before !== undefined && now - before.last <= remember * 1000;
    this.put(prefix, { bans: again ? before.bans + 1 : 1, last: now });
    this.changed = true;
  }

  private put(prefix: string, offender: Offender): void {
    this.known.delete(prefix);
    if (this.known.size >= MOST_OFFENDERS) this.known.delete(this.known.keys().next().value as string);
    this.known.set(prefix, offender);
  }

  /**
   * Takes in what an earlier run has kept. What cannot be read is passed over: nobody is banned for it, or let in.
   * @param now of the clock that offences are noted with
   */
  load(now: number): void {
    if (this.path === null) return;
    let text: string;
    try {
      text = readFileSync(this.path, 'latin1');
    } catch {
      return;
    }
    const wall = Date.now();
    for (const line of text.split('\n', MOST_OFFENDERS)) {
      const [, prefix, bans, last] = LINE.exec(line) ?? [];
      // A clock that was set back since makes nobody an offender of tomorrow.
      if (prefix !== undefined)
        this.put(prefix, { bans: Number(bans), last: now - Math.max(0, wall - Number(last)) });
    }
  }

  /** Writes what has changed. @throws Error of the file system; then the next call tries again */
  save(now: number): void {
    if (this.path === null || !this.changed) return;
    const wall = Date.now() - now;
    let text = '';
    for (const [prefix, { bans, last }] of this.known)
      text += `${prefix} ${bans} ${Math.round(wall + last)}\n`;
    replaceFile(this.path, text);
    this.changed = false;
  }
}
