import type { BanEntry, KernelBan } from './backend';
import { PERMANENT } from './ban';
import type { BanLedger } from './ledger';
import { LONGEST_BAN_SECONDS } from './prefix';

/** What the kernel has to be told of a ban or an exception. @param now wall clock, ms */
export function entryOf(ban: { prefix: string; until: number }, now: number): BanEntry {
  const seconds = Math.ceil((ban.until - now) / 1000);
  const remaining = ban.until === PERMANENT ? 0 : Math.min(LONGEST_BAN_SECONDS, Math.max(1, seconds));
  return { prefix: ban.prefix, remaining };
}

/** The same of the bans of some rows, as they are when they are asked for. */
export function* entriesOf(
  ledger: BanLedger,
  rows: readonly number[],
  now: number,
): IterableIterator<BanEntry> {
  for (const row of rows) {
    const brief = ledger.brief(row);
    if (brief) yield entryOf(brief, now);
  }
}

/** When an entry of the kernel ends, wall clock; it counts whole seconds and rounds down. */
export function endInKernel({ remaining }: KernelBan, now: number): number {
  return remaining === 0 ? PERMANENT : now + remaining * 1000;
}
