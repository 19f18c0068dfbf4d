/**
 * RFB (VNC) of one flow: its handshake (RFC 6143 section 7.1 and 7.3), one message after the other in either direction.
 * What follows is not looked at.
 */

import type { Frames } from '../frames/frames';
import { MessageAssembly } from '../framing/message-assembly';
import { HeldTransaction } from '../records/held-transaction';
import {
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { RfbBuffer as B, RFB_COMPLETE, RfbEvent } from './buffers';

const { TO_SERVER, TO_CLIENT } = Directions;

/** Longest message of the handshake: the name of a desktop and reasons of failures are short. */
const MESSAGE_BYTES = 1 << 14;
const VERSION_BYTES = 12;
const CHALLENGE_BYTES = 16;
const SERVER_INIT_BYTES = 24;
const SecurityType = { INVALID: 0, NONE: 1, VNC: 2 } as const;
const LAST_RESULT = 2;

/** The only kind of frame: a message of the handshake. */
const RFB_PDU = 0;
export const RFB_FRAMES = ['pdu'] as const;

const State = {
  SERVER_VERSION: 0,
  CLIENT_VERSION: 1,
  SECURITY_TYPES: 2,
  SERVER_SECURITY_TYPE: 3,
  SELECTION: 4,
  CHALLENGE: 5,
  RESPONSE: 6,
  RESULT: 7,
  REASON: 8,
  CLIENT_INIT: 9,
  SERVER_INIT: 10,
  DONE: 11,
} as const;

/** Direction of the message that each state waits for. */
const SPEAKER: readonly Direction[] = [
  TO_CLIENT,
  TO_SERVER,
  TO_CLIENT,
  TO_CLIENT,
  TO_SERVER,
  TO_CLIENT,
  TO_SERVER,
  TO_CLIENT,
  TO_CLIENT,
  TO_SERVER,
  TO_CLIENT,
];

function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

export class RfbParser implements ProtocolParser {
  readonly protocol = 'rfb';
  private readonly assemblies: readonly [MessageAssembly, MessageAssembly];
  private state: number = State.SERVER_VERSION;
  private tx: HeldTransaction | null = null;
  /** Minor version that the client has chosen. */
  private minor = 8;
  private stopped = false;
  private readonly closed: [boolean, boolean] = [false, false];
  private readonly told: [boolean, boolean] = [false, false];

  constructor(
    private readonly frames: Frames,
    private readonly listener: TransactionListener,
  ) {
    this.assemblies = [this.assembly(TO_SERVER), this.assembly(TO_CLIENT)];
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (this.closed[direction] || start >= end) return;
    this.tx ??= new HeldTransaction(0);
    this.tx.direction = direction;
    if (!this.stopped && !this.assemblies[direction].feed(bytes, start, end)) {
      if (this.state !== State.DONE) this.event(direction, RfbEvent.MALFORMED_MESSAGE);
      this.stop();
    }
    this.tell(direction);
  }

  gap(): void {
    this.stop();
  }

  close(direction: Direction): void {
    if (this.closed[direction]) return;
    this.closed[direction] = true;
    this.assemblies[direction].clear();
    const { tx } = this;
    if (tx === null) return;
    tx.direction = direction;
    tx.reach(direction, RFB_COMPLETE);
    this.tell(direction);
    if (this.closed[0] && this.closed[1]) this.end();
  }

  heldBytes(): number {
    const held = this.assemblies[0].heldBytes() + this.assemblies[1].heldBytes();
    return this.tx === null ? held : held + this.tx.heldBytes();
  }

  reset(): void {
    this.end();
    for (const direction of [TO_SERVER, TO_CLIENT]) {
      this.assemblies[direction].clear();
      this.closed[direction] = false;
      this.told[direction] = false;
    }
    this.state = State.SERVER_VERSION;
    this.minor = 8;
    this.stopped = false;
  }

  private assembly(direction: Direction): MessageAssembly {
    return new MessageAssembly(
      {
        messageLength: (bytes, start, end) => this.messageLength(direction, bytes, start, end),
        message: (bytes, start, end) => this.message(direction, bytes, start, end),
      },
      MESSAGE_BYTES,
    );
  }

  private stop(): void {
    this.stopped = true;
    this.assemblies[0].clear();
    this.assemblies[1].clear();
    if (this.tx === null) return;
    this.tx.reach(TO_SERVER, RFB_COMPLETE);
    this.tx.reach(TO_CLIENT, RFB_COMPLETE);
  }

  /** The handshake is done: its buffers are complete. */
  private tell(direction: Direction): void {
    const tx = this.tx as HeldTransaction;
    if (this.told[direction] || tx.progress(direction) < RFB_COMPLETE) return;
    this.told[direction] = true;
    this.listener.onProgress(tx, direction);
  }

  private end(): void {
    const { tx } = this;
    if (tx === null) return;
    this.tx = null;
    this.listener.onTransactionEnd(tx);
    tx.matchState = null;
  }

  private event(direction: Direction, name: string): void {
    this.listener.onEvent(this.tx, direction, name);
  }

  private messageLength(direction: Direction, bytes: Uint8Array, start: number, end: number): number {
    const available = end - start;
    if (this.state === State.DONE) return -1;
    // The other side should speak: what comes here is passed over.
    if (SPEAKER[this.state] !== direction) return available;
    switch (this.state) {
      case State.SERVER_VERSION:
      case State.CLIENT_VERSION:
        return VERSION_BYTES;
      case State.SECURITY_TYPES:
        return 1 + bytes[start];
      case State.SELECTION:
      case State.CLIENT_INIT:
        return 1;
      case State.CHALLENGE:
      case State.RESPONSE:
        return CHALLENGE_BYTES;
      case State.REASON:
        return available < 4 ? 0 : 4 + u32(bytes, start);
      case State.SERVER_INIT:
        return available < SERVER_INIT_BYTES ? 0 : SERVER_INIT_BYTES + u32(bytes, start + 20);
      default:
        return 4;
    }
  }

  /** @returns false where nothing more is looked at */
  private message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    const tx = this.tx as HeldTransaction;
    if (this.frames.wanted !== 0) this.frames.show(this.listener, direction, RFB_PDU, bytes, start, end);
    if (SPEAKER[this.state] !== direction) {
      this.event(direction, RfbEvent.CONFUSED_STATE);
      return true;
    }
    switch (this.state) {
      case State.SERVER_VERSION:
        return this.version(bytes, start, State.CLIENT_VERSION);
      case State.CLIENT_VERSION:
        this.minor = bytes[start + 10] - 0x30;
        return this.version(
          bytes,
          start,
          this.minor === 3 ? State.SERVER_SECURITY_TYPE : State.SECURITY_TYPES,
        );
      case State.SECURITY_TYPES:
        this.state = end - start > 1 ? State.SELECTION : State.REASON;
        return true;
      case State.SERVER_SECURITY_TYPE:
        return this.choose(direction, u32(bytes, start));
      case State.SELECTION:
        return this.choose(direction, bytes[start]);
      case State.CHALLENGE:
        this.state = State.RESPONSE;
        return true;
      case State.RESPONSE:
        this.state = State.RESULT;
        return true;
      case State.RESULT:
        return this.result(direction, u32(bytes, start));
      case State.CLIENT_INIT:
        this.state = State.SERVER_INIT;
        return true;
      case State.SERVER_INIT: {
        const name = bytes.slice(start + SERVER_INIT_BYTES, end);
        tx.put(TO_CLIENT, B.NAME, name);
        tx.hold(name.length);
        return this.finish();
      }
      default:
        return this.finish();
    }
  }

  private finish(): false {
    this.state = State.DONE;
    return false;
  }

  /** `RFB 003.008` and a line end. */
  private version(bytes: Uint8Array, start: number, next: number): boolean {
    const right = bytes[start] === 0x52 && bytes[start + 1] === 0x46 && bytes[start + 2] === 0x42;
    this.state = next;
    return right;
  }

  private choose(direction: Direction, type: number): boolean {
    const tx = this.tx as HeldTransaction;
    tx.putNumber(TO_SERVER, B.SECTYPE, type, 4);
    if (type === SecurityType.VNC) this.state = State.CHALLENGE;
    // Only version 3.8 tells the result where there is nothing to prove.
    else if (type === SecurityType.NONE) this.state = this.minor >= 8 ? State.RESULT : State.CLIENT_INIT;
    else if (type === SecurityType.INVALID) this.state = State.REASON;
    else {
      this.event(direction, RfbEvent.UNIMPLEMENTED_SECURITY_TYPE);
      return this.finish();
    }
    return true;
  }

  private result(direction: Direction, result: number): boolean {
    const tx = this.tx as HeldTransaction;
    tx.putNumber(TO_CLIENT, B.SECRESULT, result, 4);
    if (result > LAST_RESULT) this.event(direction, RfbEvent.UNKNOWN_SECURITY_RESULT);
    if (result === 0) {
      this.state = State.CLIENT_INIT;
      return true;
    }
    if (this.minor < 8) return this.finish();
    this.state = State.REASON;
    return true;
  }
}
