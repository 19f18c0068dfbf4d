/** One message of EtherNet/IP's encapsulation taken apart; reused. */

import { CipPacket, littleEndian } from './cip';
import { EnipCommand } from './names';

export const HEADER_BYTES = 24;
/** Types of the items in a message. */
export const Item = { IDENTITY: 0x0c, CONNECTED: 0xb1, UNCONNECTED: 0xb2, SERVICES: 0x100 } as const;
const SERVICE_NAME_BYTES = 16;
/** Identity: without the product's name and what follows it. */
const IDENTITY_BYTES = 33;

export class EnipMessage {
  bytes: Uint8Array = new Uint8Array(0);
  command = 0;
  session = 0;
  status = 0;
  /** The payload is not what its command asks for. */
  invalid = false;
  /** There is a CIP packet in it. */
  hasCip = false;
  /** Number of a packet in its connection; below 0 where there is none. */
  sequence = -1;
  readonly cip = new CipPacket();
  /** Below 0 where the message has none of these. */
  protocolVersion = -1;
  capabilities = -1;
  hasIdentity = false;
  vendor = 0;
  deviceType = 0;
  productCode = 0;
  revision = 0;
  identityStatus = 0;
  serial = 0;
  state = 0;
  /** Ranges of names in `bytes`; empty where there are none. */
  productStart = 0;
  productEnd = 0;
  serviceStart = 0;
  serviceEnd = 0;

  /** Takes a whole message apart. */
  read(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.command = littleEndian(bytes, start, start + 2);
    this.session = littleEndian(bytes, start + 4, start + 8);
    this.status = littleEndian(bytes, start + 8, start + 12);
    this.hasCip = false;
    this.sequence = -1;
    this.cip.clear();
    this.protocolVersion = -1;
    this.capabilities = -1;
    this.hasIdentity = false;
    this.productStart = 0;
    this.productEnd = 0;
    this.serviceStart = 0;
    this.serviceEnd = 0;
    this.invalid = !this.readPayload(start + HEADER_BYTES, end);
    if (!this.invalid) return;
    this.cip.clear();
    this.hasCip = false;
    this.hasIdentity = false;
    this.protocolVersion = -1;
    this.capabilities = -1;
    this.serviceEnd = this.serviceStart;
    this.productEnd = this.productStart;
  }

  private readPayload(at: number, end: number): boolean {
    switch (this.command) {
      case EnipCommand.REGISTER_SESSION:
        if (end - at < 4) return false;
        this.protocolVersion = littleEndian(this.bytes, at, at + 2);
        return true;
      case EnipCommand.LIST_SERVICES:
      case EnipCommand.LIST_INTERFACES:
      case EnipCommand.LIST_IDENTITY:
        // Requests have nothing.
        return at === end || this.readItems(at, end);
      case EnipCommand.SEND_RR_DATA:
      case EnipCommand.SEND_UNIT_DATA:
        return this.readItems(at + 6, end);
      default:
        return true;
    }
  }

  private readItems(start: number, end: number): boolean {
    const { bytes } = this;
    if (start + 2 > end) return false;
    const count = littleEndian(bytes, start, start + 2);
    let at = start + 2;
    for (let i = 0; i < count; i++) {
      if (at + 4 > end) return false;
      const type = littleEndian(bytes, at, at + 2);
      const stop = at + 4 + littleEndian(bytes, at + 2, at + 4);
      if (stop > end || !this.readItem(type, at + 4, stop, i)) return false;
      at = stop;
    }
    return true;
  }

  private readItem(type: number, start: number, end: number, index: number): boolean {
    switch (type) {
      case Item.IDENTITY:
        return this.readIdentity(start, end, index === 0 && this.command === EnipCommand.LIST_IDENTITY);
      case Item.SERVICES:
        return this.readServices(start, end, index === 0 && this.command === EnipCommand.LIST_SERVICES);
      case Item.CONNECTED:
        if (start + 2 > end) return false;
        // Of two such items it is the second that both sides count.
        this.sequence = littleEndian(this.bytes, start, start + 2);
        return this.readCip(start + 2, end);
      case Item.UNCONNECTED:
        return this.readCip(start, end);
      default:
        return true;
    }
  }

  /** Only the first packet of a message is what rules look at. */
  private readCip(start: number, end: number): boolean {
    if (this.hasCip) return true;
    this.hasCip = true;
    return this.cip.read(this.bytes, start, end);
  }

  private readServices(start: number, end: number, counts: boolean): boolean {
    if (start + 4 + SERVICE_NAME_BYTES > end) return false;
    if (!counts) return true;
    this.protocolVersion = littleEndian(this.bytes, start, start + 2);
    this.capabilities = littleEndian(this.bytes, start + 2, start + 4);
    this.serviceStart = start + 4;
    this.serviceEnd = start + 4 + SERVICE_NAME_BYTES;
    return true;
  }

  private readIdentity(start: number, end: number, counts: boolean): boolean {
    const { bytes } = this;
    if (start + IDENTITY_BYTES > end) return false;
    const nameEnd = start + IDENTITY_BYTES + bytes[start + IDENTITY_BYTES - 1];
    if (nameEnd >= end) return false;
    if (!counts) return true;
    this.hasIdentity = true;
    this.protocolVersion = littleEndian(bytes, start, start + 2);
    // Sixteen bytes of socket address in between.
    this.vendor = littleEndian(bytes, start + 18, start + 20);
    this.deviceType = littleEndian(bytes, start + 20, start + 22);
    this.productCode = littleEndian(bytes, start + 22, start + 24);
    this.revision = (bytes[start + 24] << 8) | bytes[start + 25];
    this.identityStatus = littleEndian(bytes, start + 26, start + 28);
    this.serial = littleEndian(bytes, start + 28, start + 32);
    this.productStart = start + IDENTITY_BYTES;
    this.productEnd = nameEnd;
    this.state = bytes[nameEnd];
    return true;
  }
}
