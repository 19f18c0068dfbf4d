/**
 * What a message of the Common Industrial Protocol does and to what (CIP Networks Library volume 1, chapter 2 and
 * appendix C). A multiple service packet is looked into one level deep.
 */

const GET_ATTRIBUTE_LIST = 3;
const SET_ATTRIBUTE_LIST = 4;
const MULTIPLE_SERVICE = 0x0a;
/** Set in the service of a response. */
const RESPONSE = 0x80;
/** Kinds of logical segments, as they stand in the high six bits. */
const CLASS = 0x20 >> 2;
const INSTANCE = 0x24 >> 2;
const ATTRIBUTE = 0x30 >> 2;

/** Services of one packet that are looked at, and numbers of each kind that are kept. */
export const MOST_SERVICES = 128;
const MOST_NUMBERS = 1024;

/** A list of numbers that is reused and cannot grow without bound. */
export class Numbers {
  private readonly values = new Uint32Array(MOST_NUMBERS);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  push(value: number): void {
    if (this.length < MOST_NUMBERS) this.values[this.length++] = value;
  }

  at(index: number): number {
    return this.values[index];
  }
}

/** Ends of the parts of the lists that belong to one service. */
interface ServiceRow {
  service: number;
  classes: number;
  attributes: number;
}

export class CipPacket {
  readonly classes = new Numbers();
  readonly instances = new Numbers();
  readonly attributes = new Numbers();
  readonly statuses = new Numbers();
  readonly extendedStatuses = new Numbers();
  /** The services in order; what belongs to each ends in the lists where its row says. */
  readonly services: ServiceRow[] = Array.from({ length: MOST_SERVICES }, () => ({
    service: 0,
    classes: 0,
    attributes: 0,
  }));
  serviceCount = 0;

  clear(): void {
    this.classes.clear();
    this.instances.clear();
    this.attributes.clear();
    this.statuses.clear();
    this.extendedStatuses.clear();
    this.serviceCount = 0;
  }

  /** Adds what a packet says. @returns false where it is broken */
  read(bytes: Uint8Array, start: number, end: number, nested = false): boolean {
    if (start >= end) return false;
    const service = bytes[start];
    // The row is taken now, so that services stand in the order of the packet.
    const row = this.services[this.serviceCount];
    if (this.serviceCount >= MOST_SERVICES) return false;
    this.serviceCount++;
    row.service = service & ~RESPONSE;
    const at =
      service < RESPONSE
        ? this.readRequest(bytes, start + 1, end, service)
        : this.readResponse(bytes, start + 1, end);
    row.classes = this.classes.length;
    row.attributes = this.attributes.length;
    if (at < 0) return false;
    return nested || row.service !== MULTIPLE_SERVICE || this.readMultiple(bytes, at, end);
  }

  /** @returns place behind path and list of attributes, below 0 where they are broken */
  private readRequest(bytes: Uint8Array, start: number, end: number, service: number): number {
    if (start >= end) return -1;
    const stop = start + 1 + 2 * bytes[start];
    if (stop > end) return -1;
    let at = start + 1;
    while (at < stop) {
      const type = bytes[at];
      const size = segmentBytes(type);
      if (size === 0 || at + size > stop) return -1;
      const value = littleEndian(bytes, size === 2 ? at + 1 : at + 2, at + size);
      const kind = type >> 2;
      if (kind === CLASS) this.classes.push(value);
      else if (kind === INSTANCE) this.instances.push(value);
      else if (kind === ATTRIBUTE) this.attributes.push(value);
      at += size;
    }
    if (service !== GET_ATTRIBUTE_LIST && service !== SET_ATTRIBUTE_LIST) return at;
    if (at + 2 > end) return -1;
    // What comes with an attribute that is set only its class knows: the first can be told.
    const count =
      service === GET_ATTRIBUTE_LIST
        ? littleEndian(bytes, at, at + 2)
        : Math.min(1, littleEndian(bytes, at, at + 2));
    at += 2;
    if (at + 2 * count > end) return -1;
    for (let i = 0; i < count; i++) this.attributes.push(littleEndian(bytes, at + 2 * i, at + 2 * i + 2));
    return at + 2 * count;
  }

  private readResponse(bytes: Uint8Array, start: number, end: number): number {
    if (start + 3 > end) return -1;
    const words = bytes[start + 2];
    const at = start + 3;
    if (at + words > end) return -1;
    this.statuses.push(bytes[start + 1]);
    if (words === 2) this.extendedStatuses.push(littleEndian(bytes, at, at + 2));
    else if (words === 1 && at + 2 <= end) this.extendedStatuses.push(littleEndian(bytes, at, at + 2));
    return at + words;
  }

  private readMultiple(bytes: Uint8Array, start: number, end: number): boolean {
    if (start + 2 > end) return false;
    const count = littleEndian(bytes, start, start + 2);
    if (start + 2 + 2 * count > end) return false;
    for (let i = 0; i < count; i++) {
      const from = start + littleEndian(bytes, start + 2 + 2 * i, start + 4 + 2 * i);
      if (from >= end || !this.read(bytes, from, end, true)) return false;
    }
    return true;
  }
}

/** Bytes of a logical segment by its format; 0 for what is none. */
function segmentBytes(type: number): number {
  if (type >> 5 !== 1) return 0;
  switch (type & 3) {
    case 0:
      return 2;
    case 1:
      return 4;
    case 2:
      return 6;
    default:
      return 0;
  }
}

export function littleEndian(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = end - 1; i >= start; i--) value = value * 256 + bytes[i];
  return value;
}

/** Where the number of packets stands in a multiple service packet, behind its header; below 0 where it is none. */
export function placeOfServices(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 2 || (bytes[start] & ~RESPONSE) !== MULTIPLE_SERVICE) return -1;
  // A request has a path of so many words; a response a status, and behind it words that say more.
  if (bytes[start] < RESPONSE) return start + 2 + 2 * bytes[start + 1];
  return end - start < 4 ? -1 : start + 4 + 2 * bytes[start + 3];
}
