import type { FirewallBackend } from './backend';
import type { Ban } from './ban';
import type { BanEvent } from './ban-event';
import type { BanRequest } from './ban-request';
import { entriesOf } from './kernel-entry';
import type { BanLedger } from './ledger';
import { CLOCK_EVERY, Slices } from './slices';
import { MOST_NAMED } from './unblocking';
import type { UnwrittenLedger } from './unwritten-ledger';
import type { Clock } from './watched-clock';

/** Bans that are written to the disk together. */
const GROUP = 4096;

export interface BanManyReport {
  readonly banned: number;
  readonly refused: number;
  /** Those that were refused, and why; of very many only the first. */
  readonly refusals: readonly { readonly prefix: string; readonly reason: string }[];
}

export interface BulkBanParts {
  readonly backend: Pick<FirewallBackend, 'restoreBans'>;
  readonly unwritten: UnwrittenLedger;
  readonly clock: Clock;
  /** The ban that a request makes, or why it is refused. @param now wall clock, ms */
  readonly wanted: (request: BanRequest, now: number) => Ban | string;
  readonly emit: (event: BanEvent) => void;
}

/**
 * Very many bans at once, in slices: into the ledger group by group, then all of them into the kernel, then told.
 *
 * @throws FirewallError what went wrong with the kernel; what the ledger has by then is given to the kernel later
 */
export async function banInBulk(
  ledger: BanLedger,
  requests: Iterable<BanRequest>,
  { backend, unwritten, clock, wanted, emit }: BulkBanParts,
): Promise<BanManyReport> {
  const began = clock.monotonic();
  const slices = new Slices(CLOCK_EVERY);
  const added: number[] = [];
  const extended: number[] = [];
  const refusals: { prefix: string; reason: string }[] = [];
  let refused = 0;
  let now = clock.now();
  let grouped = 0;
  /** One group is on its way to the disk while the next one is put together. */
  let writing = Promise.resolve();
  try {
    for (const request of requests) {
      const ban = wanted(request, now);
      if (typeof ban === 'string') {
        refused++;
        if (refusals.length < MOST_NAMED) refusals.push({ prefix: request.prefix, reason: ban });
      } else {
        (ban.count > 1 ? extended : added).push(ledger.putLater(ban));
        grouped++;
      }
      if (grouped === GROUP) {
        grouped = 0;
        await writing;
        writing = unwritten.kept(ledger.flush());
        writing.catch(() => undefined);
      } else if (slices.over) await slices.next();
      else continue;
      now = clock.now();
    }
  } finally {
    await Promise.all([writing, unwritten.kept(ledger.flush())]);
  }
  const rows = [...added, ...extended];
  await backend.restoreBans(entriesOf(ledger, rows, clock.now()), rows.length);
  const milliseconds = clock.monotonic() - began;
  for (const [kind, of] of [
    ['added', added],
    ['extended', extended],
  ] as const)
    for (const row of of) {
      if (ledger.untilOf(row) !== undefined) emit({ kind, ban: ledger.at(row), milliseconds });
      if (slices.over) await slices.next();
    }
  return { banned: rows.length, refused, refusals };
}
