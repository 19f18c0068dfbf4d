import { EntryFlag } from './address-table';
import { eachLine } from './feed-lines';
import { MAX_CATEGORY_NAME, NAMED_BAD_LINES } from './limits';
import { find, WebAddress } from './web-address';

/** How a feed is written. */
export type FeedForm = 'hosts' | 'domains' | 'urls' | 'csv';

export interface FeedSettings {
  readonly form: FeedForm;
  /** An entry without a wildcard covers the subdomains too; default: in the form `domains`. */
  readonly subdomains?: boolean | undefined;
  /** For `csv`: which column has the address, from 1. */
  readonly column?: number | undefined;
  /** For `csv`: which column has the category of the line, from 1; absent: all are of one. */
  readonly categoryColumn?: number | undefined;
  readonly delimiter?: string | undefined;
  /** For `csv`: the first line holds the names of the columns. */
  readonly header?: boolean | undefined;
}

export interface BadLine {
  readonly line: number;
  readonly reason: string;
}

/** What was read of a feed. */
export interface FeedLines {
  /** Lines that hold something. */
  lines: number;
  /** Lines that could not be used, in whole or in part. */
  bad: number;
  /** The first of them. */
  readonly badLines: BadLine[];
}

/**
 * Gets each address that a feed holds.
 * @param category that the line names; null: none
 * @returns what is wrong with it; null: nothing
 */
export type EntrySink = (address: WebAddress, flags: number, category: string | null) => string | null;

const { ITSELF, SUBDOMAINS } = EntryFlag;
const SPACE = 0x20;
const TAB = 0x09;
const HASH = 0x23;
const SEMICOLON = 0x3b;
const BANG = 0x21;
const DOT = 0x2e;
const STAR = 0x2a;
const COLON = 0x3a;
const SLASH = 0x2f;
const QUOTE = 0x22;

/** Names of every machine itself, with which hosts files begin. */
const OWN_NAMES = new Set([
  'localhost',
  'localhost.localdomain',
  'local',
  'broadcasthost',
  'ip6-localhost',
  'ip6-loopback',
  'ip6-localnet',
  'ip6-mcastprefix',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-allhosts',
  '0.0.0.0',
]);

/** Reads one feed. @throws FeedError where the file cannot be read */
export function readFeed(path: string, settings: FeedSettings, sink: EntrySink): FeedLines {
  const result: FeedLines = { lines: 0, bad: 0, badLines: [] };
  const reader = new FeedLineReader(settings, sink);
  eachLine(path, (bytes, start, end, number) => {
    const wrong = end < 0 ? 'it is too long' : reader.read(bytes, start, end, number);
    if (wrong === undefined) return;
    result.lines++;
    if (wrong === null) return;
    result.bad++;
    if (result.badLines.length < NAMED_BAD_LINES) result.badLines.push({ line: number, reason: wrong });
  });
  return result;
}

/** Takes the addresses out of one line after the other. */
export class FeedLineReader {
  private readonly address = new WebAddress();
  private readonly plainFlags: number;

  constructor(
    private readonly settings: FeedSettings,
    private readonly sink: EntrySink,
  ) {
    const subdomains = settings.subdomains ?? settings.form === 'domains';
    this.plainFlags = subdomains ? ITSELF | SUBDOMAINS : ITSELF;
  }

  /** @returns what is wrong with the line; null: nothing; undefined: it is empty or a comment */
  read(bytes: Uint8Array, start: number, end: number, number: number): string | null | undefined {
    while (start < end && isSpace(bytes[start] as number)) start++;
    while (end > start && isSpace(bytes[end - 1] as number)) end--;
    if (start === end) return undefined;
    const first = bytes[start];
    if (first === HASH || first === SEMICOLON || first === BANG) return undefined;
    if (first === SLASH && bytes[start + 1] === SLASH) return undefined;
    switch (this.settings.form) {
      case 'hosts':
        return this.readHosts(bytes, start, end);
      case 'domains':
        return this.entry(bytes, start, withoutComment(bytes, start, end), null);
      case 'urls':
        return this.entry(bytes, start, end, null);
      case 'csv':
        if (number === 1 && this.settings.header === true) return undefined;
        return this.readRow(bytes, start, end);
    }
  }

  /** `address name [name…] [# comment]`. */
  private readHosts(bytes: Uint8Array, start: number, end: number): string | null {
    const last = withoutComment(bytes, start, end);
    let at = wordEnd(bytes, start, last);
    if (!isIpAddress(bytes, start, at)) return 'it does not begin with an IP address';
    let wrong: string | null = null;
    let names = 0;
    for (;;) {
      while (at < last && isSpace(bytes[at] as number)) at++;
      if (at >= last) break;
      const next = wordEnd(bytes, at, last);
      names++;
      if (!OWN_NAMES.has(textOf(bytes, at, next))) wrong = this.entry(bytes, at, next, null) ?? wrong;
      at = next;
    }
    return names === 0 ? 'there is no name behind the address' : wrong;
  }

  /** A row of RFC 4180, on one line. */
  private readRow(bytes: Uint8Array, start: number, end: number): string | null {
    const { column = 1, categoryColumn, delimiter = ',' } = this.settings;
    const separator = delimiter.charCodeAt(0);
    let address: Uint8Array | null = null;
    let category: string | null = null;
    let at = start;
    for (let number = 1; at <= end; number++) {
      const field = fieldAt(bytes, at, end, separator);
      if (field === null) return 'a quoted field does not end';
      if (number === column) address = bytes.subarray(field.start, field.end);
      if (number === categoryColumn)
        category = textOf(bytes, field.start, field.end).trim().slice(0, MAX_CATEGORY_NAME);
      at = field.next;
    }
    if (address === null || address.length === 0) return `column ${column} is empty or is not there`;
    return this.entry(address, 0, address.length, category === '' ? null : category);
  }

  /** `[*.|.]host`, `[scheme://][*.]host[:port][/path]`, or an IP address. */
  private entry(bytes: Uint8Array, start: number, end: number, category: string | null): string | null {
    const { address } = this;
    while (start < end && isSpace(bytes[start] as number)) start++;
    while (end > start && isSpace(bytes[end - 1] as number)) end--;
    if (end > start && bytes[start] !== 0x5b && isBareIpv6(bytes, start, end)) {
      const bracketed = Buffer.from(`[${textOf(bytes, start, end)}]`, 'latin1');
      return this.entry(bracketed, 0, bracketed.length, category);
    }
    let flags = this.plainFlags;
    let from = hostStart(bytes, start, end);
    if (bytes[from] === STAR && bytes[from + 1] === DOT) {
      from += 2;
      flags = SUBDOMAINS;
    } else if (bytes[from] === DOT) {
      from++;
      flags = ITSELF | SUBDOMAINS;
    }
    if (!address.readUrl(bytes, from, end)) return 'it is neither a host name nor an address';
    if (address.cut) return 'its path is too long';
    // One label is the whole of a top-level domain, or nobody's name.
    if (address.labels === 1 && !address.isIpAddress)
      return 'its name has no dot: it would cover a whole top-level domain';
    if (address.isIpAddress) flags = ITSELF;
    return this.sink(address, flags, category);
  }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

function wordEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && !isSpace(bytes[at] as number)) at++;
  return at;
}

function withoutComment(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === HASH) return at;
  return end;
}

/** Behind `scheme://`. */
function hostStart(bytes: Uint8Array, start: number, end: number): number {
  const colon = find(bytes, COLON, start, end);
  if (colon < 0 || colon + 2 >= end) return start;
  return bytes[colon + 1] === SLASH && bytes[colon + 2] === SLASH ? colon + 3 : start;
}

function isIpAddress(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    isBareIpv6(bytes, start, end) ||
    /^\d{1,3}(\.\d{1,3}){3}$/.test(textOf(bytes, start, Math.min(end, start + 16)))
  );
}

/** Hexadecimal digits with at least two colons, perhaps a dotted quad, perhaps a zone. */
function isBareIpv6(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 64) return false;
  let colons = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === COLON) colons++;
    else if (byte === 0x25) break;
    else if (
      byte !== DOT &&
      !((byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66))
    )
      return false;
  }
  return colons >= 2;
}

/** @returns where the field's text is and where the next field begins (behind `end` after the last); null: its quotes do not end */
function fieldAt(
  bytes: Uint8Array,
  at: number,
  end: number,
  separator: number,
): { start: number; end: number; next: number } | null {
  let start = at;
  while (start < end && isSpace(bytes[start] as number)) start++;
  if (bytes[start] === QUOTE && start < end) {
    let close = find(bytes, QUOTE, start + 1, end);
    // Doubled quotes stand for one, which no address has: the field is taken as it stands.
    while (close >= 0 && close + 1 < end && bytes[close + 1] === QUOTE)
      close = find(bytes, QUOTE, close + 2, end);
    if (close < 0) return null;
    const next = find(bytes, separator, close, end);
    return { start: start + 1, end: close, next: next < 0 ? end + 1 : next + 1 };
  }
  const next = find(bytes, separator, at, end);
  const last = next < 0 ? end : next;
  return { start: at, end: last, next: last + 1 };
}
