/**
 * SSH of one flow (RFC 4253): the banners, and the first messages up to SSH_MSG_NEWKEYS. What follows is encrypted and
 * not looked at.
 */

import { type BufferPool, PooledBytes } from '../buffer-pool';
import type { Frames } from '../frames/frames';
import { HeldTransaction } from '../records/held-transaction';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { SshBuffer as B, SshEvent, SshProgress } from './buffers';
import { hasshHash, hasshText } from './hassh';
import { SshRecordFrames } from './record-frames';
import { BANNER_BYTES, NEWKEYS, RECORD_HEADER } from './wire';

/** Bytes of a SSH_MSG_KEXINIT that is held; real ones have up to some 2 kB. */
export const KEY_EXCHANGE_BYTES = 1 << 16;
const KEXINIT = 20;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const DASH = 0x2d;
const PREFIX = Uint8Array.from('SSH-', (c) => c.charCodeAt(0));

const State = { BANNER: 0, REST_OF_BANNER: 1, HEADER: 2, KEXINIT: 3, DONE: 4 } as const;

class Side {
  state: number = State.BANNER;
  /** Bytes of the present record that are not looked at. */
  skip = 0;
  /** Size of the record that is held. */
  size = 0;
  closed = false;
  dirty = false;
  readonly held: PooledBytes;

  constructor(pool: BufferPool) {
    this.held = new PooledBytes(pool, KEY_EXCHANGE_BYTES);
  }
}

export class SshParser implements ProtocolParser {
  readonly protocol = 'ssh';
  private readonly sides: readonly [Side, Side];
  private tx: HeldTransaction | null = null;

  /** Only where a rule looks at frames. */
  private records: SshRecordFrames | null = null;

  constructor(
    private readonly pool: BufferPool,
    private readonly frames: Frames,
    private readonly listener: TransactionListener,
  ) {
    this.sides = [new Side(pool), new Side(pool)];
  }

  /** From here on the connection carries encrypted data: its bytes tell rules nothing. */
  get opaque(): boolean {
    return this.sides[0].state === State.DONE && this.sides[1].state === State.DONE;
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const side = this.sides[direction];
    const stop = Math.min(end, bytes.length);
    let i = Math.max(0, start);
    if (side.closed || i >= stop) return;
    const { frames, listener, pool } = this;
    // From the first byte on, or nothing tells where a record begins.
    if (frames.wanted !== 0 && this.tx === null) this.records ??= new SshRecordFrames(pool, frames, listener);
    this.records?.feed(direction, bytes, i, stop);
    if (side.state === State.DONE) return;
    if (this.tx === null) this.tx = new HeldTransaction(0);
    this.tx.direction = direction;
    while (i < stop && side.state !== State.DONE) i = this.step(direction, side, bytes, i, stop);
    if (side.state === State.DONE) side.held.clear();
    this.notify(direction, side);
  }

  gap(direction: Direction, length: number): void {
    this.records?.gap(direction, length);
    const side = this.sides[direction];
    if (!(length > 0) || side.state === State.DONE || side.closed) return;
    if (side.state === State.HEADER && side.skip >= length) side.skip -= length;
    else this.finish(direction, side);
  }

  close(direction: Direction): void {
    const side = this.sides[direction];
    if (side.closed) return;
    side.closed = true;
    side.held.clear();
    this.records?.close(direction);
    const { tx } = this;
    if (tx === null) return;
    tx.direction = direction;
    this.finish(direction, side);
    this.notify(direction, side);
    if (this.sides[0].closed && this.sides[1].closed) this.end();
  }

  heldBytes(): number {
    const framed = this.records?.heldBytes() ?? 0;
    if (this.tx === null) return framed;
    return framed + this.tx.heldBytes() + this.sides[0].held.bytes.length + this.sides[1].held.bytes.length;
  }

  reset(): void {
    this.end();
    this.records?.close(Directions.TO_SERVER);
    this.records?.close(Directions.TO_CLIENT);
    this.records = null;
    for (const side of this.sides) {
      side.held.clear();
      side.state = State.BANNER;
      side.skip = 0;
      side.size = 0;
      side.closed = false;
      side.dirty = false;
    }
  }

  private end(): void {
    const { tx } = this;
    if (tx === null) return;
    this.tx = null;
    this.listener.onTransactionEnd(tx);
    tx.matchState = null;
  }

  private notify(direction: Direction, side: Side): void {
    if (!side.dirty) return;
    side.dirty = false;
    this.listener.onProgress(this.tx as HeldTransaction, direction);
  }

  private reach(direction: Direction, side: Side, progress: number): void {
    const tx = this.tx as HeldTransaction;
    if (tx.progress(direction) >= progress) return;
    tx.reach(direction, progress);
    side.dirty = true;
  }

  /** Nothing more is looked at in this direction. */
  private finish(direction: Direction, side: Side): void {
    side.state = State.DONE;
    side.held.clear();
    if (this.tx !== null) this.reach(direction, side, SshProgress.FINISHED);
  }

  private fail(direction: Direction, side: Side, event: string): void {
    this.listener.onEvent(this.tx, direction, event);
    this.finish(direction, side);
  }

  private step(direction: Direction, side: Side, bytes: Uint8Array, start: number, end: number): number {
    switch (side.state) {
      case State.BANNER:
        return this.banner(direction, side, bytes, start, end);
      case State.REST_OF_BANNER: {
        let i = start;
        while (i < end && bytes[i] !== LF) i++;
        if (i < end) this.bannerDone(direction, side);
        return i < end ? i + 1 : end;
      }
      case State.HEADER:
        return this.header(direction, side, bytes, start, end);
      default:
        return this.keyExchange(direction, side, bytes, start, end);
    }
  }

  private banner(direction: Direction, side: Side, bytes: Uint8Array, start: number, end: number): number {
    const { held } = side;
    let i = start;
    while (i < end && bytes[i] !== LF && held.end < BANNER_BYTES) {
      held.append(bytes, i, i + 1);
      i++;
    }
    const tooLong = held.end === BANNER_BYTES;
    if (i === end && !tooLong) return end;
    const stop = held.end > 0 && held.bytes[held.end - 1] === CR ? held.end - 1 : held.end;
    const right = this.readBanner(direction, held.bytes, stop);
    held.clear();
    if (!right) {
      this.fail(direction, side, SshEvent.INVALID_BANNER);
      return end;
    }
    if (tooLong) {
      this.listener.onEvent(this.tx, direction, SshEvent.LONG_BANNER);
      side.state = State.REST_OF_BANNER;
      return i;
    }
    this.bannerDone(direction, side);
    return i + 1;
  }

  private bannerDone(direction: Direction, side: Side): void {
    side.state = State.HEADER;
    this.reach(direction, side, SshProgress.BANNER);
  }

  /** `SSH-2.0-software comment`. @returns whether it is one */
  private readBanner(direction: Direction, bytes: Uint8Array, end: number): boolean {
    const tx = this.tx as HeldTransaction;
    for (let i = 0; i < PREFIX.length; i++) if (i >= end || bytes[i] !== PREFIX[i]) return false;
    let i = PREFIX.length;
    while (i < end && bytes[i] !== DASH) i++;
    if (i === end || i === PREFIX.length) return false;
    const software = i + 1;
    let stop = software;
    while (stop < end && bytes[stop] !== SPACE && bytes[stop] !== CR) stop++;
    const copy = bytes.slice(0, stop);
    tx.put(direction, B.PROTO, copy, PREFIX.length, i);
    if (stop > software) tx.put(direction, B.SOFTWARE, copy, software, stop);
    tx.hold(stop);
    return true;
  }

  private header(direction: Direction, side: Side, bytes: Uint8Array, start: number, end: number): number {
    const { held } = side;
    let i = start;
    if (side.skip > 0) {
      const count = Math.min(side.skip, end - i);
      side.skip -= count;
      return i + count;
    }
    while (i < end && held.end < RECORD_HEADER) {
      held.append(bytes, i, i + 1);
      i++;
    }
    if (held.end < RECORD_HEADER) return end;
    const head = held.bytes;
    const length = ((head[0] << 24) | (head[1] << 16) | (head[2] << 8) | head[3]) >>> 0;
    const message = head[5];
    held.clear();
    if (length < 2) {
      this.fail(direction, side, SshEvent.INVALID_RECORD);
      return end;
    }
    side.skip = length - 2;
    if (message === NEWKEYS) {
      this.finish(direction, side);
      return end;
    }
    if (message !== KEXINIT) return i;
    if (length - 2 > KEY_EXCHANGE_BYTES) {
      this.listener.onEvent(this.tx, direction, SshEvent.LONG_KEX_RECORD);
      return i;
    }
    side.size = length - 2;
    side.skip = 0;
    side.state = side.size > 0 ? State.KEXINIT : State.HEADER;
    return i;
  }

  private keyExchange(
    direction: Direction,
    side: Side,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const { held, size } = side;
    if (held.end === 0 && end - start >= size) {
      this.readKeyExchange(direction, side, bytes, start, start + size);
      side.state = State.HEADER;
      return start + size;
    }
    const count = Math.min(size - held.end, end - start);
    held.append(bytes, start, start + count);
    if (held.end === size) {
      this.readKeyExchange(direction, side, held.bytes, 0, size);
      held.clear();
      side.state = State.HEADER;
    }
    return start + count;
  }

  private readKeyExchange(
    direction: Direction,
    side: Side,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const tx = this.tx as HeldTransaction;
    const client = direction === Directions.TO_SERVER;
    const text = hasshText(direction, bytes, start, end);
    if (text !== '' && tx.text(direction, client ? B.HASSH : B.HASSH_SERVER) === undefined) {
      tx.put(direction, client ? B.HASSH : B.HASSH_SERVER, Buffer.from(hasshHash(text), 'latin1'));
      tx.put(direction, client ? B.HASSH_STRING : B.HASSH_SERVER_STRING, Buffer.from(text, 'latin1'));
      tx.hold(text.length);
    }
    this.reach(direction, side, SshProgress.KEY_EXCHANGE);
  }
}
