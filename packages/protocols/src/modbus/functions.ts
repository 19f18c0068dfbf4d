/** Modbus functions and what they reach (Modbus Application Protocol V1.1b3, sections 5 and 6). */

/** What a function does, and to what; bits. */
export const ModbusAccess = {
  READ: 1,
  WRITE: 2,
  DISCRETES: 4,
  COILS: 8,
  INPUT: 16,
  HOLDING: 32,
  SINGLE: 64,
  MULTIPLE: 128,
} as const;
/** The bits that say what is reached. */
export const ACCESS_TARGETS =
  ModbusAccess.DISCRETES | ModbusAccess.COILS | ModbusAccess.INPUT | ModbusAccess.HOLDING;

/** Who has a function code; bits. */
export const ModbusCategory = { ASSIGNED: 1, UNASSIGNED: 2, USER: 4, RESERVED: 8 } as const;

export const ModbusFunction = {
  READ_COILS: 1,
  READ_DISCRETE_INPUTS: 2,
  READ_HOLDING_REGISTERS: 3,
  READ_INPUT_REGISTERS: 4,
  WRITE_SINGLE_COIL: 5,
  WRITE_SINGLE_REGISTER: 6,
  READ_EXCEPTION_STATUS: 7,
  DIAGNOSTIC: 8,
  GET_EVENT_COUNTER: 11,
  GET_EVENT_LOG: 12,
  WRITE_MULTIPLE_COILS: 15,
  WRITE_MULTIPLE_REGISTERS: 16,
  REPORT_SERVER_ID: 17,
  READ_FILE_RECORD: 20,
  WRITE_FILE_RECORD: 21,
  MASK_WRITE_REGISTER: 22,
  READ_WRITE_REGISTERS: 23,
  READ_FIFO_QUEUE: 24,
  ENCAPSULATED_INTERFACE: 43,
} as const;

/** Set in the function code of a response that is an exception. */
export const EXCEPTION_BIT = 0x80;

const F = ModbusFunction;
const { COILS, DISCRETES, HOLDING, INPUT, MULTIPLE, READ, SINGLE, WRITE } = ModbusAccess;
const { ASSIGNED, RESERVED, UNASSIGNED, USER } = ModbusCategory;

const ACCESS = new Uint8Array(256);
ACCESS[F.READ_COILS] = COILS | READ;
ACCESS[F.READ_DISCRETE_INPUTS] = DISCRETES | READ;
ACCESS[F.READ_HOLDING_REGISTERS] = HOLDING | READ;
ACCESS[F.READ_INPUT_REGISTERS] = INPUT | READ;
ACCESS[F.WRITE_SINGLE_COIL] = COILS | WRITE | SINGLE;
ACCESS[F.WRITE_SINGLE_REGISTER] = HOLDING | WRITE | SINGLE;
ACCESS[F.WRITE_MULTIPLE_COILS] = COILS | WRITE | MULTIPLE;
ACCESS[F.WRITE_MULTIPLE_REGISTERS] = HOLDING | WRITE | MULTIPLE;
ACCESS[F.MASK_WRITE_REGISTER] = HOLDING | WRITE;
ACCESS[F.READ_WRITE_REGISTERS] = HOLDING | READ | WRITE | MULTIPLE;

/** Bits of `ModbusAccess`; 0 where the function is about none of it. */
export function accessOf(code: number): number {
  return ACCESS[code];
}

const ASSIGNED_CODES: ReadonlySet<number> = new Set([
  ...Array.from({ length: 24 }, (_, i) => i + 1),
  F.ENCAPSULATED_INTERFACE,
]);
/** Diagnostic subfunctions 0 to 4 and 10 to 21 are assigned, encapsulated interfaces 13 and 14. */
const LAST_DIAGNOSTIC = 21;
const INTERFACES: ReadonlySet<number> = new Set([13, 14]);
/** Ends of the ranges of codes that are not assigned, and who has them. */
const RANGES: readonly (readonly [number, number])[] = [
  [9, UNASSIGNED], [15, RESERVED], [41, UNASSIGNED], [43, RESERVED], [65, UNASSIGNED], [73, USER], [90, UNASSIGNED],
  [92, RESERVED], [100, UNASSIGNED], [111, USER], [125, UNASSIGNED], [128, RESERVED],
]; // biome-ignore format: a table

/**
 * Category of a function code.
 * @param subfunction of a diagnostic or an encapsulated interface; below 0 where there is none
 */
export function categoryOf(code: number, subfunction: number): number {
  if (code === F.DIAGNOSTIC) {
    if (subfunction < 0) return 0;
    return subfunction < 5 || (subfunction > 9 && subfunction <= LAST_DIAGNOSTIC) ? ASSIGNED : RESERVED;
  }
  if (code === F.ENCAPSULATED_INTERFACE) {
    if (subfunction < 0) return 0;
    return INTERFACES.has(subfunction) ? ASSIGNED : RESERVED;
  }
  if (ASSIGNED_CODES.has(code)) return ASSIGNED;
  if (code === 0) return 0;
  return RANGES.find(([end]) => code < end)?.[1] ?? 0;
}
