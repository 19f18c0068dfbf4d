/** DCE/RPC over UDP (C706 section 12.5): every datagram is a PDU with the interface in its header. */

import { type BufferPool, PooledBytes } from '../buffer-pool';
import { FIRST_BUFFER } from '../buffer-ranges';
import type { Frames } from '../frames/frames';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { CallTransaction, MOST_CALLS, MOST_STUB_BYTES, MOST_STUB_DATA } from './association';
import { CALL_COMPLETE, CallBuffer, DcerpcFrame, IFACE_ROW, IfaceFlag } from './buffers';
import { copyUuid, long, PduType, uuidText, word } from './pdu';

const { TO_SERVER, TO_CLIENT } = Directions;
const FIRST = FIRST_BUFFER.dcerpc;

/** Offsets in the header (section 12.5.1). */
const At = {
  TYPE: 1,
  FLAGS: 2,
  DREP: 4,
  INTERFACE: 24,
  ACTIVITY: 40,
  VERSION: 60,
  SEQUENCE: 64,
  OPNUM: 68,
  LENGTH: 74,
} as const;
const HEADER = 80;
const Flag = { LAST_FRAGMENT: 2, FRAGMENT: 4 } as const;
const LARGEST_TYPE = 10;

/** Whether a datagram is a connectionless PDU. */
export function isConnectionless(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < HEADER || bytes[start] !== 4 || bytes[start + At.TYPE] > LARGEST_TYPE) return false;
  // Reserved flag bits, and representations that do not exist.
  if ((bytes[start + 2] & 0x81) !== 0 || (bytes[start + 3] & 0xfd) !== 0) return false;
  if ((bytes[start + At.DREP] & 0xee) !== 0 || bytes[start + At.DREP + 1] > 3) return false;
  const little = (bytes[start + At.DREP] & 0x10) !== 0;
  return word(bytes, start + At.LENGTH, little) <= end - start - HEADER;
}

export class ConnectionlessParser implements ProtocolParser {
  readonly protocol = 'dcerpc';
  private readonly calls = new Map<string, CallTransaction>();
  private stubBytes = 0;
  private nextId = 0;
  /** Directions that have ended, a bit for each. */
  private closed = 0;

  constructor(
    private readonly pool: BufferPool,
    private readonly frames: Frames,
    private readonly listener: TransactionListener,
  ) {}

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (!isConnectionless(bytes, start, end)) return;
    const { frames, listener } = this;
    if (frames.wanted !== 0) {
      frames.show(listener, direction, DcerpcFrame.PDU, bytes, start, end);
      frames.show(listener, direction, DcerpcFrame.HEADER, bytes, start, start + HEADER);
      frames.show(listener, direction, DcerpcFrame.DATA, bytes, start + HEADER, end);
    }
    const type = bytes[start + At.TYPE];
    if (type !== PduType.REQUEST && type !== PduType.RESPONSE && type !== PduType.FAULT) return;
    const little = (bytes[start + At.DREP] & 0x10) !== 0;
    const activity = new Uint8Array(16);
    copyUuid(bytes, start + At.ACTIVITY, little, activity, 0);
    const sequence = long(bytes, start + At.SEQUENCE, little);
    const name = uuidText(activity, 0);
    const key = `${name} ${sequence}`;
    const call = this.calls.get(key) ?? this.begin(key, name, sequence);
    if (type === PduType.REQUEST && call.requestType < 0) this.introduce(call, bytes, start, little);
    if (type !== PduType.REQUEST) call.responseType = type;
    if (call.done[direction]) return;
    this.addStub(
      key,
      call,
      direction,
      bytes,
      start,
      Math.min(end, start + HEADER + word(bytes, start + At.LENGTH, little)),
    );
  }

  gap(): void {}

  close(direction: Direction): void {
    this.closed |= 1 << direction;
    for (const side of [TO_SERVER, TO_CLIENT] as const) {
      // A call may have begun after the other side had ended.
      if ((this.closed & (1 << side)) === 0) continue;
      for (const [key, call] of this.calls) if (!call.done[side]) this.finish(key, call, side);
    }
  }

  heldBytes(): number {
    let held = 0;
    for (const call of this.calls.values()) {
      held += call.heldBytes();
      for (const stub of call.stubs) if (stub !== null) held += stub.bytes.length;
    }
    return held;
  }

  reset(): void {
    for (const call of this.calls.values()) {
      for (const stub of call.stubs) stub?.clear();
      this.listener.onTransactionEnd(call);
    }
    this.calls.clear();
    this.stubBytes = 0;
    this.nextId = 0;
    this.closed = 0;
  }

  private begin(key: string, activity: string, sequence: number): CallTransaction {
    if (this.calls.size >= MOST_CALLS) this.endOldest();
    const call = new CallTransaction(this.nextId++);
    call.callId = sequence;
    call.activity = activity;
    this.calls.set(key, call);
    return call;
  }

  /** What the first request tells of the call. */
  private introduce(call: CallTransaction, bytes: Uint8Array, start: number, little: boolean): void {
    call.requestType = PduType.REQUEST;
    call.dceLittleEndian = little;
    call.opnum = word(bytes, start + At.OPNUM, little);
    const row = new Uint8Array(IFACE_ROW);
    copyUuid(bytes, start + At.INTERFACE, little, row, 0);
    const version = long(bytes, start + At.VERSION, little) & 0xffff;
    row[16] = version >> 8;
    row[17] = version & 0xff;
    row[18] = IfaceFlag.FIRST_FRAGMENT;
    for (const side of [TO_SERVER, TO_CLIENT] as const) {
      call.put(side, FIRST + CallBuffer.IFACE, row);
      call.putNumber(side, FIRST + CallBuffer.OPNUM, call.opnum, 2);
    }
  }

  private addStub(
    key: string,
    call: CallTransaction,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const flags = bytes[start + At.FLAGS];
    const from = start + HEADER;
    call.fragments[direction]++;
    call.stubSizes[direction] += end - from;
    const last = (flags & Flag.FRAGMENT) === 0 || (flags & Flag.LAST_FRAGMENT) !== 0;
    let stub = call.stubs[direction];
    if (stub === null && last) {
      if (end > from) call.put(direction, FIRST + CallBuffer.STUB_DATA, bytes, from, end);
      this.finish(key, call, direction);
      return;
    }
    if (stub === null) {
      stub = new PooledBytes(this.pool, MOST_STUB_DATA);
      call.stubs[direction] = stub;
    }
    this.stubBytes += stub.append(bytes, from, end);
    if (last) this.finish(key, call, direction);
    else while (this.stubBytes > MOST_STUB_BYTES && this.calls.size > 0) this.endOldest();
  }

  private finish(key: string, call: CallTransaction, direction: Direction): void {
    const stub = call.stubs[direction];
    if (stub !== null && stub.end > 0)
      call.put(direction, FIRST + CallBuffer.STUB_DATA, stub.bytes, 0, stub.end);
    call.done[direction] = true;
    call.direction = direction;
    call.reach(direction, CALL_COMPLETE);
    this.listener.onProgress(call, direction);
    call.drop(direction, FIRST + CallBuffer.STUB_DATA);
    if (stub !== null) {
      this.stubBytes -= stub.end;
      stub.clear();
      call.stubs[direction] = null;
    }
    if (!call.done[TO_SERVER] || !call.done[TO_CLIENT]) return;
    this.calls.delete(key);
    this.listener.onTransactionEnd(call);
  }

  private endOldest(): void {
    const [key, call] = this.calls.entries().next().value as [string, CallTransaction];
    for (const direction of [TO_SERVER, TO_CLIENT] as const)
      if (!call.done[direction]) this.finish(key, call, direction);
  }
}
