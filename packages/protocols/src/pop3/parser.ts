/**
 * POP3 of one flow, as far as it takes to find its end: STLS, behind which TLS follows (RFC 2595 section 4). There are
 * no transactions, because rules look at nothing in them.
 */

import type { BufferPool } from '../buffer-pool';
import { LineReader, LongLines } from '../lines/line-reader';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { type Pop3Command, readCommand } from './commands';
import { Pop3Event } from './events';

const { TO_SERVER, TO_CLIENT } = Directions;
/** Bytes of a line that are held. */
const LINE_BYTES = 4096;
/** Longest lines that are in order, their ending included (RFC 2449 section 4). */
const LONGEST_REQUEST = 255;
const LONGEST_RESPONSE = 512;
/** Commands that wait for their reply, as Suricata has it. */
const PENDING_COMMANDS = 256;
const DOT = 0x2e;
const PLUS = 0x2b;
const DASH = 0x2d;
const SPACE = 0x20;

export class Pop3Parser implements ProtocolParser {
  readonly protocol = 'pop3';
  private readonly pending: Pop3Command[] = [];
  /** The reply goes on up to a line with a dot. */
  private listing = false;
  /** The next line of the client answers a challenge. */
  private answering = false;
  private over = false;
  private readonly requests: LineReader;
  private readonly responses: LineReader;

  constructor(
    pool: BufferPool,
    private readonly listener: TransactionListener,
  ) {
    this.requests = new LineReader(pool, LINE_BYTES);
    this.responses = new LineReader(pool, LINE_BYTES);
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
  }

  gap(direction: Direction): void {
    if (direction === TO_SERVER) this.requests.skip();
    else {
      this.responses.skip();
      this.pending.length = 0;
      this.listing = false;
    }
  }

  close(direction: Direction): void {
    if (direction === TO_SERVER) this.requests.clear();
    else this.responses.clear();
    this.pending.length = 0;
  }

  heldBytes(): number {
    return this.requests.heldBytes() + this.responses.heldBytes() + this.pending.length * 64;
  }

  reset(): void {
    this.requests.clear();
    this.responses.clear();
    this.pending.length = 0;
    this.listing = false;
    this.answering = false;
    this.over = false;
  }

  private requestLine(): void {
    const { bytes, start, end, ending, cut } = this.requests;
    if (this.answering) {
      this.answering = false;
      return;
    }
    if (start === end) return;
    const command = readCommand(bytes, start, end);
    if (cut || end - start + ending > LONGEST_REQUEST) this.event(TO_SERVER, Pop3Event.REQUEST_TOO_LONG);
    if (!command.known) this.event(TO_SERVER, Pop3Event.UNKNOWN_COMMAND);
    else if (!command.argumentsFit) this.event(TO_SERVER, Pop3Event.INCORRECT_ARGUMENT_COUNT);
    if (this.pending.length >= PENDING_COMMANDS) {
      this.event(TO_SERVER, Pop3Event.TOO_MANY_TRANSACTIONS);
      this.pending.length = 0;
    }
    this.pending.push(command);
  }

  /** @param at index behind the line in the fed bytes */
  private responseLine(at: number): void {
    const { bytes, start, end, ending, cut } = this.responses;
    if (this.listing) {
      if (end - start === 1 && bytes[start] === DOT) this.listing = false;
      return;
    }
    if (start === end) return;
    if (cut || end - start + ending > LONGEST_RESPONSE) this.event(TO_CLIENT, Pop3Event.RESPONSE_TOO_LONG);
    const first = bytes[start];
    if (first !== PLUS && first !== DASH) return;
    if (first === PLUS && (end - start === 1 || bytes[start + 1] === SPACE)) {
      // A challenge: the command still waits for its reply.
      this.answering = this.pending[0]?.name === 'AUTH';
      return;
    }
    const command = this.pending.shift();
    if (command === undefined || first !== PLUS) return;
    this.listing = command.lists;
    if (command.name !== 'STLS') return;
    this.over = true;
    this.pending.length = 0;
    this.requests.clear();
    this.listener.onUpgrade('tls', at);
  }

  private event(direction: Direction, event: string): void {
    this.listener.onEvent(null, direction, event);
  }
}
