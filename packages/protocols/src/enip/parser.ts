import type { Frames } from '../frames/frames';
import { MESSAGE_READ } from '../framing/message-parser';
import { RequestParser } from '../framing/request-parser';
import {
  type BufferView,
  type Direction,
  Direction as Directions,
  type MatchState,
  type ProbedFlow,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { fillEnip } from './buffers';
import { littleEndian } from './cip';
import { type EnipMessage, HEADER_BYTES } from './message';
import { showEnipFrames } from './message-frames';
import { EnipCommand, isCommand, isStatus } from './names';

export const EnipEvent = {
  TOO_MANY_TRANSACTIONS: 'enip.too_many_transactions',
  INVALID_PDU: 'enip.invalid_pdu',
} as const;

/** Requests of a flow that wait for their response. */
const MOST_PENDING = 1024;
const TRANSACTION_BYTES = 100;
const LONGEST = HEADER_BYTES + 65_535;
const PORT = 44_818;

/** A request with its response. Their bytes are there only while they are shown. */
export class EnipTransaction implements Transaction {
  matchState: MatchState = null;
  seen = 0;
  showing = false;
  command = 0;
  session = 0;
  status = 0;
  responseStatus = -1;
  hasCip = false;
  sequence = -1;

  constructor(
    readonly id: number,
    readonly message: EnipMessage,
  ) {}

  progress(direction: Direction): number {
    return (this.seen & (1 << direction)) !== 0 ? MESSAGE_READ : 0;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    return this.showing && fillEnip(this.message, id, index, out);
  }
}

export class EnipParser extends RequestParser<EnipTransaction> {
  readonly protocol = 'enip';

  /** @param read shared by the parsers of a worker */
  constructor(
    private readonly read: EnipMessage,
    private readonly frames: Frames,
    listener: TransactionListener,
    transport: Transport,
  ) {
    super(listener, transport, LONGEST);
  }

  override heldBytes(): number {
    return super.heldBytes() + this.pending.length * TRANSACTION_BYTES;
  }

  protected messageLength(bytes: Uint8Array, start: number, end: number): number {
    return end - start < HEADER_BYTES ? 0 : HEADER_BYTES + littleEndian(bytes, start + 2, start + 4);
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    const { read } = this;
    // Only a datagram can be shorter than it says.
    if (end - start < HEADER_BYTES || this.messageLength(bytes, start, end) > end - start) return false;
    const stop = start + this.messageLength(bytes, start, end);
    if (this.frames.wanted !== 0) showEnipFrames(this.frames, this.listener, direction, bytes, start, stop);
    read.read(bytes, start, stop);
    let tx = direction === Directions.TO_CLIENT ? this.takeRequest(read) : null;
    const answers = tx !== null;
    if (tx === null) {
      if (this.pending.length >= MOST_PENDING) {
        this.listener.onEvent(this.pending[0], direction, EnipEvent.TOO_MANY_TRANSACTIONS);
        this.endAll();
      }
      tx = this.begin(read);
    }
    if (read.invalid) this.listener.onEvent(tx, direction, EnipEvent.INVALID_PDU);
    if (direction === Directions.TO_CLIENT) tx.responseStatus = read.status;
    if (direction === Directions.TO_SERVER) this.pending.push(tx);
    tx.seen |= 1 << direction;
    tx.showing = true;
    this.listener.onProgress(tx, direction);
    tx.showing = false;
    if (direction === Directions.TO_CLIENT || (!answers && read.command === EnipCommand.NOP)) this.finish(tx);
    return true;
  }

  protected override beginsMessage(
    _direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    return plausible(bytes, start, end) > 0;
  }

  private begin(message: EnipMessage): EnipTransaction {
    const tx = new EnipTransaction(this.transactions++, message);
    tx.command = message.command;
    tx.session = message.session;
    tx.status = message.status;
    tx.hasCip = message.hasCip;
    tx.sequence = message.sequence;
    return tx;
  }

  private finish(tx: EnipTransaction): void {
    const place = this.pending.indexOf(tx);
    if (place >= 0) this.pending.splice(place, 1);
    this.end(tx);
  }

  /** The request of a response. Those before it will have none: devices answer in order. */
  private takeRequest(response: EnipMessage): EnipTransaction | null {
    const place = this.pending.findIndex((request) => answers(response, request));
    if (place < 0) return null;
    const passed = this.pending.splice(0, place + 1);
    const found = passed.pop() as EnipTransaction;
    for (const tx of passed) this.end(tx);
    return found;
  }
}

function answers(response: EnipMessage, request: EnipTransaction): boolean {
  if (response.command !== request.command) return false;
  // Registering gives the session its number.
  if (response.session !== request.session && request.command !== EnipCommand.REGISTER_SESSION) return false;
  if (response.hasCip !== request.hasCip) return false;
  return response.sequence < 0 || request.sequence < 0 || response.sequence === request.sequence;
}

/** @returns 1 a header that can be one, 0 more bytes are needed, -1 it is none */
function plausible(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 2) return end > start && !isCommand(bytes[start]) ? -1 : 0;
  const command = littleEndian(bytes, start, start + 2);
  if (!isCommand(command)) return -1;
  if (end - start < HEADER_BYTES) return 0;
  const length = littleEndian(bytes, start + 2, start + 4);
  if (!isStatus(littleEndian(bytes, start + 8, start + 12))) return -1;
  const options = littleEndian(bytes, start + 20, start + 24);
  switch (command) {
    case EnipCommand.NOP:
      return options === 0 ? 1 : -1;
    case EnipCommand.REGISTER_SESSION:
      return length === 4 ? 1 : -1;
    case EnipCommand.UNREGISTER_SESSION:
      return length === 4 || length === 0 ? 1 : -1;
    default:
      return 1;
  }
}

export function probeEnip(
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  flow: ProbedFlow,
): number {
  const answer = plausible(bytes, start, end);
  if (answer === 0) return flow.transport === Transport.UDP ? -1 : 0;
  if (answer < 0 || flow.serverPort === PORT || flow.clientPort === PORT) return answer;
  // Elsewhere only what opens a conversation, in the form it has then.
  const command = littleEndian(bytes, start, start + 2);
  const length = littleEndian(bytes, start + 2, start + 4);
  const request = direction === Directions.TO_SERVER;
  if (littleEndian(bytes, start + 8, start + 12) !== 0 || littleEndian(bytes, start + 20, start + 24) !== 0)
    return -1;
  if (command === EnipCommand.REGISTER_SESSION) {
    if (request && littleEndian(bytes, start + 4, start + 8) !== 0) return -1;
    if (end - start < HEADER_BYTES + 4) return flow.transport === Transport.UDP ? -1 : 0;
    return littleEndian(bytes, start + HEADER_BYTES, start + HEADER_BYTES + 2) === 1 ? 1 : -1;
  }
  const lists =
    command === EnipCommand.LIST_IDENTITY ||
    command === EnipCommand.LIST_SERVICES ||
    command === EnipCommand.LIST_INTERFACES;
  return lists && (request ? length === 0 && end - start === HEADER_BYTES : length > 0) ? 1 : -1;
}
