/** One Modbus message over TCP (Modbus Messaging on TCP/IP Implementation Guide, section 3.1.3) taken apart. */

import { accessOf, categoryOf, EXCEPTION_BIT, ModbusAccess, ModbusFunction } from './functions';

/** Transaction, protocol and length. */
export const HEADER_BYTES = 6;
/** Unit and function come first; a message ends 254 bytes behind the length. */
export const MIN_LENGTH = 2;
export const MAX_LENGTH = 254;

/** What the data of a message is. */
export const ModbusData = {
  NONE: 0,
  EXCEPTION: 1,
  DIAGNOSTIC: 2,
  INTERFACE: 3,
  READ_REQUEST: 4,
  READ_RESPONSE: 5,
  WRITE_REQUEST: 6,
  READ_WRITE_REQUEST: 7,
  MASK: 8,
  /** A single write, or the answer to a write. */
  WRITTEN: 9,
  BYTES: 10,
} as const;

/** What is wrong with a message; bits. */
export const ModbusFlaw = { VALUE: 1, LENGTH: 2, EXCEPTION_CODE: 4, FUNCTION_CODE: 8, PROTOCOL: 16 } as const;

const D = ModbusData;
const F = ModbusFunction;
const { COILS, DISCRETES, MULTIPLE, READ, SINGLE, WRITE } = ModbusAccess;
const { EXCEPTION_CODE, FUNCTION_CODE, LENGTH, PROTOCOL, VALUE } = ModbusFlaw;
const MOST_BITS = 2000;
const MOST_REGISTERS = 125;
const MOST_READ_BYTES = 250;
const COIL_ON = 0xff00;

export class ModbusMessage {
  bytes: Uint8Array = new Uint8Array(0);
  transaction = 0;
  unit = 0;
  /** As it was sent, with the bit of an exception. */
  rawFunction = 0;
  function = 0;
  access = 0;
  category = 0;
  flaws = 0;
  data = 0;
  /** Diagnostic or interface; below 0 where there is none. */
  subfunction = -1;
  exception = 0;
  address = 0;
  quantity = 0;
  /** Of a single write; the first mask of a mask write. */
  value = 0;
  secondMask = 0;
  /** Bytes that were read or are written. */
  dataStart = 0;
  dataEnd = 0;

  /** Takes a message apart, its header included. */
  read(bytes: Uint8Array, start: number, end: number, fromClient: boolean): void {
    this.bytes = bytes;
    this.transaction = word(bytes, start);
    this.flaws = word(bytes, start + 2) === 0 ? 0 : PROTOCOL;
    this.unit = 0;
    this.setFunction(0);
    this.data = D.NONE;
    this.subfunction = -1;
    this.exception = 0;
    this.address = 0;
    this.quantity = 0;
    this.value = 0;
    this.secondMask = 0;
    this.dataStart = end;
    this.dataEnd = end;
    const at = start + HEADER_BYTES;
    if (end - at < MIN_LENGTH || end - at > MAX_LENGTH) {
      this.flaws |= LENGTH;
      this.category = 0;
      return;
    }
    this.unit = bytes[at];
    this.setFunction(bytes[at + 1]);
    if (fromClient) this.readRequest(at + 2, end);
    else this.readResponse(at + 2, end);
    this.category = categoryOf(this.function, this.subfunction);
  }

  /** First and last address that are reached, counted from 1; the first is 0 where there are none. */
  get firstAddress(): number {
    switch (this.data) {
      case D.WRITTEN:
      case D.MASK:
        return this.address + 1;
      case D.READ_REQUEST:
      case D.WRITE_REQUEST:
      case D.READ_WRITE_REQUEST:
        return this.quantity > 0 && this.quantity <= 0xffff - this.address ? this.address + 1 : 0;
      default:
        return 0;
    }
  }

  get lastAddress(): number {
    const one = this.data === D.WRITTEN || this.data === D.MASK;
    return one ? this.address + 1 : this.address + this.quantity;
  }

  private setFunction(raw: number): void {
    this.rawFunction = raw;
    this.function = raw & ~EXCEPTION_BIT;
    this.access = accessOf(this.function);
  }

  private readRequest(at: number, end: number): void {
    const size = end - at;
    switch (this.function) {
      case F.DIAGNOSTIC:
        if (size !== 4) this.flaws |= LENGTH;
        this.readDiagnostic(at, end);
        if (size === 4) this.checkDiagnostic(at);
        return;
      case F.ENCAPSULATED_INTERFACE:
        this.readInterface(at, end);
        return;
      case F.READ_FILE_RECORD:
      case F.WRITE_FILE_RECORD:
        if (size === 0) this.flaws |= LENGTH;
        break;
      case F.READ_EXCEPTION_STATUS:
      case F.GET_EVENT_COUNTER:
      case F.GET_EVENT_LOG:
      case F.REPORT_SERVER_ID:
        if (size > 0) this.flaws |= LENGTH;
        break;
      case F.READ_FIFO_QUEUE:
        if (size !== 2) this.flaws |= LENGTH;
        break;
      default:
        if (this.rawFunction === 0 || this.rawFunction >= EXCEPTION_BIT) this.flaws |= FUNCTION_CODE;
        if ((this.access & READ) !== 0) {
          this.readRange(at, end);
          return;
        }
        if ((this.access & WRITE) !== 0) {
          this.readWrite(at, end, D.WRITE_REQUEST);
          return;
        }
    }
    this.keepBytes(at, end);
  }

  private readResponse(at: number, end: number): void {
    const size = end - at;
    if (this.rawFunction >= EXCEPTION_BIT) {
      this.readException(at, end);
      return;
    }
    switch (this.function) {
      case F.DIAGNOSTIC:
        this.readDiagnostic(at, end);
        return;
      case F.ENCAPSULATED_INTERFACE:
        this.readInterface(at, end);
        return;
      case F.READ_EXCEPTION_STATUS:
        if (size !== 1) this.flaws |= LENGTH;
        break;
      case F.GET_EVENT_COUNTER:
        if (size !== 4) this.flaws |= LENGTH;
        break;
      default:
        if ((this.access & READ) !== 0) {
          this.readValues(at, end);
          return;
        }
        if ((this.access & WRITE) !== 0) {
          this.readWritten(at, end);
          return;
        }
    }
    this.keepBytes(at, end);
  }

  private keepBytes(at: number, end: number): void {
    this.data = D.BYTES;
    this.dataStart = at;
    this.dataEnd = end;
  }

  /** The message is too short for its function: its data are only bytes. */
  private tooShort(at: number, end: number): void {
    this.flaws |= LENGTH;
    if (this.data === D.NONE) this.keepBytes(at, end);
  }

  private readException(at: number, end: number): void {
    if (end === at) {
      this.tooShort(at, end);
      return;
    }
    if (end - at > 1) this.flaws |= LENGTH;
    const code = this.bytes[at];
    const raw = this.rawFunction;
    const simple = (raw > 6 && raw < 15) || (raw > 16 && raw < 20);
    const file = this.function === F.READ_FILE_RECORD || this.function === F.WRITE_FILE_RECORD;
    const known = (code >= 1 && code <= 8) || code === 10 || code === 11;
    if (!known || (simple && (code === 2 || code === 3)) || (code === 8 && !file))
      this.flaws |= EXCEPTION_CODE;
    this.data = D.EXCEPTION;
    this.exception = code;
  }

  private readDiagnostic(at: number, end: number): void {
    if (end - at < 2) {
      this.flaws |= LENGTH;
      return;
    }
    this.data = D.DIAGNOSTIC;
    this.subfunction = word(this.bytes, at);
    this.dataStart = at + 2;
    this.dataEnd = end;
  }

  /** What goes with each diagnostic in a request. */
  private checkDiagnostic(at: number): void {
    const { bytes } = this;
    const first = bytes[at + 2];
    const second = bytes[at + 3];
    const code = this.subfunction;
    if (code === 0 || code === 4 || (code > 4 && code < 10) || code > 21) return;
    const right =
      code === 1
        ? second === 0 && (first === 0 || first === 0xff)
        : second === 0 && (code === 3 || first === 0);
    if (!right) this.flaws |= VALUE;
  }

  private readInterface(at: number, end: number): void {
    if (end === at) {
      this.flaws |= LENGTH;
      return;
    }
    this.data = D.INTERFACE;
    this.subfunction = this.bytes[at];
    this.dataStart = at + 1;
    this.dataEnd = end;
  }

  private readRange(at: number, end: number): void {
    const both = this.function === F.READ_WRITE_REGISTERS;
    if (end - at < 4) {
      this.tooShort(at, end);
      return;
    }
    this.data = D.READ_REQUEST;
    this.address = word(this.bytes, at);
    this.quantity = word(this.bytes, at + 2);
    if (this.quantity === 0 || this.quantity > this.mostAtOnce) this.flaws |= VALUE;
    if (both) this.readWrite(at + 4, end, D.READ_WRITE_REQUEST);
    else if (end - at > 4) this.flaws |= LENGTH;
  }

  private get mostAtOnce(): number {
    return (this.access & (COILS | DISCRETES)) !== 0 ? MOST_BITS : MOST_REGISTERS;
  }

  /** @param multiple what a write of several is */
  private readWrite(at: number, end: number, multiple: number): void {
    const { bytes } = this;
    const size = end - at;
    if ((this.access & SINGLE) !== 0) {
      if (size < 4) {
        this.tooShort(at, end);
        return;
      }
      if (size > 4) this.flaws |= LENGTH;
      this.address = word(bytes, at);
      this.value = word(bytes, at + 2);
      this.quantity = 1;
      this.data = D.WRITTEN;
      if ((this.access & COILS) !== 0 && this.value !== 0 && this.value !== COIL_ON) this.flaws |= VALUE;
    } else if ((this.access & MULTIPLE) !== 0) {
      if (size < 5) {
        this.tooShort(at, end);
        return;
      }
      const quantity = word(bytes, at + 2);
      const count = bytes[at + 4];
      if (quantity === 0 || end - at - 5 !== count) this.flaws |= LENGTH;
      const expected = (this.access & COILS) !== 0 ? Math.ceil(quantity / 8) : 2 * quantity;
      if (quantity > this.mostAtOnce || count !== expected) this.flaws |= VALUE;
      this.address = word(bytes, at);
      this.quantity = quantity;
      this.dataStart = at + 5;
      this.dataEnd = end;
      this.data = multiple;
    } else this.readMask(at, end);
  }

  private readMask(at: number, end: number): void {
    if (end - at < 6) {
      this.tooShort(at, end);
      return;
    }
    if (end - at > 6) this.flaws |= LENGTH;
    this.address = word(this.bytes, at);
    this.value = word(this.bytes, at + 2);
    this.secondMask = word(this.bytes, at + 4);
    this.quantity = 1;
    this.data = D.MASK;
  }

  private readValues(at: number, end: number): void {
    if (end === at) {
      this.flaws |= LENGTH;
      return;
    }
    const count = this.bytes[at];
    if (count === 0 || count > MOST_READ_BYTES || count !== end - at - 1) this.flaws |= VALUE;
    this.data = D.READ_RESPONSE;
    this.dataStart = at + 1;
    this.dataEnd = end;
  }

  private readWritten(at: number, end: number): void {
    if ((this.access & (SINGLE | MULTIPLE)) === 0) {
      this.readMask(at, end);
      return;
    }
    if (end - at < 4) {
      this.tooShort(at, end);
      return;
    }
    if (end - at > 4) this.flaws |= LENGTH;
    this.address = word(this.bytes, at);
    this.value = word(this.bytes, at + 2);
    this.quantity = this.value;
    this.data = D.WRITTEN;
    if ((this.access & MULTIPLE) !== 0 && (this.value === 0 || this.value > this.mostAtOnce))
      this.flaws |= VALUE;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}
