/**
 * The calls of one association: a TCP connection, or a pipe. PDUs go in, calls come out as transactions of whoever owns
 * the association.
 *
 * Stub data of one fragment is borrowed; several are gathered up to `MOST_STUB_DATA` and given back when they were shown.
 */

import { type BufferPool, PooledBytes } from '../buffer-pool';
import { HeldTransaction } from '../records/held-transaction';
import { type Direction, Direction as Directions, type TransactionListener } from '../transaction';
import { CALL_COMPLETE, CallBuffer } from './buffers';
import { Contexts } from './contexts';
import { PDU_HEADER, PduFlag, PduHeader, PduType, word } from './pdu';

/** Bytes of the stub data of one direction of a call that are looked at. */
export const MOST_STUB_DATA = 1 << 18;
/** Calls of an association that wait for something; beyond that the oldest ends. */
export const MOST_CALLS = 128;
/** Bytes that the stub data of unfinished calls of an association may take; beyond that the oldest call ends. */
export const MOST_STUB_BYTES = 1 << 18;

const { TO_SERVER, TO_CLIENT } = Directions;
const T = PduType;

/** A call: its request and its response. */
export class CallTransaction extends HeldTransaction {
  callId = 0;
  requestType = -1;
  responseType = -1;
  context = 0;
  opnum = 0;
  /** By direction. */
  readonly fragments: [number, number] = [0, 0];
  readonly stubSizes: [number, number] = [0, 0];
  readonly done: [boolean, boolean] = [false, false];
  readonly stubs: [PooledBytes | null, PooledBytes | null] = [null, null];
  /** Numbers in the stub data are little-endian: what `byte_test` with `dce` asks. */
  dceLittleEndian = false;
  /** Activity of a connectionless call, as text. */
  activity = '';
}

export interface AssociationOwner {
  readonly listener: TransactionListener;
  /** Number of the next transaction of the flow. */
  takeId(): number;
  /** A new call: the owner may add buffers of its own. */
  onCall?(call: CallTransaction): void;
}

const header = new PduHeader();

export class Association {
  readonly contexts = new Contexts();
  /** Oldest first. A call is in it until both of its directions are over. */
  private readonly calls: CallTransaction[] = [];
  private stubBytes = 0;
  /** By direction: nothing more comes. */
  private readonly closed: [boolean, boolean] = [false, false];

  /**
   * @param first number of the owner's buffer `dcerpc.iface`
   * @param progress of a direction whose stub data is whole
   */
  constructor(
    private readonly pool: BufferPool,
    private readonly owner: AssociationOwner,
    private readonly first: number,
    private readonly progress: number = CALL_COMPLETE,
  ) {}

  /**
   * Takes a whole PDU, or what there is of it.
   * @returns false where it is malformed
   */
  pdu(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    if (header.read(bytes, start, end) <= 0 || end - start < PDU_HEADER) return false;
    const stop = Math.min(end, start + header.length);
    const { type } = header;
    switch (type) {
      case T.REQUEST:
        return this.request(bytes, start, stop);
      case T.RESPONSE:
      case T.FAULT:
        this.response(type, bytes, start, stop);
        return true;
      case T.BIND:
      case T.ALTER_CONTEXT: {
        const call = this.begin(header.callId);
        call.requestType = type;
        call.fragments[TO_SERVER] = 1;
        const wellFormed = this.contexts.propose(header, bytes, start, stop);
        this.finish(call, TO_SERVER);
        return wellFormed;
      }
      case T.BIND_ACK:
      case T.BIND_NAK:
      case T.ALTER_CONTEXT_RESPONSE: {
        const wellFormed = type === T.BIND_NAK || this.contexts.accept(header, bytes, start, stop);
        const call = this.find(header.callId, TO_CLIENT) ?? this.begin(header.callId);
        call.responseType = type;
        call.fragments[TO_CLIENT] = 1;
        this.finish(call, TO_CLIENT);
        return wellFormed;
      }
      default:
        // Authentication, cancellation and the like belong to no call of their own.
        return direction === TO_SERVER || direction === TO_CLIENT;
    }
  }

  /** The direction has ended: nothing more comes for its calls. */
  close(direction: Direction): void {
    this.closed[direction] = true;
    this.finishAll(direction);
    if (this.closed[TO_SERVER] && this.closed[TO_CLIENT]) this.contexts.clear();
  }

  /** Nothing more comes for the calls there are. */
  finishAll(direction: Direction): void {
    for (const call of [...this.calls]) if (!call.done[direction]) this.finish(call, direction);
  }

  /** Ends all calls without showing them again. */
  abandon(): void {
    for (const call of this.calls) {
      this.release(call);
      this.owner.listener.onTransactionEnd(call);
    }
    this.calls.length = 0;
    this.contexts.clear();
    this.closed.fill(false);
  }

  heldBytes(): number {
    let held = this.contexts.heldBytes();
    for (const call of this.calls) {
      held += call.heldBytes();
      for (const stub of call.stubs) if (stub !== null) held += stub.bytes.length;
    }
    return held;
  }

  private request(bytes: Uint8Array, start: number, end: number): boolean {
    const { flags, little, callId } = header;
    const stub = start + PDU_HEADER + 8;
    if (stub > end) return false;
    let call = (flags & PduFlag.FIRST_FRAGMENT) === 0 ? this.find(callId, TO_SERVER) : null;
    if (call === null) {
      call = this.begin(callId);
      call.requestType = T.REQUEST;
      call.context = word(bytes, start + PDU_HEADER + 4, little);
      call.opnum = word(bytes, start + PDU_HEADER + 6, little);
      call.dceLittleEndian = little;
      const rows = this.contexts.rows(call.context);
      for (const side of [TO_SERVER, TO_CLIENT] as const) {
        call.putNumber(side, this.first + CallBuffer.OPNUM, call.opnum, 2);
        if (rows.length > 0) call.put(side, this.first + CallBuffer.IFACE, rows);
      }
    }
    this.addStub(call, TO_SERVER, flags, bytes, stub, end);
    return true;
  }

  private response(type: number, bytes: Uint8Array, start: number, end: number): void {
    const { flags, callId, little } = header;
    let call = this.find(callId, TO_CLIENT);
    if (call === null) {
      call = this.begin(callId);
      call.dceLittleEndian = little;
    }
    call.responseType = type;
    if (type === T.FAULT) this.finish(call, TO_CLIENT);
    else this.addStub(call, TO_CLIENT, flags, bytes, start + PDU_HEADER, end);
  }

  /** A call that waits in that direction, the latest of that number. */
  private find(callId: number, direction: Direction): CallTransaction | null {
    for (let i = this.calls.length - 1; i >= 0; i--) {
      const call = this.calls[i];
      if (call.callId === callId && !call.done[direction]) return call;
    }
    return null;
  }

  private begin(callId: number): CallTransaction {
    if (this.calls.length >= MOST_CALLS) this.endOldest();
    const call = new CallTransaction(this.owner.takeId());
    call.callId = callId;
    call.done[TO_SERVER] = this.closed[TO_SERVER];
    call.done[TO_CLIENT] = this.closed[TO_CLIENT];
    this.calls.push(call);
    this.owner.onCall?.(call);
    return call;
  }

  private addStub(
    call: CallTransaction,
    direction: Direction,
    flags: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    // One without flags is a middle fragment, or, where it is the only one, whole.
    const last =
      (flags & PduFlag.LAST_FRAGMENT) !== 0 || ((flags & 3) === 0 && call.fragments[direction] === 0);
    call.fragments[direction]++;
    call.stubSizes[direction] += end - start;
    let stub = call.stubs[direction];
    if (stub === null && last) {
      if (end > start) call.put(direction, this.first + CallBuffer.STUB_DATA, bytes, start, end);
      this.finish(call, direction);
      return;
    }
    if (stub === null) {
      stub = new PooledBytes(this.pool, MOST_STUB_DATA);
      call.stubs[direction] = stub;
    }
    this.stubBytes += stub.append(bytes, start, end);
    if (last) this.finish(call, direction);
    else while (this.stubBytes > MOST_STUB_BYTES && this.calls.length > 0) this.endOldest();
  }

  /** One direction of a call is over: it is shown, and its stub data let go. */
  private finish(call: CallTransaction, direction: Direction): void {
    const stub = call.stubs[direction];
    const id = this.first + CallBuffer.STUB_DATA;
    if (stub !== null && stub.end > 0) call.put(direction, id, stub.bytes, 0, stub.end);
    call.done[direction] = true;
    call.direction = direction;
    call.reach(direction, this.progress);
    this.owner.listener.onProgress(call, direction);
    call.drop(direction, id);
    if (stub !== null) {
      this.stubBytes -= stub.end;
      stub.clear();
      call.stubs[direction] = null;
    }
    if (call.done[TO_SERVER] && call.done[TO_CLIENT]) this.end(call);
  }

  private endOldest(): void {
    const call = this.calls[0];
    for (const direction of [TO_SERVER, TO_CLIENT] as const)
      if (!call.done[direction]) this.finish(call, direction);
  }

  private end(call: CallTransaction): void {
    this.calls.splice(this.calls.indexOf(call), 1);
    this.release(call);
    this.owner.listener.onTransactionEnd(call);
  }

  private release(call: CallTransaction): void {
    for (const direction of [TO_SERVER, TO_CLIENT] as const) {
      const stub = call.stubs[direction];
      if (stub === null) continue;
      this.stubBytes -= stub.end;
      stub.clear();
      call.stubs[direction] = null;
    }
  }
}

/** What EVE tells of a call under `dcerpc`. */
export function describeCall(call: CallTransaction): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  if (call.requestType >= 0) told.request = typeName(call.requestType);
  if (call.requestType === T.REQUEST) {
    told.req = {
      opnum: call.opnum,
      frag_cnt: call.fragments[TO_SERVER],
      stub_data_size: call.stubSizes[TO_SERVER],
    };
  }
  if (call.responseType >= 0) told.response = typeName(call.responseType);
  if (call.responseType === T.RESPONSE)
    told.res = { frag_cnt: call.fragments[TO_CLIENT], stub_data_size: call.stubSizes[TO_CLIENT] };
  told.call_id = call.callId;
  return told;
}

const TYPE_NAMES = [
  'REQUEST', 'PING', 'RESPONSE', 'FAULT', 'WORKING', 'NOCALL', 'REJECT', 'ACK', 'CL_CANCEL', 'FACK', 'CANCEL_ACK',
  'BIND', 'BINDACK', 'BINDNAK', 'ALTER_CONTEXT', 'ALTER_CONTEXT_RESP', 'AUTH3', 'SHUTDOWN', 'CO_CANCEL', 'ORPHANED',
  'RTS',
]; // biome-ignore format: a table

function typeName(type: number): string {
  return TYPE_NAMES[type] ?? String(type);
}
