import type { Logger } from '@portcullis/daemon';
import type { EveRecord } from '@portcullis/events';
import { formatCount, formatDuration } from './print';

/** Lines about alerts within a period at most: a flood of them costs more to write, and the journal to keep, than to detect. */
export const MOST_LINES = 100;
export const PERIOD_SECONDS = 10;

/**
 * What a person is told of alerts while the engine runs. Whoever is banned is always told; of the rest a flood becomes a
 * number, and each of them is in the EVE file.
 */
export class AlertLines {
  private told = 0;
  private untold = 0;
  private period: NodeJS.Timeout | null = null;

  constructor(private readonly logger: Pick<Logger, 'warn'>) {}

  tell(record: EveRecord): void {
    if (!record.alert) return;
    this.period ??= setTimeout(() => this.close(), PERIOD_SECONDS * 1000).unref();
    if (this.told >= MOST_LINES && !tellsOfBan(record)) this.untold++;
    else {
      this.told++;
      this.logger.warn(alertLine(record));
    }
  }

  /** Ends the period, with a line about what was not told in it. */
  close(): void {
    if (this.period) clearTimeout(this.period);
    this.period = null;
    if (this.untold > 0)
      this.logger.warn(
        `${formatCount(this.untold)} more alerts within ${PERIOD_SECONDS} s: all of them are in the EVE file`,
      );
    this.told = 0;
    this.untold = 0;
  }
}

function tellsOfBan({ portcullis }: EveRecord): boolean {
  return portcullis?.ban !== undefined && 'prefix' in portcullis.ban;
}

function alertLine({ alert, portcullis, ...record }: EveRecord): string {
  const ban = portcullis?.ban;
  let done = 'dropped';
  if (alert?.action === 'allowed') done = 'seen';
  else if (ban && 'prefix' in ban) done += `, ${ban.prefix} blocked for ${formatDuration(ban.duration_s)}`;
  else if (ban && 'refused' in ban) done += `, not blocked: ${ban.refused}`;
  else if (ban) done += `, NOT blocked: ${ban.failed}`;
  const from = record.src_port === undefined ? record.src_ip : `${record.src_ip} port ${record.src_port}`;
  const to = record.dest_port === undefined ? record.dest_ip : `${record.dest_ip} port ${record.dest_port}`;
  return `${alert?.signature} (sid ${alert?.signature_id}) from ${from} to ${to}: ${done}`;
}
