/**
 * One mail message (RFC 5322) with its MIME parts (RFC 2045, RFC 2046), line by line: the fields of its header, and its
 * attachments as files. A part is a file when it has a name.
 *
 * Invariant: nothing of a body is held but what the files hold, the ending of a line and a group of base64.
 */

import type { FileTracker } from '../files/file-tracker';
import type { TrackedFile } from '../files/tracked-file';
import { copied } from '../lines/copied';
import { Base64Decoder } from './base64';
import { BodyHash } from './body-hash';
import { MimeEvent } from './events';
import { HeaderFields } from './header-fields';
import type { MimeOptions } from './options';
import { findParameter } from './parameters';
import { decodeQuotedPrintable, QuotedPrintableState } from './quoted-printable';
import { UrlCollector } from './urls';
import { decodeUuencodedLine, isUuencodeEnd, uuencodeBegin } from './uuencode';

/** Parts within parts that are told apart. */
export const MOST_BOUNDARIES = 64;
/** Bytes of a boundary that are compared. */
const BOUNDARY_BYTES = 1024;
/** Limits of RFC 2045 and RFC 5322 beyond which there is an event. */
const LONG_LINE = 998;
const LONG_ENCODED_LINE = 76;
const LONG_HEADER_NAME = 75;
const LONG_BOUNDARY = 254;
const LONG_FILE_NAME = 255;
/** What a message costs besides what it holds. */
const OVERHEAD = 1000;

const DASH = 0x2d;
const LF = 0x0a;
const CR = 0x0d;
const LINE_END = Uint8Array.of(CR, LF);

const State = {
  /** Behind a boundary, or at the beginning: no field was seen yet. */
  HEADER_START: 0,
  HEADER: 1,
  BODY: 2,
  OVER: 3,
} as const;

const Encoding = { PLAIN: 0, BASE64: 1, QUOTED_PRINTABLE: 2, UUENCODE: 3 } as const;

/** Hears what happens in a message while its lines are handed over. */
export interface MimeListener {
  onMimeEvent(event: MimeEvent): void;
  /** A file has filled its window: show it, so that it can go on. */
  onFileFull(): void;
}

/** Decoded bytes of the line in hand; lines and pieces of lines are shorter. */
const scratch = new Uint8Array(8192);
const quoted = new QuotedPrintableState();

export class MimeMessage {
  /** Fields of the message's own header. */
  readonly header = new HeaderFields();
  /** The header is there, empty or not. */
  headerComplete = false;
  readonly urls: UrlCollector;
  /** MD5 hash of the body as sent, in hexadecimal letters; null until the message is over. */
  bodyMd5: Uint8Array | null = null;
  private state: number = State.HEADER_START;
  /** Fields of the part in hand; the message's own until its header is complete. */
  private fields = this.header;
  private readonly partFields = new HeaderFields();
  /** Lines that separate parts, outermost first, with the two dashes. */
  private readonly boundaries: Uint8Array[] = [];
  private encoding: number = Encoding.PLAIN;
  private file: TrackedFile | null = null;
  /** Lines of the part may be inspected for addresses though it is no file. */
  private readable = true;
  /** The ending of the last line, which may belong to the boundary that follows. */
  private heldEnding = 0;
  private named = false;
  private readonly base64 = new Base64Decoder();
  private readonly hash: BodyHash | null;

  constructor(
    private readonly files: FileTracker,
    private readonly options: MimeOptions,
    private readonly listener: MimeListener,
  ) {
    this.urls = new UrlCollector(options.extractUrls ? options.urlSchemes : [], options.keepUrlScheme);
    this.hash = options.bodyMd5 ? new BodyHash() : null;
  }

  get inBody(): boolean {
    return this.state === State.BODY;
  }

  /**
   * Takes a line or a piece of one, `bytes[from, end)`, of at most 4097 bytes.
   * @param ending bytes of the line's ending; 0 where the line goes on
   * @param startsLine the piece is the first of its line
   * @param dotted the sender has put a dot before the line (RFC 5321 section 4.5.2): the hash of the body counts it
   */
  line(
    bytes: Uint8Array,
    from: number,
    end: number,
    ending: number,
    startsLine: boolean,
    dotted = false,
  ): void {
    const start = dotted ? from + 1 : from;
    if (end - start > LONG_LINE) this.event(MimeEvent.LONG_LINE);
    if (this.headerComplete && this.hash !== null) {
      this.hash.add(bytes, from, end);
      this.hash.add(LINE_END, 2 - ending, 2);
    }
    if (this.state === State.BODY) {
      if (startsLine && this.isBoundary(bytes, start, end)) return;
      this.bodyLine(bytes, start, end, ending, startsLine);
    } else if (this.state === State.OVER) return;
    else if (startsLine) this.headerLine(bytes, start, end);
    else this.fields.continue(bytes, start, end);
  }

  /** `length` bytes of the message are missing. */
  gap(length: number): void {
    if (this.state !== State.BODY) {
      this.endHeader();
      return;
    }
    this.heldEnding = 0;
    // How many bytes a coded piece would have given can only be guessed: what follows is a new run in any case.
    this.file?.gap(length);
    this.base64.begin();
  }

  /** The message is over. @param complete its end was seen */
  finish(complete: boolean): void {
    if (this.state === State.OVER) return;
    if (this.state !== State.BODY && !this.headerComplete) this.endHeader();
    this.closeFile(complete);
    this.state = State.OVER;
    if (complete && this.hash !== null) this.bodyMd5 = this.hash.digest();
  }

  heldBytes(): number {
    return (
      OVERHEAD +
      (this.hash === null ? 0 : BodyHash.BYTES) +
      this.header.heldBytes() +
      this.partFields.heldBytes() +
      this.urls.heldBytes()
    );
  }

  private headerLine(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) {
      this.endHeader();
      return;
    }
    const { fields } = this;
    if (this.state === State.HEADER && (bytes[start] === 0x20 || bytes[start] === 0x09)) {
      fields.continue(bytes, start + 1, end);
      return;
    }
    const before = fields.fields.length;
    if (!fields.add(bytes, start, end)) return;
    this.state = State.HEADER;
    if (fields.fields.length === before) return;
    const { name, value } = fields.fields[before];
    if (name.length > LONG_HEADER_NAME) this.event(MimeEvent.LONG_HEADER_NAME);
    if (value.length > this.options.headerValueDepth) this.event(MimeEvent.LONG_HEADER_VALUE);
  }

  /** The empty line behind a header: what is the body? */
  private endHeader(): void {
    const { fields } = this;
    this.state = State.BODY;
    this.headerComplete = true;
    this.fields = this.partFields;
    this.heldEnding = 0;
    this.encoding = encodingOf(fields.token('content-transfer-encoding'));
    this.base64.begin();
    const type = fields.find('content-type');
    const essence = type === null ? '' : essenceOf(type);
    this.readable = type === null ? this.readable : essence === 'text/plain' || essence === 'text/html';
    const nested = type === null ? null : this.findBoundary(type, essence, fields === this.header);
    const name = nested ? null : this.findName(fields, type);
    if (essence === 'message/rfc822' && name === null && this.encoding === Encoding.PLAIN) {
      // A message within: its header follows.
      this.partFields.clear();
      this.state = State.HEADER_START;
      return;
    }
    if (name !== null) this.openFile(name, 0, name.length);
  }

  /** Notes what separates the parts within. @returns whether the body has parts */
  private findBoundary(type: Uint8Array, essence: string, outermost: boolean): boolean {
    if (!outermost && !essence.startsWith('multipart/')) return false;
    const boundary = findParameter(type, 'boundary');
    if (boundary === null || boundary.length === 0) return false;
    if (boundary.length > LONG_BOUNDARY) this.event(MimeEvent.LONG_BOUNDARY);
    if (this.boundaries.length >= MOST_BOUNDARIES) {
      this.event(MimeEvent.TOO_DEEP);
      return false;
    }
    const line = new Uint8Array(Math.min(boundary.length, BOUNDARY_BYTES) + 2);
    line[0] = DASH;
    line[1] = DASH;
    line.set(boundary.subarray(0, BOUNDARY_BYTES), 2);
    this.boundaries.push(line);
    // A message that is an attachment itself may say so beside its parts.
    return !outermost || essence.startsWith('multipart/');
  }

  private findName(fields: HeaderFields, type: Uint8Array | null): Uint8Array | null {
    const disposition = fields.find('content-disposition');
    let name = disposition === null ? null : findParameter(disposition, 'filename');
    if ((name === null || name.length === 0) && type !== null) name = findParameter(type, 'name');
    if (name === null || name.length === 0) return null;
    if (name.length > LONG_FILE_NAME) this.event(MimeEvent.LONG_FILE_NAME);
    return name.subarray(0, LONG_FILE_NAME);
  }

  private openFile(bytes: Uint8Array, start: number, end: number): void {
    const { decodeBase64, decodeQuotedPrintable: decodeQuoted } = this.options;
    this.named = true;
    if (this.encoding === Encoding.BASE64 && !decodeBase64) return;
    if (this.encoding === Encoding.QUOTED_PRINTABLE && !decodeQuoted) return;
    this.file = this.files.open();
    this.file?.setName(copied(bytes, start, end), 0, end - start);
  }

  private closeFile(complete: boolean): void {
    const { file } = this;
    if (this.encoding === Encoding.BASE64) this.decoded(file, scratch, 0, this.base64.finish(scratch, 0));
    this.urls.flush();
    file?.close(complete);
    this.file = null;
    this.named = false;
  }

  /** A line that separates parts begins with two dashes and the boundary, whatever comes behind. */
  private isBoundary(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < 2 || bytes[start] !== DASH || bytes[start + 1] !== DASH) return false;
    const { boundaries } = this;
    for (let depth = boundaries.length - 1; depth >= 0; depth--) {
      if (!beginsWith(bytes, start, end, boundaries[depth])) continue;
      boundaries.length = depth + 1;
      this.closeFile(true);
      this.partFields.clear();
      this.fields = this.partFields;
      this.encoding = Encoding.PLAIN;
      this.readable = true;
      this.state = State.HEADER_START;
      return true;
    }
    return false;
  }

  private bodyLine(bytes: Uint8Array, start: number, end: number, ending: number, startsLine: boolean): void {
    const { file, encoding } = this;
    if (!this.named) {
      if (startsLine && encoding === Encoding.PLAIN) this.beginUuencoded(bytes, start, end);
      if (!this.readable) return;
    } else if (file === null) return;
    switch (encoding) {
      case Encoding.BASE64: {
        this.checkEncodedLine(end - start);
        const stop = this.base64.push(bytes, start, end, scratch, 0);
        if (this.base64.invalid && this.named) this.event(MimeEvent.INVALID_BASE64);
        this.base64.invalid = false;
        this.decoded(file, scratch, 0, stop);
        return;
      }
      case Encoding.QUOTED_PRINTABLE: {
        this.checkEncodedLine(end - start);
        const stop = decodeQuotedPrintable(bytes, start, end, scratch, 0, quoted);
        if (quoted.invalid && this.named) this.event(MimeEvent.INVALID_QUOTED_PRINTABLE);
        this.decoded(file, scratch, 0, stop);
        if (!quoted.softBreak && ending > 0) this.decoded(file, LINE_END, 2 - ending, 2);
        return;
      }
      case Encoding.UUENCODE:
        if (file !== null) this.uuencodedLine(file, bytes, start, end);
        return;
      default:
        this.urls.scan(bytes, start, end);
        if (file === null) return;
        if (this.heldEnding > 0) this.write(file, LINE_END, 2 - this.heldEnding, 2);
        this.heldEnding = ending;
        this.write(file, bytes, start, end);
    }
  }

  private checkEncodedLine(length: number): void {
    if (length > LONG_ENCODED_LINE && this.named) this.event(MimeEvent.LONG_ENCODED_LINE);
  }

  /** An attachment without MIME: a line in the text says that one begins. */
  private beginUuencoded(bytes: Uint8Array, start: number, end: number): void {
    const name = uuencodeBegin(bytes, start, end);
    if (name < 0) return;
    this.encoding = Encoding.UUENCODE;
    this.openFile(bytes, name, Math.min(end, name + LONG_FILE_NAME));
  }

  private uuencodedLine(file: TrackedFile, bytes: Uint8Array, start: number, end: number): void {
    if (isUuencodeEnd(bytes, start, end)) {
      this.closeFile(true);
      this.encoding = Encoding.PLAIN;
      return;
    }
    const stop = decodeUuencodedLine(bytes, start, end, scratch, 0);
    if (stop > 0) this.decoded(file, scratch, 0, stop);
  }

  /** Text or bytes as they were before they were encoded; texts are looked through whether they are a file or not. */
  private decoded(file: TrackedFile | null, bytes: Uint8Array, start: number, end: number): void {
    this.urls.push(bytes, start, end);
    if (file !== null) this.write(file, bytes, start, end);
  }

  private write(file: TrackedFile, bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    let stalled = false;
    while (at < end) {
      const taken = file.append(bytes, at, end);
      if (taken >= end) return;
      // A window that was shown has room again; one that has none all the same takes no more.
      if (taken === at && stalled) return;
      stalled = taken === at;
      this.listener.onFileFull();
      at = taken;
    }
  }

  private event(event: MimeEvent): void {
    this.listener.onMimeEvent(event);
  }
}

function encodingOf(token: string): number {
  switch (token) {
    case 'base64':
      return Encoding.BASE64;
    case 'quoted-printable':
      return Encoding.QUOTED_PRINTABLE;
    case 'uuencode':
    case 'x-uuencode':
    case 'x-uue':
      return Encoding.UUENCODE;
    default:
      return Encoding.PLAIN;
  }
}

/** `type/subtype` in lower case. */
function essenceOf(type: Uint8Array): string {
  const semicolon = type.indexOf(0x3b);
  return Buffer.from(semicolon < 0 ? type : type.subarray(0, semicolon))
    .toString('latin1')
    .trim()
    .toLowerCase();
}

function beginsWith(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}
