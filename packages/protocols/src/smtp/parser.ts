/**
 * SMTP of one flow (RFC 5321): commands and replies, and the mails between them.
 *
 * A transaction lasts from the first command to the end of the mail; RSET ends it too. Invariant: at most one
 * transaction is open.
 */

import type { TrackedFile } from '../files/tracked-file';
import { LONGEST_PIECE } from '../frames/growing-frames';
import { LineReader, LongLines } from '../lines/line-reader';
import { beginsWithWord, word } from '../lines/words';
import type { MimeEvent } from '../mime/events';
import { type MimeListener, MimeMessage } from '../mime/message';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { bdatChunk, Command, commandOf, parameterOf } from './commands';
import type { SmtpContext } from './context';
import { eventBit, SmtpEvent } from './events';
import { LINE_BYTES } from './limits';
import { MailFrames } from './mail-frames';
import { SmtpProgress } from './progress';
import { isContinued, PendingCommands, replyCode } from './replies';
import { SmtpTransaction } from './transaction';

const { TO_SERVER, TO_CLIENT } = Directions;

/** What the bytes of the client are. */
const Mode = {
  COMMANDS: 0,
  /** A mail up to the line with a dot. */
  DATA: 1,
  /** A chunk of a mail of known length. */
  CHUNK: 2,
  /** Another protocol. */
  OVER: 3,
} as const;

const DOT = 0x2e;
const RAW_NAME = word('rawmsg');
const PIPELINING = word('PIPELINING');
const LINE_END = Uint8Array.of(0x0d, 0x0a);

export class SmtpParser implements ProtocolParser, MimeListener {
  readonly protocol = 'smtp';
  private mode: number = Mode.COMMANDS;
  private tx: SmtpTransaction | null = null;
  private nextId = 0;
  private helo: Uint8Array | null = null;
  /** The server has greeted. */
  private greeted = false;
  private inReply = false;
  /** The server takes commands before it has answered the one before. */
  private pipelining = false;
  /** Bytes of the chunk that are still to come, and whether it is the last one of its mail. */
  private chunkLeft = 0;
  private chunkIsLast = false;
  /** The chunk before has ended within a line. */
  private chunkEndsOpen = false;
  private raw: TrackedFile | null = null;
  private readonly pending = new PendingCommands();
  private readonly commands: LineReader;
  private readonly mail: LineReader;
  private readonly replies: LineReader;

  /** Only where a rule looks at frames. */
  private frames: MailFrames | null = null;

  constructor(
    private readonly context: SmtpContext,
    private readonly listener: TransactionListener,
  ) {
    this.commands = new LineReader(context.pool, LINE_BYTES);
    this.mail = new LineReader(context.pool, LINE_BYTES);
    this.replies = new LineReader(context.pool, LINE_BYTES);
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const { context, listener } = this;
    if (context.frames.wanted !== 0) this.frames ??= new MailFrames(context.pool, context.frames, listener);
    if (direction === TO_SERVER && this.frames !== null) this.feedFramed(this.frames, bytes, start, end);
    else if (direction === TO_SERVER) this.feedClient(bytes, start, end);
    else this.feedServer(bytes, start, end);
  }

  gap(direction: Direction, length: number): void {
    if (!(length > 0) || this.mode === Mode.OVER) return;
    if (direction === TO_SERVER) this.frames?.skip(length);
    if (direction === TO_CLIENT) {
      this.replies.skip();
      this.inReply = false;
      // The reply to DATA may be among what is missing, and it is a yes more often than not.
      if (this.pending.youngest === Command.DATA && this.mode === Mode.COMMANDS) this.mode = Mode.DATA;
      this.pending.clear();
      return;
    }
    if (this.mode === Mode.COMMANDS) {
      this.commands.skip();
      return;
    }
    this.mail.clear();
    const inside = this.mode === Mode.CHUNK ? Math.min(length, this.chunkLeft) : length;
    this.tx?.mime?.gap(inside);
    this.raw?.gap(inside);
    if (this.mode !== Mode.CHUNK) return;
    this.chunkLeft -= inside;
    if (this.chunkLeft > 0) return;
    this.endChunk(false);
    if (inside < length) this.commands.skip();
  }

  close(direction: Direction): void {
    if (direction === TO_CLIENT) {
      this.replies.clear();
      return;
    }
    if (this.mail.flush()) this.mailLine();
    this.frames?.clear();
    this.end();
    this.commands.clear();
    this.mail.clear();
    this.pending.clear();
    this.mode = Mode.OVER;
  }

  heldBytes(): number {
    const { commands, mail, replies, pending, tx } = this;
    return (
      commands.heldBytes() +
      mail.heldBytes() +
      replies.heldBytes() +
      pending.heldBytes() +
      (this.mode === Mode.OVER ? 0 : (this.helo?.length ?? 0)) +
      (tx?.heldBytes() ?? 0) +
      (this.frames?.heldBytes() ?? 0)
    );
  }

  reset(): void {
    this.frames?.clear();
    this.frames = null;
    this.end();
    this.commands.clear();
    this.mail.clear();
    this.replies.clear();
    this.pending.clear();
    this.mode = Mode.COMMANDS;
    this.nextId = 0;
    this.helo = null;
    this.greeted = false;
    this.inReply = false;
    this.pipelining = false;
    this.chunkLeft = 0;
    this.chunkEndsOpen = false;
  }

  onMimeEvent(event: MimeEvent): void {
    this.event(TO_SERVER, event);
  }

  onFileFull(): void {
    this.notify();
  }

  // --- client ---

  /** Reads what rules want to see as frames too, which hold so much at a time. */
  private feedFramed(frames: MailFrames, bytes: Uint8Array, start: number, end: number): void {
    for (let from = start; from < end; from += LONGEST_PIECE) {
      const to = Math.min(end, from + LONGEST_PIECE);
      frames.add(bytes, from, to);
      this.feedClient(bytes, from, to);
      frames.step(to, this.inMail);
      frames.settle();
    }
  }

  private get inMail(): boolean {
    return this.mode === Mode.DATA || this.mode === Mode.CHUNK;
  }

  private feedClient(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.frames !== null) this.frames.step(at, this.inMail);
      switch (this.mode) {
        case Mode.COMMANDS:
          at = this.commands.next(bytes, at, end, LongLines.DISCARD);
          if (this.commands.ready) this.commandLine();
          break;
        case Mode.DATA:
          at = this.mail.next(bytes, at, end, LongLines.CONTINUE);
          if (this.mail.ready) this.mailLine();
          break;
        case Mode.CHUNK:
          at = this.chunkBytes(bytes, at, end);
          break;
        default:
          return;
      }
    }
    this.commands.release();
    this.mail.release();
    if (this.tx !== null && (this.tx.dirty || this.tx.files.grown)) this.notify();
  }

  private commandLine(): void {
    const { bytes, start, end, cut } = this.commands;
    this.frames?.command(bytes, start, end, !cut);
    const command = commandOf(bytes, start, end);
    const tx = this.transactionFor(command);
    if (tx !== null) {
      tx.dirty = true;
      if (!this.greeted) this.event(TO_SERVER, SmtpEvent.NO_SERVER_WELCOME_MESSAGE);
    }
    // The line that a chunk has begun goes on: there is more of it than was said.
    if (this.chunkEndsOpen && command === Command.OTHER)
      this.event(TO_SERVER, SmtpEvent.BDAT_CHUNK_LEN_EXCEEDED);
    this.chunkEndsOpen = false;
    switch (command) {
      case Command.DATA:
        this.beginMail();
        // A server that pipelines has the mail before it says yes; of one that is not seen at all nothing can be awaited.
        if (this.pipelining || !this.greeted) this.mode = Mode.DATA;
        break;
      case Command.BDAT:
        this.beginChunk();
        break;
      case Command.HELO:
        if (this.helo !== null) this.event(TO_SERVER, SmtpEvent.DUPLICATE_FIELDS);
        else this.helo = parameterOf(command, bytes, start, end);
        if (tx !== null) tx.helo = this.helo;
        break;
      case Command.MAIL:
        if (tx === null) break;
        if (tx.mailFrom !== null) this.event(TO_SERVER, SmtpEvent.DUPLICATE_FIELDS);
        else tx.mailFrom = parameterOf(command, bytes, start, end);
        break;
      case Command.RCPT:
        if (tx !== null && !tx.addRecipient(parameterOf(command, bytes, start, end)))
          this.event(TO_SERVER, SmtpEvent.TOO_MANY_RECIPIENTS);
        break;
    }
    this.enqueue(command);
    if (cut) this.event(TO_SERVER, SmtpEvent.TRUNCATED_LINE);
  }

  /** The transaction of a command; a new one where the last is over. RSET and QUIT begin none. */
  private transactionFor(command: Command): SmtpTransaction | null {
    if (this.tx !== null) return this.tx;
    if (this.nextId > 0 && (command === Command.RSET || command === Command.QUIT)) return null;
    return this.begin();
  }

  private begin(): SmtpTransaction {
    const { pool, files } = this.context;
    const tx = new SmtpTransaction(this.nextId++, pool, files);
    tx.helo = this.helo;
    tx.reached = SmtpProgress.ENVELOPE;
    tx.dirty = true;
    this.tx = tx;
    return tx;
  }

  private enqueue(command: Command): void {
    const { youngest } = this.pending;
    if (youngest === Command.STARTTLS || youngest === Command.DATA)
      this.event(TO_SERVER, SmtpEvent.INVALID_PIPELINED_SEQUENCE);
    this.pending.add(command);
  }

  /** A mail begins. One that has begun before has not been seen to end. */
  private beginMail(): void {
    let { tx } = this;
    if (tx !== null && (tx.mime !== null || this.raw !== null)) {
      this.event(TO_SERVER, SmtpEvent.UNPARSABLE_CONTENT);
      this.end();
      tx = null;
    }
    tx ??= this.begin();
    if (this.context.rawExtraction) {
      this.raw = tx.files.open();
      this.raw?.setName(RAW_NAME, 0, RAW_NAME.length);
    } else tx.mime = new MimeMessage(tx.files, this.context.mime, this);
  }

  private beginChunk(): void {
    const { bytes, start, end } = this.commands;
    const chunk = bdatChunk(bytes, start, end);
    if (chunk === null) return;
    if (this.tx === null || (this.tx.mime === null && this.raw === null)) this.beginMail();
    this.chunkLeft = chunk.length;
    this.chunkIsLast = chunk.last;
    this.mode = Mode.CHUNK;
    if (chunk.length === 0) this.endChunk(true);
  }

  private chunkBytes(bytes: Uint8Array, start: number, end: number): number {
    const stop = Math.min(end, start + this.chunkLeft);
    let at = start;
    while (at < stop) {
      at = this.mail.next(bytes, at, stop, LongLines.CONTINUE);
      if (this.mail.ready) this.bodyLine(false);
    }
    this.chunkLeft -= stop - start;
    if (this.chunkLeft === 0) this.endChunk(bytes[stop - 1] === LINE_END[1]);
    return stop;
  }

  /** @param atLineEnd the chunk's last byte ends a line */
  private endChunk(atLineEnd: boolean): void {
    this.mode = Mode.COMMANDS;
    this.chunkEndsOpen = !atLineEnd;
    if (!this.chunkIsLast) return;
    if (this.mail.flush()) this.bodyLine(false);
    this.mail.release();
    this.endMail();
  }

  /** A line of the mail behind DATA. */
  private mailLine(): void {
    const { mail } = this;
    if (mail.startsLine && mail.end > mail.start && mail.bytes[mail.start] === DOT) {
      if (mail.end - mail.start === 1 && mail.ending > 0) {
        this.mode = Mode.COMMANDS;
        this.pending.add(Command.END_OF_DATA);
        this.endMail();
        return;
      }
      this.bodyLine(true);
      return;
    }
    this.bodyLine(false);
  }

  /** @param dotted the sender has put a dot before the line, so that it is not taken for the end */
  private bodyLine(dotted: boolean): void {
    const { mail, raw, tx } = this;
    const { bytes, start, end, ending } = mail;
    if (!mail.startsLine && !tx?.mime?.inBody && raw === null)
      this.event(TO_SERVER, SmtpEvent.TRUNCATED_LINE);
    if (raw !== null) {
      this.appendRaw(raw, bytes, start, end);
      this.appendRaw(raw, LINE_END, 2 - ending, 2);
      return;
    }
    const mime = tx?.mime;
    if (tx === null || !mime) return;
    mime.line(bytes, start, end, ending, mail.startsLine, dotted);
    if (mime.headerComplete && tx.reached < SmtpProgress.HEADER) {
      tx.reached = SmtpProgress.HEADER;
      tx.dirty = true;
    }
  }

  private appendRaw(raw: TrackedFile, bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    for (let attempt = 0; at < end && attempt < 2; attempt++) {
      at = raw.append(bytes, at, end);
      if (at < end) this.notify();
    }
  }

  private endMail(): void {
    const { tx } = this;
    if (tx === null) return;
    tx.mime?.finish(true);
    this.raw?.close(true);
    this.end();
  }

  // --- server ---

  private feedServer(bytes: Uint8Array, start: number, end: number): void {
    const { replies } = this;
    let at = start;
    while (at < end && this.mode !== Mode.OVER) {
      at = replies.next(bytes, at, end, LongLines.DISCARD);
      if (replies.ready) this.replyLine(at);
    }
    replies.release();
    if (this.tx?.dirty) this.notify();
  }

  /** @param at index behind the line in the fed bytes */
  private replyLine(at: number): void {
    const { bytes, start, end, cut } = this.replies;
    this.frames?.reply(bytes, start, end, !cut);
    if (cut) this.event(TO_CLIENT, SmtpEvent.TRUNCATED_LINE);
    if (start === end) return;
    const code = replyCode(bytes, start, end);
    if (code < 0) {
      this.event(TO_CLIENT, SmtpEvent.INVALID_REPLY);
      return;
    }
    if (this.greeted && code === 250 && beginsWithWord(bytes, start + 4, end, PIPELINING))
      this.pipelining = true;
    this.inReply = isContinued(bytes, start, end);
    if (this.pending.empty) {
      if (!this.greeted && code !== 220) this.event(TO_CLIENT, SmtpEvent.INVALID_REPLY);
      if (!this.inReply) this.greeted = true;
      return;
    }
    // A reply of several lines counts once, with its last.
    if (this.inReply) return;
    const command = this.pending.oldest;
    this.pending.shift();
    this.answered(command, code, at);
  }

  private answered(command: Command, code: number, at: number): void {
    switch (command) {
      case Command.STARTTLS:
        if (code !== 220) {
          this.event(TO_CLIENT, SmtpEvent.TLS_REJECTED);
          return;
        }
        this.end();
        this.mode = Mode.OVER;
        this.commands.clear();
        this.listener.onUpgrade('tls', at);
        return;
      case Command.DATA:
        if (code === 354) {
          if (this.mode === Mode.COMMANDS) this.mode = Mode.DATA;
          return;
        }
        this.event(TO_CLIENT, SmtpEvent.DATA_COMMAND_REJECTED);
        // The mail was expected too early.
        if (this.mode === Mode.DATA) this.mode = Mode.COMMANDS;
        return;
      case Command.RSET:
        if (code === 250) this.end();
        return;
    }
  }

  // --- transactions ---

  private event(direction: Direction, event: string): void {
    const { tx } = this;
    if (tx === null) return;
    const bit = eventBit(event);
    if ((tx.events & bit) !== 0) return;
    tx.events |= bit;
    this.listener.onEvent(tx, direction, event);
  }

  private notify(): void {
    const { tx } = this;
    if (tx === null) return;
    this.listener.onProgress(tx, TO_SERVER);
    tx.shown();
  }

  /** The transaction is over, whether its mail is or not. */
  private end(): void {
    const { tx } = this;
    if (tx === null) return;
    tx.mime?.finish(false);
    this.raw?.close(false);
    this.raw = null;
    tx.reached = SmtpProgress.COMPLETE;
    this.notify();
    this.tx = null;
    this.listener.onTransactionEnd(tx);
    tx.release();
  }
}
