import { FIRST_BUFFER } from '../buffer-ranges';
import { MESSAGE_READ } from '../framing/message-parser';
import { type BufferDefinition, Direction } from '../transaction';
import { ModbusData, type ModbusMessage } from './message';

/**
 * The buffer `modbus`: what the keyword `modbus` asks of a request. Numbers have the highest byte first.
 *
 * | place | bytes | what |
 * | --- | --- | --- |
 * | 0 | 1 | unit |
 * | 1 | 1 | function, without the bit of an exception |
 * | 2 | 1 | access, bits of `ModbusAccess` |
 * | 3 | 1 | category, bits of `ModbusCategory` |
 * | 4 | 1 | 1: there is a diagnostic subfunction |
 * | 5 | 2 | diagnostic subfunction |
 * | 7 | 4 | first and last address that are reached, from 1; first 0: none, or more than there are |
 * | 11 | 2 | address of the first register or coil that is written, from 1 |
 * | 13 | … | what is written: the value of a single write, the data of a multiple one |
 */
export const ModbusLayout = {
  UNIT: 0,
  FUNCTION: 1,
  ACCESS: 2,
  CATEGORY: 3,
  HAS_SUBFUNCTION: 4,
  SUBFUNCTION: 5,
  FIRST_ADDRESS: 7,
  LAST_ADDRESS: 9,
  WRITTEN_ADDRESS: 11,
  WRITTEN: 13,
} as const;

const L = ModbusLayout;
/** Bytes of the longest buffer. */
export const LAYOUT_BYTES = L.WRITTEN + 256;

export const MODBUS_BUFFERS: readonly BufferDefinition[] = [
  {
    name: 'modbus',
    id: FIRST_BUFFER.modbus,
    protocol: 'modbus',
    directions: [Direction.TO_SERVER],
    progress: MESSAGE_READ,
    streaming: false,
    multiple: false,
  },
];

/** Writes the buffer for a request into `out`, of `LAYOUT_BYTES`. @returns its length */
export function layOut(message: ModbusMessage, out: Uint8Array): number {
  out[L.UNIT] = message.unit;
  out[L.FUNCTION] = message.function;
  out[L.ACCESS] = message.access;
  out[L.CATEGORY] = message.category;
  out[L.HAS_SUBFUNCTION] = message.data === ModbusData.DIAGNOSTIC ? 1 : 0;
  putWord(out, L.SUBFUNCTION, Math.max(0, message.subfunction));
  const first = message.firstAddress;
  putWord(out, L.FIRST_ADDRESS, first > 0xffff ? 0 : first);
  putWord(out, L.LAST_ADDRESS, first > 0 ? message.lastAddress : 0);
  putWord(out, L.WRITTEN_ADDRESS, message.address + 1);
  switch (message.data) {
    case ModbusData.WRITTEN:
      putWord(out, L.WRITTEN, message.value);
      return L.WRITTEN + 2;
    case ModbusData.WRITE_REQUEST:
    case ModbusData.READ_WRITE_REQUEST:
      out.set(message.bytes.subarray(message.dataStart, message.dataEnd), L.WRITTEN);
      return L.WRITTEN + message.dataEnd - message.dataStart;
    default:
      return L.WRITTEN;
  }
}

function putWord(out: Uint8Array, at: number, value: number): void {
  out[at] = (value >> 8) & 255;
  out[at + 1] = value & 255;
}
