import type { Ban } from './ban';
import { asciiJson, lineOf } from './journal';

/**
 * Bans that share a line, where there are many: a checksum and a call for each of them would be half of the work of
 * reading a million. Damage to the line costs all of them; with reasons of 512 letters, each escaped, they fit a line.
 */
const BANS_A_LINE = 16;

/** A ban where there may be a million: prefix, since, until, sid, origin, count, id, reason. */
export type BanColumns = [string, number, number, number, string, number, string, string];

/** Lines of the journal with `['bans', ...BanColumns[]]`, put together piece by piece: there may be a million. */
export class BanLines {
  private lines = '';
  private line = '';
  private inLine = 0;
  private reason = '';
  private reasonJson = '""';

  add({ prefix, since, until, sid, origin, count, id, reason }: Ban): void {
    // Bans that are made together have it in common.
    if (reason !== this.reason) {
      this.reason = reason;
      this.reasonJson = asciiJson(reason);
    }
    this.line += `,["${prefix}",${since},${until},${sid},"${origin}",${count},${JSON.stringify(id)},${this.reasonJson}]`;
    if (++this.inLine === BANS_A_LINE) this.endLine();
  }

  private endLine(): void {
    if (this.inLine === 0) return;
    this.lines += lineOf(`["bans"${this.line}]`);
    this.line = '';
    this.inLine = 0;
  }

  /** Whole lines that there are. */
  takeWhole(): string {
    const { lines } = this;
    this.lines = '';
    return lines;
  }

  /** All there is. */
  take(): string {
    this.endLine();
    return this.takeWhole();
  }
}
