/** The frames of SMTP: the lines of both sides without their ends, and mails as they travelled. */

import type { BufferPool } from '../buffer-pool';
import { Frames } from '../frames/frames';
import { GrowingFrames } from '../frames/growing-frames';
import { Direction, type TransactionListener } from '../transaction';

const NAMES = ['command_line', 'data', 'response_line'] as const;
const Kind = { COMMAND: 0, DATA: 1, REPLY: 2 } as const;
const { TO_SERVER, TO_CLIENT } = Direction;

export function createSmtpFrames(): Frames {
  return new Frames('smtp', NAMES, ['data']);
}

/** Those of one flow. */
export class MailFrames {
  private readonly mails: GrowingFrames;
  private open = false;
  /** Place in the client's stream of index 0 of the bytes that are being fed. */
  private origin = 0;

  constructor(
    pool: BufferPool,
    private readonly frames: Frames,
    private readonly listener: TransactionListener,
  ) {
    this.mails = new GrowingFrames(pool, frames, listener, TO_SERVER);
  }

  /** The client's bytes that the parser will go through next, at most `LONGEST_PIECE`. */
  add(bytes: Uint8Array, start: number, end: number): void {
    this.origin = this.mails.add(bytes, start, end) - start;
  }

  /** The parser has come to an index of these bytes. @param inMail what stands there belongs to a mail */
  step(index: number, inMail: boolean): void {
    if (inMail === this.open) return;
    this.open = inMail;
    if (inMail) this.mails.begin(Kind.DATA, this.origin + index);
    else this.mails.finish(Kind.DATA, this.origin + index);
  }

  settle(): void {
    this.mails.settle();
  }

  skip(length: number): void {
    this.mails.skip(length);
  }

  command(bytes: Uint8Array, start: number, end: number, complete: boolean): void {
    this.frames.show(this.listener, TO_SERVER, Kind.COMMAND, bytes, start, end, complete);
  }

  reply(bytes: Uint8Array, start: number, end: number, complete: boolean): void {
    this.frames.show(this.listener, TO_CLIENT, Kind.REPLY, bytes, start, end, complete);
  }

  heldBytes(): number {
    return this.mails.heldBytes();
  }

  clear(): void {
    this.mails.clear();
    this.open = false;
  }
}
