import { FIRST_BUFFER } from '../buffer-ranges';
import { showBytes } from '../buffer-view';
import { MESSAGE_READ } from '../framing/message-parser';
import { writeInteger } from '../integer-view';
import {
  type BufferDefinition,
  type BufferView,
  type Direction,
  Direction as Directions,
  type IntegerBuffer,
} from '../transaction';
import type { CipPacket, Numbers } from './cip';
import type { EnipMessage } from './message';
import { COMMAND_NUMBERS, STATUS_NUMBERS } from './names';

const EnipBuffer = {
  /**
   * One for each CIP service of a message, for the keyword `cip_service`. Its bytes: service, count of classes, the
   * classes with 4 bytes each, the attributes with 4 bytes each; numbers have the highest byte first.
   */
  CIP_SERVICE: 0,
  COMMAND: 1,
  STATUS: 2,
  CIP_CLASS: 3,
  CIP_INSTANCE: 4,
  CIP_ATTRIBUTE: 5,
  CIP_STATUS: 6,
  CIP_EXTENDED_STATUS: 7,
  CAPABILITIES: 8,
  PROTOCOL_VERSION: 9,
  VENDOR: 10,
  DEVICE_TYPE: 11,
  PRODUCT_CODE: 12,
  REVISION: 13,
  IDENTITY_STATUS: 14,
  SERIAL: 15,
  STATE: 16,
  PRODUCT_NAME: 17,
  SERVICE_NAME: 18,
  /** COMMAND by its older name. */
  OLD_COMMAND: 19,
} as const;

const B = EnipBuffer;
const FIRST = FIRST_BUFFER.enip;
const REQUEST = [Directions.TO_SERVER] as const;
const RESPONSE = [Directions.TO_CLIENT] as const;
const BOTH = [Directions.TO_SERVER, Directions.TO_CLIENT] as const;

function row(
  id: number,
  name: string,
  directions: readonly Direction[],
  integer: IntegerBuffer | null,
  multiple = false,
): BufferDefinition {
  const shared = { name, id: FIRST + id, protocol: 'enip', directions, progress: MESSAGE_READ };
  return { ...shared, streaming: false, multiple, ...(integer && { integer }) };
}

export const ENIP_BUFFERS: readonly BufferDefinition[] = [
  row(B.CIP_SERVICE, 'cip_service', BOTH, null, true),
  row(B.COMMAND, 'enip.command', BOTH, { bytes: 2, names: COMMAND_NUMBERS }),
  row(B.STATUS, 'enip.status', BOTH, { bytes: 4, names: STATUS_NUMBERS }),
  row(B.CIP_CLASS, 'enip.cip_class', REQUEST, { bytes: 4 }, true),
  row(B.CIP_INSTANCE, 'enip.cip_instance', REQUEST, { bytes: 4 }, true),
  row(B.CIP_ATTRIBUTE, 'enip.cip_attribute', REQUEST, { bytes: 4 }, true),
  row(B.CIP_STATUS, 'enip.cip_status', RESPONSE, { bytes: 1 }, true),
  row(B.CIP_EXTENDED_STATUS, 'enip.cip_extendedstatus', RESPONSE, { bytes: 2 }, true),
  row(B.CAPABILITIES, 'enip.capabilities', RESPONSE, { bytes: 2 }),
  row(B.PROTOCOL_VERSION, 'enip.protocol_version', BOTH, { bytes: 2 }),
  row(B.VENDOR, 'enip.vendor_id', RESPONSE, { bytes: 2 }),
  row(B.DEVICE_TYPE, 'enip.device_type', RESPONSE, { bytes: 2 }),
  row(B.PRODUCT_CODE, 'enip.product_code', RESPONSE, { bytes: 2 }),
  row(B.REVISION, 'enip.revision', RESPONSE, { bytes: 2 }),
  row(B.IDENTITY_STATUS, 'enip.identity_status', RESPONSE, { bytes: 2 }),
  row(B.SERIAL, 'enip.serial', RESPONSE, { bytes: 4 }),
  row(B.STATE, 'enip.state', RESPONSE, { bytes: 1 }),
  row(B.PRODUCT_NAME, 'enip.product_name', RESPONSE, null),
  row(B.SERVICE_NAME, 'enip.service_name', RESPONSE, null),
  row(B.OLD_COMMAND, 'enip_command', BOTH, { bytes: 2, names: COMMAND_NUMBERS }),
];

const SERVICE_BYTES = 1024;
const service = new Uint8Array(SERVICE_BYTES);

/** Fills `out` with a buffer of the message that is there. */
export function fillEnip(message: EnipMessage, id: number, index: number, out: BufferView): boolean {
  const { cip } = message;
  switch (id - FIRST) {
    case B.CIP_SERVICE:
      return index < cip.serviceCount && showBytes(out, service, 0, layOutService(cip, index));
    case B.CIP_CLASS:
      return numberAt(cip.classes, index, 4, out);
    case B.CIP_INSTANCE:
      return numberAt(cip.instances, index, 4, out);
    case B.CIP_ATTRIBUTE:
      return numberAt(cip.attributes, index, 4, out);
    case B.CIP_STATUS:
      return numberAt(cip.statuses, index, 1, out);
    case B.CIP_EXTENDED_STATUS:
      return numberAt(cip.extendedStatuses, index, 2, out);
    default:
      return index === 0 && fillSingle(message, id - FIRST, out);
  }
}

function fillSingle(message: EnipMessage, id: number, out: BufferView): boolean {
  switch (id) {
    case B.COMMAND:
    case B.OLD_COMMAND:
      return writeInteger(out, message.command, 2);
    case B.STATUS:
      return writeInteger(out, message.status, 4);
    case B.CAPABILITIES:
      return message.capabilities >= 0 && writeInteger(out, message.capabilities, 2);
    case B.PROTOCOL_VERSION:
      return message.protocolVersion >= 0 && writeInteger(out, message.protocolVersion, 2);
    case B.SERVICE_NAME:
      return (
        message.serviceEnd > message.serviceStart &&
        showBytes(out, message.bytes, message.serviceStart, message.serviceEnd)
      );
    default:
      return message.hasIdentity && fillIdentity(message, id, out);
  }
}

function fillIdentity(message: EnipMessage, id: number, out: BufferView): boolean {
  switch (id) {
    case B.VENDOR:
      return writeInteger(out, message.vendor, 2);
    case B.DEVICE_TYPE:
      return writeInteger(out, message.deviceType, 2);
    case B.PRODUCT_CODE:
      return writeInteger(out, message.productCode, 2);
    case B.REVISION:
      return writeInteger(out, message.revision, 2);
    case B.IDENTITY_STATUS:
      return writeInteger(out, message.identityStatus, 2);
    case B.SERIAL:
      return writeInteger(out, message.serial, 4);
    case B.STATE:
      return writeInteger(out, message.state, 1);
    case B.PRODUCT_NAME:
      return showBytes(out, message.bytes, message.productStart, message.productEnd);
    default:
      return false;
  }
}

function numberAt(numbers: Numbers, index: number, bytes: 1 | 2 | 4, out: BufferView): boolean {
  return index < numbers.length && writeInteger(out, numbers.at(index), bytes);
}

/** @returns length of the service's buffer */
function layOutService(cip: CipPacket, index: number): number {
  const row = cip.services[index];
  const before = index > 0 ? cip.services[index - 1] : null;
  const firstClass = before?.classes ?? 0;
  const classes = Math.min(row.classes - firstClass, 100);
  let at = 2;
  service[0] = row.service;
  service[1] = classes;
  for (let i = 0; i < classes; i++) at = putLong(at, cip.classes.at(firstClass + i));
  for (let i = before?.attributes ?? 0; i < row.attributes && at + 4 <= SERVICE_BYTES; i++) {
    at = putLong(at, cip.attributes.at(i));
  }
  return at;
}

function putLong(at: number, value: number): number {
  service[at] = value >>> 24;
  service[at + 1] = (value >>> 16) & 255;
  service[at + 2] = (value >>> 8) & 255;
  service[at + 3] = value & 255;
  return at + 4;
}
