import { type Ban, type BanException, isBan } from './ban';
import type { BanColumns } from './ban-lines';
import { encodeLine } from './journal';

/**
 * What the journal holds. Every record says how things are from then on, so repeating one changes nothing.
 * Times in records are wall clock minus `offset` at their writing.
 */
export type LedgerRecord =
  | { op: 'put'; ban: Ban }
  | { op: 'except'; exception: BanException }
  | { op: 'remove'; prefixes: readonly string[] }
  | { op: 'gone'; prefixes: readonly string[] }
  | { op: 'clear' | 'cleared' }
  | { op: 'offset'; milliseconds: number };

/** The forms in which bans stand where there are many: of one (in snapshots of earlier versions), and of several. */
type BanRow = ['ban', ...BanColumns] | ['bans', ...BanColumns[]];

export const encoded = (record: LedgerRecord): string => encodeLine(record);

/**
 * Reads one line's record.
 *
 * @param apply gets what it says, in order; false: it cannot be
 * @returns whether all of it is a record as this file has them, and could be applied
 */
export function readRecord(value: unknown, apply: (record: LedgerRecord) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return readRow(value as BanRow, apply);
  const record = value as LedgerRecord;
  return isRecord(record) && apply(record);
}

function readRow([op, ...values]: BanRow, apply: (record: LedgerRecord) => boolean): boolean {
  const put = (ban: unknown): boolean => isBan(ban) && apply({ op: 'put', ban });
  if (op === 'ban') return put(banOf(values));
  if (op !== 'bans') return false;
  let right = true;
  for (const columns of values) if (!Array.isArray(columns) || !put(banOf(columns))) right = false;
  return right;
}

/** @param record an object with any content */
function isRecord(record: LedgerRecord): boolean {
  switch (record.op) {
    case 'put':
      return isBan(record.ban);
    case 'except':
      return typeof record.exception?.prefix === 'string' && Number.isFinite(record.exception.until);
    case 'remove':
    case 'gone':
      return Array.isArray(record.prefixes) && record.prefixes.every((prefix) => typeof prefix === 'string');
    case 'clear':
    case 'cleared':
      return true;
    case 'offset':
      return Number.isFinite(record.milliseconds);
    default:
      return false;
  }
}

function banOf([prefix, since, until, sid, origin, count, id, reason]: readonly unknown[]): unknown {
  return { id, prefix, since, until, reason, sid, origin, count };
}
