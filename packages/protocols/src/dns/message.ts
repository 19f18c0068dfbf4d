/** One DNS message (RFC 1035 section 4) taken apart; reused for the next one. */

import { MAX_LABELS, MAX_MESSAGE_LABELS, MAX_MESSAGE_NAME_BYTES, MAX_NAME_BYTES } from './limits';
import { RecordType } from './names';

/** Columns of the table of records. Names are ranges of `DnsMessage.names`, data are ranges of the message's bytes. */
export const Column = {
  NAME_START: 0,
  NAME_END: 1,
  TYPE: 2,
  TTL: 3,
  DATA_START: 4,
  DATA_END: 5,
  /** The name that the data is or begins with (CNAME, PTR, MX, NS; the primary server of SOA). */
  TARGET_START: 6,
  TARGET_END: 7,
} as const;
/** Numbers in a row of the table. */
export const ROW = 8;

export const Section = { QUERY: 0, ANSWER: 1, AUTHORITY: 2, ADDITIONAL: 3 } as const;

/** What is wrong with a message that could be read nevertheless; bits. */
export const Flaw = {
  NAME_TOO_LONG: 1,
  INFINITE_LOOP: 2,
  TOO_MANY_LABELS: 4,
  INVALID_AUTHORITIES: 8,
  INVALID_ADDITIONALS: 16,
} as const;

/** Outcome of `DnsMessage.read`. */
export const Reading = {
  READ: 0,
  /** The header cannot be that of a DNS message of this length. */
  NOT_DNS: 1,
  /** A record is broken. */
  MALFORMED: 2,
} as const;

export const HEADER_BYTES = 12;
/** Response (bit 15), and the bit that must be 0. */
export const FLAG_RESPONSE = 0x8000;
export const FLAG_RESERVED = 0x0040;

const { A, AAAA, CNAME, MX, NS, OPT, PTR, SOA, SRV, SSHFP, TXT } = RecordType;
const { INFINITE_LOOP, NAME_TOO_LONG, TOO_MANY_LABELS } = Flaw;
const NAME_ROOM = MAX_NAME_BYTES + 64;

export class DnsMessage {
  /** The bytes that were read; borrowed. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  id = 0;
  flags = 0;
  flaws = 0;
  /** Row after row; grows with the longest message seen, to at most one for every five bytes of it. */
  records = new Int32Array(16 * ROW);
  /** First record of each section, and behind the last one. */
  readonly sections = new Int32Array(5);
  /** All names in dotted form, one after another. */
  names = new Uint8Array(4096);
  /** Place behind the last record that could be read. */
  tail = 0;
  private used = 0;
  private labels = 0;
  /** Range of the name read last. */
  private nameStart = 0;
  private nameEnd = 0;

  get opcode(): number {
    return (this.flags >> 11) & 15;
  }

  get responseCode(): number {
    return this.flags & 15;
  }

  /** Number of records in a section. */
  count(section: number): number {
    return this.sections[section + 1] - this.sections[section];
  }

  /** Place of a record's row in `records`. */
  row(section: number, index: number): number {
    return (this.sections[section] + index) * ROW;
  }

  /** Reads a message. @returns one of `Reading` */
  read(bytes: Uint8Array, start: number, end: number): number {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.flaws = 0;
    this.used = 0;
    this.labels = 0;
    this.tail = start;
    this.sections.fill(0);
    if (!plausibleHeader(bytes, start, end, end - start)) return Reading.NOT_DNS;
    this.id = (bytes[start] << 8) | bytes[start + 1];
    this.flags = (bytes[start + 2] << 8) | bytes[start + 3];

    let at = this.readQueries(start + HEADER_BYTES, word(bytes, start + 4));
    if (at < 0) return Reading.MALFORMED;
    at = this.readRecords(at, Section.ANSWER, word(bytes, start + 6));
    if (at < 0) return Reading.MALFORMED;
    // Trailing sections are often cut off or broken by those who answer: what came before still counts.
    at = this.readRecords(at, Section.AUTHORITY, word(bytes, start + 8));
    if (at < 0) {
      this.flaws |= Flaw.INVALID_AUTHORITIES;
    } else if (this.readRecords(at, Section.ADDITIONAL, word(bytes, start + 10)) < 0) {
      this.flaws |= Flaw.INVALID_ADDITIONALS;
    }
    return Reading.READ;
  }

  private readQueries(start: number, count: number): number {
    const { bytes, end, sections } = this;
    let at = start;
    for (let i = 0; i < count; i++) {
      at = this.readName(at, end);
      if (at < 0 || at + 4 > end) return -1;
      const row = this.addRow(i);
      this.records[row + Column.TYPE] = (bytes[at] << 8) | bytes[at + 1];
      at += 4;
    }
    sections.fill(count, 1);
    this.tail = at;
    return at;
  }

  private readRecords(start: number, section: number, count: number): number {
    const { bytes, end, sections } = this;
    const first = sections[section];
    let at = start;
    for (let i = 0; i < count; i++) {
      at = this.readName(at, end);
      if (at < 0 || at + 10 > end) return -1;
      const row = this.addRow(first + i);
      const type = (bytes[at] << 8) | bytes[at + 1];
      const dataStart = at + 10;
      const dataEnd = dataStart + ((bytes[at + 8] << 8) | bytes[at + 9]);
      if (dataEnd > end) return -1;
      const { records } = this;
      records[row + Column.TYPE] = type;
      records[row + Column.TTL] =
        (bytes[at + 4] << 24) | (bytes[at + 5] << 16) | (bytes[at + 6] << 8) | bytes[at + 7];
      records[row + Column.DATA_START] = dataStart;
      records[row + Column.DATA_END] = dataEnd;
      if (!this.readData(type, dataStart, dataEnd, row)) return -1;
      at = dataEnd;
    }
    sections.fill(first + count, section + 1);
    this.tail = at;
    return at;
  }

  /** Adds a row with the name that was read last. */
  private addRow(index: number): number {
    const row = index * ROW;
    if (row + ROW > this.records.length) {
      const grown = new Int32Array(this.records.length * 2);
      grown.set(this.records);
      this.records = grown;
    }
    const { records } = this;
    records[row] = this.nameStart;
    records[row + Column.NAME_END] = this.nameEnd;
    records[row + Column.TARGET_START] = 0;
    records[row + Column.TARGET_END] = 0;
    return row;
  }

  /** Looks into the data of a record. @returns false where it is broken */
  private readData(type: number, start: number, end: number, row: number): boolean {
    switch (type) {
      case A:
      case AAAA:
        return true;
      case CNAME:
      case PTR:
      case NS:
        return this.readTarget(start, end, row) >= 0;
      case MX:
        return start + 2 <= end && this.readTarget(start + 2, end, row) >= 0;
      case SOA: {
        const mailbox = this.readTarget(start, end, row);
        const numbers = mailbox < 0 ? -1 : this.readName(mailbox, end);
        return numbers >= 0 && numbers + 20 <= end;
      }
      case SRV:
        return start + 6 <= end && this.readName(start + 6, end) >= 0;
      case TXT:
        return textsFit(this.bytes, start, end);
      case SSHFP:
        return start + 2 <= end;
      case OPT:
        return optionsFit(this.bytes, start, end);
      default:
        return true;
    }
  }

  private readTarget(start: number, end: number, row: number): number {
    const next = this.readName(start, end);
    this.records[row + Column.TARGET_START] = this.nameStart;
    this.records[row + Column.TARGET_END] = this.nameEnd;
    return next;
  }

  /**
   * Reads a name behind the others into `names`; labels are parted by dots, letters stay as they were sent.
   * @param limit end of what the name may lie in, until it points elsewhere
   * @returns place behind the name, below 0 where there is none
   */
  readName(start: number, limit: number): number {
    const { bytes, end } = this;
    this.makeRoom();
    const { names } = this;
    const from = this.used;
    const most = Math.min(from + MAX_NAME_BYTES, MAX_MESSAGE_NAME_BYTES);
    let to = from;
    let at = start;
    let stop = limit;
    // Where the record goes on once a pointer was followed.
    let next = -1;
    let cut = false;
    let count = 0;
    while (at < stop) {
      const length = bytes[at];
      if (length === 0) {
        at++;
        break;
      }
      if (length < 0x40) {
        const labelEnd = at + 1 + length;
        if (labelEnd > stop) return -1;
        if (!cut) {
          if (to > from) names[to++] = 0x2e;
          for (let i = at + 1; i < labelEnd; i++) names[to++] = bytes[i];
        }
        at = labelEnd;
      } else if (length >= 0xc0) {
        if (at + 2 > stop) return -1;
        const target = this.start + (((length & 0x3f) << 8) | bytes[at + 1]);
        if (target > end) return -1;
        if (target === at) {
          if (next < 0) return -1;
          this.flaws |= INFINITE_LOOP;
          break;
        }
        if (next < 0) next = at + 2;
        at = target;
        stop = end;
      } else {
        return -1;
      }
      if (++count > MAX_LABELS || ++this.labels > MAX_MESSAGE_LABELS) {
        if (next < 0) return -1;
        this.flaws |= TOO_MANY_LABELS | NAME_TOO_LONG;
        break;
      }
      if (to > most) {
        to = most;
        cut = true;
        this.flaws |= NAME_TOO_LONG;
        if (next >= 0) break;
      }
    }
    this.nameStart = from;
    this.nameEnd = Math.max(to, from);
    this.used = this.nameEnd;
    return next < 0 ? at : next;
  }

  /** Room for one name more; `readName` writes at most a label beyond the longest. */
  private makeRoom(): void {
    if (this.used + NAME_ROOM <= this.names.length) return;
    const grown = new Uint8Array(this.names.length * 2);
    grown.set(this.names.subarray(0, this.used));
    this.names = grown;
  }

  /** The name at a place in the message as text, for those who tell of it. */
  nameAt(start: number, limit: number): string {
    return this.readName(start, limit) < 0 ? '' : this.text(this.nameStart, this.nameEnd);
  }

  /** A range of `names` as text. */
  text(start: number, end: number): string {
    return Buffer.from(this.names.buffer, this.names.byteOffset + start, end - start).toString('latin1');
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/**
 * Whether a header can be that of a message of `length` bytes: every record takes two bytes at least, a message
 * without records ends with its header, and who asks nothing does not ask.
 */
export function plausibleHeader(bytes: Uint8Array, start: number, end: number, length: number): boolean {
  if (end - start < HEADER_BYTES) return false;
  const queries = word(bytes, start + 4);
  const records = queries + word(bytes, start + 6) + word(bytes, start + 8) + word(bytes, start + 10);
  if (records * 2 > length) return false;
  if (records === 0 && length > HEADER_BYTES) return false;
  return (word(bytes, start + 2) & FLAG_RESPONSE) !== 0 || queries > 0;
}

function textsFit(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) at += 1 + bytes[at];
  return at === end;
}

function optionsFit(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at + 4 <= end) at += 4 + word(bytes, at + 2);
  return at === end;
}
