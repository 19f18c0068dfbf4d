/**
 * FTP's control connection (RFC 959): commands, replies, and the data connections they announce.
 *
 * Invariant: transactions are answered in the order of their commands; `open` holds those that wait, oldest first.
 */

import { writeNote } from '../ftp-data/note';
import { LineReader, LongLines } from '../lines/line-reader';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { type FtpCommand, readCommand, TRANSFERS } from './commands';
import type { FtpContext } from './context';
import { FtpEvent } from './events';
import { FILE_NAME_BYTES, LINE_BYTES } from './limits';
import { readExtendedPassiveReply, readExtendedPort, readHostPort, readPassiveReply } from './ports';
import { FtpProgress } from './progress';
import { FtpTransaction } from './transaction';

const { TO_SERVER, TO_CLIENT } = Directions;
const DASH = 0x2d;
const SPACE = 0x20;

export class FtpParser implements ProtocolParser {
  readonly protocol = 'ftp';
  private readonly open: FtpTransaction[] = [];
  /** Bytes that those hold: asked for at each packet, while a client may have very many of them waiting. */
  private held = 0;
  private nextId = 0;
  /** Port of the data connection that the next transfer will use, 0 where none is agreed upon; the client waits for it. */
  private dataPort = 0;
  private active = false;
  private over = false;
  /** More commands wait for their reply than are followed. */
  private behind = false;
  /** Bit per direction: it has ended. */
  private closed = 0;
  private readonly requests: LineReader;
  private readonly responses: LineReader;

  constructor(
    private readonly context: FtpContext,
    private readonly listener: TransactionListener,
  ) {
    this.requests = new LineReader(context.pool, LINE_BYTES);
    this.responses = new LineReader(context.pool, LINE_BYTES);
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const reader = direction === TO_SERVER ? this.requests : this.responses;
    let at = start;
    while (at < end && !this.over) {
      at = reader.next(bytes, at, end, LongLines.DISCARD);
      if (!reader.ready) continue;
      if (direction === TO_SERVER) this.requestLine();
      else this.responseLine(at);
    }
    reader.release();
    const oldest = this.open[0];
    if (oldest?.dirty) this.notify(oldest, TO_CLIENT);
  }

  gap(direction: Direction, length: number): void {
    if (!(length > 0) || this.over) return;
    if (direction === TO_SERVER) {
      this.requests.skip();
      return;
    }
    this.responses.skip();
    // Which command the next reply is for cannot be told: none that was sent before.
    this.endAll();
  }

  close(direction: Direction): void {
    if (direction === TO_SERVER) this.requests.clear();
    else {
      this.responses.clear();
      this.endAll();
    }
    this.closed |= 1 << direction;
    if (this.closed === 3) this.endAll();
  }

  heldBytes(): number {
    return this.requests.heldBytes() + this.responses.heldBytes() + this.held;
  }

  reset(): void {
    this.endAll();
    this.requests.clear();
    this.responses.clear();
    this.nextId = 0;
    this.dataPort = 0;
    this.active = false;
    this.over = false;
    this.behind = false;
    this.closed = 0;
  }

  // --- commands ---

  private requestLine(): void {
    const { bytes, start, end, cut } = this.requests;
    const command = readCommand(bytes, start, end);
    if (command === null) return;
    if (this.open.length >= this.context.openTransactions) this.giveUpOldest();
    const tx = this.begin(command);
    if (command.text === 'PORT' || command.text === 'EPRT') {
      const { argument } = command;
      const read = command.text === 'PORT' ? readHostPort : readExtendedPort;
      tx.dataPort = argument === null ? 0 : read(argument, 0, argument.length);
      tx.active = true;
    }
    if (cut) this.listener.onEvent(tx, TO_SERVER, FtpEvent.REQUEST_COMMAND_TOO_LONG);
    this.notify(tx, TO_SERVER);
    const towardsClient = TRANSFERS.get(command.text);
    if (towardsClient !== undefined) this.announce(command, towardsClient);
    // Nobody is left to answer.
    if ((this.closed & (1 << TO_CLIENT)) !== 0) this.endAll();
  }

  /** The server does not answer, or much too late. Said once, until it has caught up. */
  private giveUpOldest(): void {
    const oldest = this.shift() as FtpTransaction;
    if (!this.behind) this.listener.onEvent(oldest, TO_SERVER, FtpEvent.TOO_MANY_TRANSACTIONS);
    this.behind = true;
    this.end(oldest);
  }

  private begin(command: FtpCommand | null): FtpTransaction {
    const tx = new FtpTransaction(this.nextId++, command);
    this.open.push(tx);
    this.held += tx.heldBytes();
    return tx;
  }

  private shift(): FtpTransaction | undefined {
    const tx = this.open.shift();
    if (tx !== undefined) this.held -= tx.heldBytes();
    return tx;
  }

  /** A transfer begins: its data connection comes, or is there without having carried anything. */
  private announce({ text, argument }: FtpCommand, towardsClient: boolean): void {
    const { dataPort, active } = this;
    if (dataPort === 0) return;
    this.dataPort = 0;
    this.active = false;
    // Who makes the data connection is its client: in active mode that is the server.
    const note = writeNote({
      command: text,
      fileName: argument === null ? null : argument.subarray(0, FILE_NAME_BYTES),
      direction: towardsClient !== active ? TO_CLIENT : TO_SERVER,
    });
    this.listener.onExpectation({
      protocol: 'ftp-data',
      listener: active ? 'client' : 'server',
      port: dataPort,
      note,
    });
  }

  // --- replies ---

  /** @param at index behind the line in the fed bytes */
  private responseLine(at: number): void {
    const { bytes, start, cut } = this.responses;
    let { end } = this.responses;
    while (end > start && bytes[end - 1] <= SPACE) end--;
    if (end === start) return;
    const code = codeOf(bytes, start, end);
    const continued = code >= 0 && bytes[start + 3] === DASH;
    let tx = this.open[0] ?? this.begin(null);
    if (tx.openReply >= 0 && code >= 0 && code !== tx.openReply && this.open.length > 1) {
      // The reply of several lines was never ended, and this is the next one.
      this.complete(tx);
      tx = this.open[0];
    }
    const within = tx.openReply >= 0;
    this.held -= tx.heldBytes();
    tx.addReply(bytes, start, code >= 0 && !continued ? start + 3 : start, end);
    this.held += tx.heldBytes();
    tx.dirty = true;
    if (tx.replied === FtpProgress.NONE) tx.replied = FtpProgress.BEGUN;
    if (cut && !tx.tooLong) {
      tx.tooLong = true;
      this.listener.onEvent(tx, TO_CLIENT, FtpEvent.RESPONSE_COMMAND_TOO_LONG);
    }
    if (within ? code !== tx.openReply || continued : continued) {
      if (!within) tx.openReply = code;
      return;
    }
    tx.openReply = -1;
    // 1yz: another reply follows (RFC 959 section 4.2).
    if (code >= 100 && code < 200) return;
    this.agree(tx, code, bytes, start, end);
    const command = tx.command?.text;
    this.complete(tx);
    if (code === 234 && command?.startsWith('AUTH ')) {
      this.endAll();
      this.over = true;
      this.requests.clear();
      this.listener.onUpgrade('tls', at);
    }
  }

  /** A data connection is agreed upon where the server says yes. */
  private agree(tx: FtpTransaction, code: number, bytes: Uint8Array, start: number, end: number): void {
    switch (tx.command?.text) {
      case 'PORT':
      case 'EPRT':
        if (code >= 300) tx.dataPort = 0;
        break;
      case 'PASV':
        if (code === 227) tx.dataPort = readPassiveReply(bytes, start, end);
        break;
      case 'EPSV':
        if (code === 229) tx.dataPort = readExtendedPassiveReply(bytes, start, end);
        break;
      default:
        return;
    }
    if (tx.dataPort === 0) return;
    this.dataPort = tx.dataPort;
    this.active = tx.active;
  }

  // --- transactions ---

  private notify(tx: FtpTransaction, direction: Direction): void {
    this.listener.onProgress(tx, direction);
    if (direction === TO_CLIENT) tx.shown();
  }

  /** The oldest transaction has its last reply. */
  private complete(tx: FtpTransaction): void {
    tx.replied = FtpProgress.COMPLETE;
    this.shift();
    if (this.open.length === 0) this.behind = false;
    this.notify(tx, TO_CLIENT);
    this.listener.onTransactionEnd(tx);
  }

  /** A transaction ends without its last reply. */
  private end(tx: FtpTransaction): void {
    if (tx.replied === FtpProgress.NONE) {
      tx.replied = FtpProgress.BEGUN;
      this.notify(tx, TO_CLIENT);
    } else if (tx.dirty) this.notify(tx, TO_CLIENT);
    this.listener.onTransactionEnd(tx);
  }

  private endAll(): void {
    for (;;) {
      const tx = this.shift();
      if (tx === undefined) return;
      this.end(tx);
    }
  }
}

/** @returns the number a reply line begins with, -1 where it has none */
function codeOf(line: Uint8Array, start: number, end: number): number {
  if (end - start < 3) return -1;
  let code = 0;
  for (let i = start; i < start + 3; i++) {
    if (line[i] < 0x30 || line[i] > 0x39) return -1;
    code = code * 10 + line[i] - 0x30;
  }
  if (end - start > 3 && line[start + 3] !== SPACE && line[start + 3] !== DASH) return -1;
  return code;
}
