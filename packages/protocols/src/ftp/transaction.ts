/** One command with its replies; a greeting is replies without a command. */

import { showBytes } from '../buffer-view';
import { writeInteger } from '../integer-view';
import { COPY_OVERHEAD, copied } from '../lines/copied';
import {
  type BufferView,
  type Direction,
  Direction as Directions,
  type MatchState,
  type Transaction,
} from '../transaction';
import { FtpBuffer } from './buffers';
import type { FtpCommand } from './commands';
import { REPLY_BYTES, REPLY_LINES } from './limits';
import { FtpProgress } from './progress';

/** What a transaction costs besides what it holds. */
const OVERHEAD = 350;

interface ReplyLine {
  /** Three digits, or nothing. */
  readonly code: Uint8Array;
  readonly text: Uint8Array;
}

export class FtpTransaction implements Transaction {
  matchState: MatchState = null;
  replied: number = FtpProgress.NONE;
  /** Port of the data connection that was agreed upon; 0: none. */
  dataPort = 0;
  active = false;
  readonly replies: ReplyLine[] = [];
  /** Code of the reply of several lines that has begun; -1: none. */
  openReply = -1;
  /** Something has changed that the listener has not seen. */
  dirty = false;
  /** A reply line was too long. */
  tooLong = false;
  private replyBytes = 0;
  private shownReplies = 0;

  constructor(
    readonly id: number,
    readonly command: FtpCommand | null,
  ) {}

  progress(direction: Direction): number {
    if (direction === Directions.TO_CLIENT) return this.replied;
    return this.command === null ? FtpProgress.NONE : FtpProgress.BEGUN;
  }

  /** @param codeEnd index behind the code, `start` where there is none; the text begins behind one more byte */
  addReply(line: Uint8Array, start: number, codeEnd: number, end: number): void {
    const textStart = codeEnd > start ? Math.min(end, codeEnd + 1) : start;
    const size = end - start;
    if (this.replies.length >= REPLY_LINES || this.replyBytes + size > REPLY_BYTES) return;
    this.replies.push({ code: copied(line, start, codeEnd), text: copied(line, textStart, end) });
    this.replyBytes += size;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    const { command, dataPort } = this;
    // As in Suricata, rules do not look at what comes without a command.
    if (command === null) return false;
    const done = this.replied === FtpProgress.COMPLETE;
    switch (id) {
      case FtpBuffer.COMMAND:
        return fill(out, command.name, 0);
      case FtpBuffer.COMMAND_DATA:
        return command.argument !== null && fill(out, command.argument, 0);
      case FtpBuffer.REPLY:
        return (
          index >= 0 && index < this.replies.length && this.fillReply(out, this.replies[index].text, index)
        );
      case FtpBuffer.COMPLETION_CODE:
        return (
          index >= 0 && index < this.replies.length && this.fillReply(out, this.replies[index].code, index)
        );
      case FtpBuffer.REPLY_RECEIVED:
        return done && command.known && writeInteger(out, 1, 1);
      case FtpBuffer.REPLY_PENDING:
        return !done && command.known && this.replied === FtpProgress.BEGUN && writeInteger(out, 1, 1);
      case FtpBuffer.MODE:
        return dataPort > 0 && writeInteger(out, this.active ? 1 : 0, 1);
      case FtpBuffer.DYNAMIC_PORT:
        return command.known && writeInteger(out, dataPort, 2);
      default:
        return false;
    }
  }

  /** The listener has seen the replies there are. */
  shown(): void {
    this.dirty = false;
    this.shownReplies = this.replies.length;
  }

  heldBytes(): number {
    const replies = this.replyBytes + this.replies.length * 2 * COPY_OVERHEAD;
    return OVERHEAD + (this.command?.argument?.length ?? 0) + replies;
  }

  private fillReply(out: BufferView, bytes: Uint8Array, index: number): true {
    return fill(out, bytes, index < this.shownReplies ? bytes.length : 0);
  }
}

function fill(out: BufferView, bytes: Uint8Array, fresh: number): true {
  showBytes(out, bytes, 0, bytes.length);
  out.fresh = fresh;
  return true;
}
