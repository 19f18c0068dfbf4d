import { elementSize } from '../asn1/reader';
import type { Frames } from '../frames/frames';
import { RequestParser } from '../framing/request-parser';
import {
  type Direction,
  Direction as Directions,
  type TransactionListener,
  type Transport,
} from '../transaction';
import { LdapProgress, LdapTransaction } from './ldap-transaction';
import { LdapMessage } from './message';
import { isRequest, LdapOperation } from './names';

export const LdapEvent = {
  TOO_MANY_TRANSACTIONS: 'ldap.too_many_transactions',
  INVALID_DATA: 'ldap.invalid_data',
  REQUEST_NOT_FOUND: 'ldap.request_not_found',
} as const;

/** Requests of a flow that wait for responses. */
const MOST_PENDING = 256;
/** The longest message, in bytes. */
const LONGEST = 262_144;
const SEQUENCE = 0x30;

/** The only kind of frame: a message. */
const LDAP_PDU = 0;
export const LDAP_FRAMES = ['pdu'] as const;

/** Responses behind which no other comes for the request. */
const FINAL: ReadonlySet<number> = new Set([
  LdapOperation.BIND_RESPONSE,
  LdapOperation.SEARCH_RESULT_DONE,
  LdapOperation.MODIFY_RESPONSE,
  LdapOperation.ADD_RESPONSE,
  LdapOperation.DEL_RESPONSE,
  LdapOperation.MOD_DN_RESPONSE,
  LdapOperation.COMPARE_RESPONSE,
  LdapOperation.EXTENDED_RESPONSE,
]);
/** Requests that nobody answers. */
const UNANSWERED: ReadonlySet<number> = new Set([
  LdapOperation.UNBIND_REQUEST,
  LdapOperation.ABANDON_REQUEST,
]);

export class LdapParser extends RequestParser<LdapTransaction> {
  readonly protocol = 'ldap';

  /** @param read shared by the parsers of a worker */
  constructor(
    private readonly read: LdapMessage,
    private readonly frames: Frames,
    listener: TransactionListener,
    transport: Transport,
  ) {
    super(listener, transport, LONGEST);
  }

  override heldBytes(): number {
    return this.pending.reduce((sum, tx) => sum + tx.heldBytes, super.heldBytes());
  }

  protected messageLength(bytes: Uint8Array, start: number, end: number): number {
    return bytes[start] === SEQUENCE ? elementSize(bytes, start, end) : -1;
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.frames.wanted !== 0) this.frames.show(this.listener, direction, LDAP_PDU, bytes, start, end);
    const { read } = this;
    if (!read.read(bytes, start, end)) return false;
    if (direction === Directions.TO_SERVER) this.request(read);
    else this.response(read, direction);
    return true;
  }

  protected override framingLost(direction: Direction): void {
    this.listener.onEvent(this.pending[this.pending.length - 1] ?? null, direction, LdapEvent.INVALID_DATA);
  }

  protected override beginsMessage(
    _direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    return probeLdap(bytes, start, end) > 0;
  }

  private request(message: LdapMessage): void {
    if (this.pending.length >= MOST_PENDING) {
      const oldest = this.pending.shift() as LdapTransaction;
      this.listener.onEvent(oldest, Directions.TO_SERVER, LdapEvent.TOO_MANY_TRANSACTIONS);
      this.end(oldest);
    }
    const tx = new LdapTransaction(this.transactions++, message);
    tx.messageId = message.id;
    tx.requestOperation = message.operation;
    tx.startsTls = message.startsTls;
    const complete = UNANSWERED.has(message.operation);
    tx.progressed[0] = LdapProgress.COMPLETE;
    if (!complete) this.pending.push(tx);
    tx.showing = true;
    this.listener.onProgress(tx, Directions.TO_SERVER);
    tx.showing = false;
    if (complete) this.end(tx);
  }

  private response(message: LdapMessage, direction: Direction): void {
    const place = this.pending.findIndex(({ messageId }) => messageId === message.id);
    const tx = place >= 0 ? this.pending[place] : new LdapTransaction(this.transactions++, message);
    const complete = place < 0 || FINAL.has(message.operation);
    tx.addResponse(message);
    tx.progressed[1] = complete ? LdapProgress.COMPLETE : LdapProgress.BEGUN;
    // Servers may notify without having been asked.
    if (place < 0 && message.operation !== LdapOperation.EXTENDED_RESPONSE) {
      this.listener.onEvent(tx, direction, LdapEvent.REQUEST_NOT_FOUND);
    }
    this.listener.onProgress(tx, direction);
    tx.passResponses();
    if (!complete) return;
    if (place >= 0) this.pending.splice(place, 1);
    this.end(tx);
    if (tx.startsTls && message.result === 0) this.upgrade('tls', direction);
  }
}

/**
 * Whether bytes begin with an LDAP message: a sequence, a message number, an operation.
 * @param request it must be one that clients send, or must not; undefined: either
 * @returns 1 they do, 0 more are needed, -1 they do not
 */
export function probeLdap(bytes: Uint8Array, start: number, end: number, request?: boolean): number {
  if (start >= end) return 0;
  if (bytes[start] !== SEQUENCE) return -1;
  const size = elementSize(bytes, start, end);
  if (size < 0 || size > LONGEST) return -1;
  if (size === 0) return 0;
  const form = bytes[start + 1];
  const at = start + (form < 0x80 ? 2 : 2 + (form & 0x7f));
  if (at + 2 > end) return at < end && bytes[at] !== 2 ? -1 : 0;
  const digits = bytes[at + 1];
  if (bytes[at] !== 2 || digits < 1 || digits > 4) return -1;
  const operation = at + 2 + digits;
  if (operation + 1 >= end) return 0;
  const tag = bytes[operation];
  if (tag >> 6 !== 1 || operation + 2 > start + size) return -1;
  const code = tag & 0x1f;
  const known = (code <= 16 || code === 19 || (code >= 23 && code <= 25)) && code !== 17 && code !== 18;
  if (!known || (request !== undefined && isRequest(code) !== request)) return -1;
  return start + size > end ? 1 : Number(probed.read(bytes, start, start + size)) || -1;
}

const probed = new LdapMessage();
