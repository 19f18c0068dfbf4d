/** One mail: its envelope, its header and its attachments. */

import type { BufferPool } from '../buffer-pool';
import { showBytes } from '../buffer-view';
import { FILE_BUFFER_COUNT, FileTracker } from '../files/file-tracker';
import type { FilePolicy } from '../files/policy';
import { COPY_OVERHEAD } from '../lines/copied';
import type { MimeMessage } from '../mime/message';
import type { BufferView, MatchState, Transaction } from '../transaction';
import { HEADER_BUFFERS, SmtpBuffer } from './buffers';
import { MOST_RECIPIENTS, RECIPIENT_BYTES } from './limits';
import { SmtpProgress } from './progress';

/** What a transaction costs besides what it holds. */
const OVERHEAD = 600;

export class SmtpTransaction implements Transaction {
  matchState: MatchState = null;
  reached: number = SmtpProgress.NONE;
  /** What the client calls itself, in this session. */
  helo: Uint8Array | null = null;
  mailFrom: Uint8Array | null = null;
  readonly recipients: Uint8Array[] = [];
  mime: MimeMessage | null = null;
  readonly files: FileTracker;
  /** Bits of the events it has had. */
  events = 0;
  /** Something has changed that the listener has not seen. */
  dirty = false;
  private recipientBytes = 0;
  private heloShown = false;
  private mailFromShown = false;
  private recipientsShown = 0;
  private urlsShown = 0;

  constructor(
    readonly id: number,
    pool: BufferPool,
    policy: FilePolicy,
  ) {
    this.files = new FileTracker(pool, policy);
  }

  progress(): number {
    return this.reached;
  }

  /** @returns false where there are as many as are kept */
  addRecipient(address: Uint8Array): boolean {
    if (this.recipients.length >= MOST_RECIPIENTS || this.recipientBytes + address.length > RECIPIENT_BYTES)
      return false;
    this.recipients.push(address);
    this.recipientBytes += address.length;
    return true;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    if (id < SmtpBuffer.FILES + FILE_BUFFER_COUNT) return this.files.fill(id - SmtpBuffer.FILES, index, out);
    const { mime } = this;
    switch (id) {
      case SmtpBuffer.HELO:
        return this.helo !== null && this.helo.length > 0 && fill(out, this.helo, this.heloShown);
      case SmtpBuffer.MAIL_FROM:
        return this.mailFrom !== null && fill(out, this.mailFrom, this.mailFromShown);
      case SmtpBuffer.RCPT_TO:
        return fillFrom(this.recipients, index, out, this.recipientsShown);
      case SmtpBuffer.URL:
        return mime !== null && fillFrom(mime.urls.urls, index, out, this.urlsShown);
      case SmtpBuffer.BODY_MD5:
        return mime !== null && mime.bodyMd5 !== null && fill(out, mime.bodyMd5, false);
      case SmtpBuffer.RECEIVED:
        return this.field('received', index, out);
      default:
        return this.field(HEADER_BUFFERS[id - SmtpBuffer.FIELDS][1], 0, out);
    }
  }

  seenOccurrences(id: number): number {
    if (id === SmtpBuffer.RCPT_TO) return this.recipientsShown;
    return id === SmtpBuffer.URL ? this.urlsShown : 0;
  }

  /** The listener has seen it as it is. */
  shown(): void {
    this.dirty = false;
    this.heloShown = this.helo !== null;
    this.mailFromShown = this.mailFrom !== null;
    this.recipientsShown = this.recipients.length;
    this.urlsShown = this.mime?.urls.urls.length ?? 0;
    this.files.shown();
  }

  heldBytes(): number {
    const recipients = this.recipientBytes + this.recipients.length * COPY_OVERHEAD;
    return OVERHEAD + recipients + (this.mime?.heldBytes() ?? 0) + this.files.heldBytes();
  }

  /** Gives its memory back. */
  release(): void {
    this.files.clear();
    this.recipients.length = 0;
    this.recipientBytes = 0;
    this.mime = null;
  }

  private field(name: string, index: number, out: BufferView): boolean {
    if (this.mime === null || !this.mime.headerComplete) return false;
    const value = this.mime.header.find(name, index);
    return value !== null && fill(out, value, false);
  }
}

function fillFrom(list: readonly Uint8Array[], index: number, out: BufferView, shown: number): boolean {
  return index >= 0 && index < list.length && fill(out, list[index], index < shown);
}

function fill(out: BufferView, bytes: Uint8Array, shown: boolean): true {
  showBytes(out, bytes, 0, bytes.length);
  if (shown) out.fresh = bytes.length;
  return true;
}
