/** One MQTT control packet (MQTT 5 section 3) as runs of bytes. */

import type { HeldTransaction } from '../records/held-transaction';
import type { Direction } from '../transaction';
import { MqttBuffer, MqttType } from './buffers';

const T = MqttType;
const B = MqttBuffer;

/** Topics of one message that are looked at. */
const MOST_TOPICS = 2048;
/** Reason codes of one message that are looked at. */
const MOST_CODES = 100;

/** The fixed header (section 2.1) that was read last. */
export const fixedHeader = { type: 0, flags: 0, qos: 0, size: 0, remaining: 0 };

/** @returns 1 it was read into `fixedHeader`, 0 more bytes are needed, -1 its length is malformed */
export function readFixedHeader(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    if (start + i >= end) return 0;
    const c = bytes[start + i];
    value += (c & 0x7f) * 128 ** (i - 1);
    if (c >= 0x80) continue;
    fixedHeader.type = bytes[start] >> 4;
    fixedHeader.flags = bytes[start] & 0x0f;
    fixedHeader.qos = (bytes[start] >> 1) & 3;
    fixedHeader.size = 1 + i;
    fixedHeader.remaining = value;
    return 1;
  }
  return -1;
}

/** Sticky reader of the fields behind the fixed header: after a failure it reads nothing more. */
class Fields {
  failed = false;
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  /** Where the string lies that was read last. */
  stringStart = 0;
  stringEnd = 0;

  begin(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.failed = false;
  }

  get left(): number {
    return this.end - this.at;
  }

  get position(): number {
    return this.at;
  }

  byte(): number {
    if (this.at >= this.end) this.failed = true;
    return this.failed ? 0 : this.bytes[this.at++];
  }

  word(): number {
    const high = this.byte();
    return (high << 8) | this.byte();
  }

  /** Text or binary data: two bytes of length before it. */
  string(): boolean {
    const length = this.word();
    if (length > this.left) this.failed = true;
    if (this.failed) return false;
    this.stringStart = this.at;
    this.at += length;
    this.stringEnd = this.at;
    return true;
  }

  /** Properties (MQTT 5 section 2.2.2): checked and passed over. */
  properties(): void {
    const length = this.variable();
    if (length > this.left) this.failed = true;
    if (this.failed) return;
    const behind = this.end;
    this.end = this.at + length;
    while (this.left > 0 && !this.failed) this.property();
    this.end = behind;
  }

  private variable(): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const c = this.byte();
      value += (c & 0x7f) * 128 ** i;
      if (c < 0x80) return value;
    }
    this.failed = true;
    return 0;
  }

  private property(): void {
    switch (this.variable()) {
      case 0x01:
      case 0x17:
      case 0x19:
      case 0x24:
      case 0x25:
      case 0x28:
      case 0x29:
      case 0x2a:
        this.byte();
        return;
      case 0x13:
      case 0x21:
      case 0x22:
      case 0x23:
        this.word();
        return;
      case 0x02:
      case 0x11:
      case 0x18:
      case 0x27:
        this.word();
        this.word();
        return;
      case 0x0b:
        this.variable();
        return;
      case 0x26:
        this.string();
        this.string();
        return;
      case 0x03:
      case 0x08:
      case 0x09:
      case 0x12:
      case 0x15:
      case 0x16:
      case 0x1a:
      case 0x1c:
      case 0x1f:
        this.string();
        return;
      default:
        this.failed = true;
    }
  }
}

const fields = new Fields();

/** What a message says besides its buffers. */
export const told = { messageId: -1, version: 0 };

/**
 * Puts the buffers of a message into the transaction it belongs to; its header was read into `fixedHeader`.
 * @param direction of the transaction, not of the message
 * @param start behind the fixed header
 * @param version of the protocol: 3, 4 or 5
 * @param truncated the message is longer than `end`: a publication may be
 * @returns false where it is malformed
 */
export function readMessage(
  tx: HeldTransaction,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  version: number,
  truncated: boolean,
): boolean {
  const { type, flags, qos } = fixedHeader;
  told.messageId = -1;
  tx.putNumber(direction, B.TYPE, type, 1);
  tx.putNumber(direction, B.FLAGS, flags, 1);
  tx.putNumber(direction, B.QOS, qos, 1);
  fields.begin(bytes, start, end);
  if (truncated && type !== T.PUBLISH) return true;
  switch (type) {
    case T.CONNECT:
      readConnect(tx, direction, bytes);
      break;
    case T.CONNACK: {
      const present = fields.byte() & 1;
      const code = fields.byte();
      if (fields.failed) break;
      if (version >= 5 && fields.left > 0) fields.properties();
      tx.putNumber(direction, B.CONNACK_SESSION_PRESENT, present, 1);
      putCode(tx, direction, code);
      break;
    }
    case T.PUBLISH: {
      if (!fields.string()) break;
      const { stringStart, stringEnd } = fields;
      if (qos > 0) told.messageId = fields.word();
      if (version >= 5) fields.properties();
      if (fields.failed) break;
      tx.put(direction, B.PUBLISH_TOPIC, bytes, stringStart, stringEnd);
      if (fields.left > 0) tx.put(direction, B.PUBLISH_MESSAGE, bytes, fields.position, end);
      break;
    }
    case T.PUBACK:
    case T.PUBREC:
    case T.PUBREL:
    case T.PUBCOMP:
      told.messageId = fields.word();
      if (version < 5 || fields.failed) break;
      putCode(tx, direction, fields.left > 0 ? fields.byte() : 0);
      if (fields.left > 0) fields.properties();
      break;
    case T.SUBSCRIBE:
    case T.UNSUBSCRIBE:
      told.messageId = fields.word();
      if (version >= 5) fields.properties();
      readTopics(tx, direction, bytes, type === T.SUBSCRIBE);
      break;
    case T.SUBACK:
    case T.UNSUBACK:
      told.messageId = fields.word();
      if (version >= 5) fields.properties();
      for (let i = 0; i < MOST_CODES && fields.left > 0 && !fields.failed; i++)
        putCode(tx, direction, fields.byte());
      break;
    case T.DISCONNECT:
    case T.AUTH:
      if (version < 5) break;
      putCode(tx, direction, fields.left > 0 ? fields.byte() : 0);
      if (fields.left > 0) fields.properties();
      break;
    default:
      break;
  }
  return !fields.failed;
}

function putCode(tx: HeldTransaction, direction: Direction, code: number): void {
  tx.putNumber(direction, B.REASON_CODE, code, 1);
  tx.putNumber(direction, B.CONNACK_RETURN_CODE, code, 1);
}

function readTopics(tx: HeldTransaction, direction: Direction, bytes: Uint8Array, subscribe: boolean): void {
  for (let i = 0; i < MOST_TOPICS && fields.left > 0 && fields.string(); i++) {
    const { stringStart, stringEnd } = fields;
    tx.put(direction, subscribe ? B.SUBSCRIBE_TOPIC : B.UNSUBSCRIBE_TOPIC, bytes, stringStart, stringEnd);
    if (subscribe) fields.byte();
  }
}

/** CONNECT (section 3.1). */
function readConnect(tx: HeldTransaction, direction: Direction, bytes: Uint8Array): void {
  if (!fields.string()) return;
  tx.put(direction, B.CONNECT_PROTOCOL_STRING, bytes, fields.stringStart, fields.stringEnd);
  told.version = fields.byte();
  const flags = fields.byte();
  fields.word();
  const modern = told.version === 5;
  if (modern) fields.properties();
  if (fields.failed) return;
  tx.putNumber(direction, B.CONNECT_FLAGS, flags, 1);
  putString(tx, direction, B.CONNECT_CLIENTID, bytes);
  if ((flags & 0x04) !== 0) {
    if (modern) fields.properties();
    putString(tx, direction, B.CONNECT_WILLTOPIC, bytes);
    putString(tx, direction, B.CONNECT_WILLMESSAGE, bytes);
  }
  if ((flags & 0x80) !== 0) putString(tx, direction, B.CONNECT_USERNAME, bytes);
  if ((flags & 0x40) !== 0) putString(tx, direction, B.CONNECT_PASSWORD, bytes);
}

function putString(tx: HeldTransaction, direction: Direction, id: number, bytes: Uint8Array): void {
  if (!fields.string() || fields.stringEnd === fields.stringStart) return;
  tx.put(direction, id, bytes, fields.stringStart, fields.stringEnd);
}
