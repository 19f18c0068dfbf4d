import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { FirewallError } from './errors';

const SNAPSHOT = 'bans.snapshot';
const SEGMENT = /^bans\.journal\.(\d{1,15})$/;
/** No record is longer; a longer line is damage. */
const LONGEST_LINE = 65_536;

interface Waiting {
  readonly lines: string;
  resolve(): void;
  reject(error: FirewallError): void;
}

export interface LoadReport {
  /** Lines whose checksum is wrong or that are cut off; each was skipped. */
  readonly damagedLines: number;
  readonly records: number;
}

/**
 * Records kept on disk, one line each: checksum (CRC-32, 8 hex digits), a space, JSON, a line feed.
 *
 * ```
 * bans.snapshot          first line {"covers":7}: all that segments below 7 say
 * bans.journal.7         appended to by one run; a run never appends to what another run wrote
 * bans.journal.8
 * ```
 *
 * Fsync policy: `append` resolves after `fdatasync`; records that wait together share one. A snapshot is written beside
 * the old one, synced, renamed, and the directory synced, before the segments it covers are deleted; so at every moment
 * the files on disk tell everything confirmed. Loading takes every line whose checksum is right: a torn tail costs only
 * the record that was being written.
 */
export class Journal {
  private segment: FileHandle | undefined;
  private waiting: Waiting[] = [];
  private writing: Promise<void> | undefined;
  private closed = false;
  /** Something in the segment that is being written is on disk. */
  private segmentHolds = false;
  /** Records appended since the last snapshot. */
  appended = 0;
  report: LoadReport = { damagedLines: 0, records: 0 };

  private constructor(
    private readonly directory: string,
    /** Number of the segment that this run writes. */
    private current: number,
  ) {}

  /**
   * @param onRecord called for every whole record, oldest first
   * @throws FirewallError LEDGER_IO
   */
  static async open(directory: string, onRecord: (record: unknown) => void): Promise<Journal> {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const names = await readdir(directory);
      const segments = names
        .map((name) => Number(SEGMENT.exec(name)?.[1] ?? -1))
        .filter((number) => number >= 0)
        .sort((a, b) => a - b);
      const journal = new Journal(directory, 0);
      let covers = 0;
      if (names.includes(SNAPSHOT)) {
        await journal.load(SNAPSHOT, (record) => {
          const first = record as { covers?: unknown } | null;
          if (typeof first === 'object' && Number.isInteger(first?.covers)) covers = Number(first?.covers);
          else onRecord(record);
        });
      }
      for (const number of segments) {
        // One that cannot be deleted now is another time.
        if (number < covers) await unlink(join(directory, `bans.journal.${number}`)).catch(() => undefined);
        else await journal.load(`bans.journal.${number}`, onRecord);
      }
      journal.current = Math.max(covers, (segments[segments.length - 1] ?? 0) + 1);
      journal.appended = journal.report.records;
      return journal;
    } catch (cause) {
      throw ioError(directory, cause);
    }
  }

  private async load(name: string, onRecord: (record: unknown) => void): Promise<void> {
    let damagedLines = 0;
    let records = 0;
    let carry: Buffer | undefined;
    let overlong = false;
    const line = (bytes: Buffer): void => {
      const record = overlong ? undefined : decodeLine(bytes);
      overlong = false;
      if (record === undefined) {
        damagedLines++;
      } else {
        records++;
        onRecord(record);
      }
    };
    const stream = createReadStream(join(this.directory, name), { highWaterMark: 1 << 20 });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      let start = 0;
      for (;;) {
        const end = chunk.indexOf(10, start);
        if (end < 0) break;
        const piece = chunk.subarray(start, end);
        line(carry ? Buffer.concat([carry, piece]) : piece);
        carry = undefined;
        start = end + 1;
      }
      if (start < chunk.length) {
        const rest = chunk.subarray(start);
        carry = carry ? Buffer.concat([carry, rest]) : Buffer.from(rest);
        if (carry.length > LONGEST_LINE) {
          overlong = true;
          carry = carry.subarray(0, 1);
        }
      }
    }
    // Without its line feed a record was not confirmed; if it is whole all the same, nothing speaks against taking it.
    if (carry) line(carry);
    this.report = {
      damagedLines: this.report.damagedLines + damagedLines,
      records: this.report.records + records,
    };
  }

  /**
   * Resolves when the record is on stable storage.
   *
   * @throws FirewallError LEDGER_IO, LEDGER_CLOSED
   */
  append(record: object): Promise<void> {
    return this.appendLines(encodeLine(record), 1);
  }

  /**
   * The same with lines made by encodeLine.
   *
   * @param records what they count as
   */
  appendLines(lines: string, records: number): Promise<void> {
    if (this.closed) return Promise.reject(new FirewallError('LEDGER_CLOSED', 'the ban ledger is closed.'));
    this.appended += records;
    return new Promise((resolve, reject) => {
      this.waiting.push({ lines, resolve, reject });
      this.writing ??= this.writeAll();
    });
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        this.segment ??= await this.openSegment();
        const file = this.segment;
        await file.appendFile(batch.map(({ lines }) => lines).join(''));
        await file.datasync();
        this.segmentHolds = true;
        for (const { resolve } of batch) resolve();
      } catch (cause) {
        // The segment may end in half a line now: nothing more is appended to it.
        const broken = this.segment;
        this.segment = undefined;
        this.current++;
        await broken?.close().catch(() => undefined);
        // A full disk still takes empty files, one for each try.
        if (!this.segmentHolds) await unlink(this.segmentPath(this.current - 1)).catch(() => undefined);
        const error = ioError(this.directory, cause);
        for (const { reject } of batch) reject(error);
      }
    }
    // In the same step as the last look at what waits: an append in between would find nobody to write it.
    this.writing = undefined;
  }

  private segmentPath(number: number): string {
    return join(this.directory, `bans.journal.${number}`);
  }

  private async openSegment(): Promise<FileHandle> {
    this.segmentHolds = false;
    const file = await open(this.segmentPath(this.current), 'ax', 0o600);
    await this.syncDirectory();
    return file;
  }

  private async syncDirectory(): Promise<void> {
    const directory = await open(this.directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /**
   * Replaces everything said so far by `lines`, made by encodeLine. They are asked for bit by bit while others append:
   * what is appended from now on goes to a new segment and is read after the snapshot, so records must say how things
   * are, not how they change.
   *
   * @throws FirewallError LEDGER_IO; what was there before stays in force
   */
  async compact(lines: Iterable<string>): Promise<void> {
    while (this.writing) await this.writing;
    const before = this.segment;
    this.segment = undefined;
    const covers = ++this.current;
    this.appended = 0;
    const temporary = join(this.directory, `${SNAPSHOT}.next`);
    try {
      await before?.close();
      const file = await open(temporary, 'w', 0o600);
      try {
        let block = encodeLine({ covers });
        for (const line of lines) {
          block += line;
          // A millisecond or two; others are waiting.
          if (block.length < 1 << 16) continue;
          await file.appendFile(block);
          block = '';
        }
        await file.appendFile(block);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, join(this.directory, SNAPSHOT));
      await this.syncDirectory();
      for (const name of await readdir(this.directory)) {
        const number = SEGMENT.exec(name)?.[1];
        if (number !== undefined && Number(number) < covers) await unlink(join(this.directory, name));
      }
    } catch (cause) {
      throw ioError(this.directory, cause);
    }
  }

  /** Writes what waits, then closes. */
  async close(): Promise<void> {
    this.closed = true;
    while (this.writing) await this.writing;
    await this.segment?.close();
    this.segment = undefined;
  }
}

const BEYOND_ASCII = /[\u0080-\uffff]/;

/** Pure ASCII, which is the fastest to read back: everything else is escaped as JSON allows. */
export function asciiJson(value: unknown): string {
  const written = JSON.stringify(value);
  if (!BEYOND_ASCII.test(written)) return written;
  return written.replace(
    /[\u0080-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function encodeLine(record: object): string {
  return lineOf(asciiJson(record));
}

/** @param json of one record, as asciiJson writes it */
export function lineOf(json: string): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/** undefined: not what encodeLine wrote. */
export function decodeLine(bytes: Buffer): unknown {
  if (bytes.length < 11 || bytes[8] !== 0x20) return undefined;
  let expected = 0;
  for (let i = 0; i < 8; i++) {
    const letter = bytes[i];
    const digit = letter >= 0x30 && letter <= 0x39 ? letter - 0x30 : letter - 0x57;
    if (digit < 0 || digit > 15 || (digit < 10 && letter > 0x39)) return undefined;
    expected = expected * 16 + digit;
  }
  if (crc32(bytes.subarray(9)) !== expected) return undefined;
  try {
    return JSON.parse(bytes.toString('latin1', 9));
  } catch {
    return undefined;
  }
}

function ioError(directory: string, cause: unknown): FirewallError {
  if (cause instanceof FirewallError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new FirewallError(
    'LEDGER_IO',
    `the ban ledger in ${directory} cannot be read or written: ${why}. Check its owner and the space left.`,
    { cause },
  );
}
