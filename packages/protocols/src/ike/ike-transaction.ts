import { NO_BYTES } from '../buffer-pool';
import { showBytes } from '../buffer-view';
import { MessageTransaction } from '../framing/message-parser';
import { writeInteger } from '../integer-view';
import { Text } from '../tls/text';
import type { BufferView } from '../transaction';
import { IkeBuffer as B } from './buffers';

const SPI = 8;
const EXCHANGE_AT = 18;
/** Payloads of one kind that are told apart. */
const VENDORS = 64;
const ATTRIBUTES = 128;
const ATTRIBUTE_BYTES = 5;
/** Text of the identifiers of one message. */
const TEXT_BYTES = 1 << 17;

/** Attributes of an association, as the buffer has them. */
export class Attributes {
  readonly bytes = new Uint8Array(ATTRIBUTES * ATTRIBUTE_BYTES);
  end = 0;

  clear(): void {
    this.end = 0;
  }

  add(attribute: number, value: number): void {
    if (this.end === this.bytes.length) return;
    const { bytes } = this;
    bytes[this.end++] = attribute;
    for (let shift = 24; shift >= 0; shift -= 8) bytes[this.end++] = value >>> shift;
  }
}

/** One message. It is over when it was shown, so the parsers of a worker share one. */
export class IkeTransaction extends MessageTransaction {
  version = 0;
  /** The datagram. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  /** Places of payloads; -1: there is none. */
  keyExchangeStart = -1;
  keyExchangeEnd = 0;
  nonceStart = -1;
  nonceEnd = 0;
  readonly vendors: number[] = [];
  readonly attributes = new Attributes();
  private readonly text = new Text(TEXT_BYTES);

  begin(id: number, version: number, bytes: Uint8Array, start: number): void {
    this.id = id;
    this.matchState = null;
    this.version = version;
    this.bytes = bytes;
    this.start = start;
    this.keyExchangeStart = -1;
    this.nonceStart = -1;
    this.vendors.length = 0;
    this.attributes.clear();
    this.text.clear();
  }

  end(): void {
    this.bytes = NO_BYTES;
  }

  get exchange(): number {
    return this.bytes[this.start + EXCHANGE_AT];
  }

  addVendor(start: number, end: number): void {
    if (this.vendors.length < VENDORS * 2) this.vendors.push(start, end);
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    const { start, bytes } = this;
    switch (id) {
      case B.INIT_SPI:
        return this.showHex(out, start, start + SPI);
      case B.RESP_SPI:
        return this.showHex(out, start + SPI, start + 2 * SPI);
      case B.EXCHTYPE:
        return writeInteger(out, this.exchange, 1);
      case B.CHOSEN_SA_ATTRIBUTE: {
        const { attributes } = this;
        return attributes.end > 0 && showBytes(out, attributes.bytes, 0, attributes.end);
      }
      case B.VENDOR: {
        const place = index * 2;
        return place < this.vendors.length && this.showHex(out, this.vendors[place], this.vendors[place + 1]);
      }
      case B.KEY_EXCHANGE_PAYLOAD:
        return (
          this.keyExchangeStart >= 0 && showBytes(out, bytes, this.keyExchangeStart, this.keyExchangeEnd)
        );
      case B.KEY_EXCHANGE_PAYLOAD_LENGTH:
        return (
          this.keyExchangeStart >= 0 && writeInteger(out, this.keyExchangeEnd - this.keyExchangeStart, 4)
        );
      case B.NONCE_PAYLOAD:
        return this.nonceStart >= 0 && showBytes(out, bytes, this.nonceStart, this.nonceEnd);
      case B.NONCE_PAYLOAD_LENGTH:
        return this.nonceStart >= 0 && writeInteger(out, this.nonceEnd - this.nonceStart, 4);
      default:
        return false;
    }
  }

  private showHex(out: BufferView, start: number, end: number): boolean {
    const { text } = this;
    const from = text.end;
    text.hex(this.bytes, start, end, false, -1);
    return !text.overflow && showBytes(out, text.bytes, from, text.end);
  }
}
