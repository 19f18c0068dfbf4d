import { showBytes } from '../buffer-view';
import { MESSAGE_READ } from '../framing/message-parser';
import { RequestParser } from '../framing/request-parser';
import {
  type BufferView,
  type Direction,
  Direction as Directions,
  type MatchState,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { LAYOUT_BYTES, layOut, MODBUS_BUFFERS } from './buffers';
import { ModbusAccess, ModbusFunction } from './functions';
import { HEADER_BYTES, MAX_LENGTH, MIN_LENGTH, ModbusData, ModbusFlaw, ModbusMessage } from './message';

/** As in Suricata's `modbus-events.rules`. */
export const ModbusEvent = {
  UNSOLICITED_RESPONSE: 'modbus.unsolicited_response',
  INVALID_FUNCTION_CODE: 'modbus.invalid_function_code',
  INVALID_LENGTH: 'modbus.invalid_length',
  INVALID_VALUE: 'modbus.invalid_value',
  INVALID_EXCEPTION_CODE: 'modbus.invalid_exception_code',
  VALUE_MISMATCH: 'modbus.value_mismatch',
  FLOODED: 'modbus.flooded',
  INVALID_PROTOCOL_ID: 'modbus.invalid_protocol_id',
} as const;

const FLAW_EVENTS: readonly (readonly [number, string])[] = [
  [ModbusFlaw.FUNCTION_CODE, ModbusEvent.INVALID_FUNCTION_CODE],
  [ModbusFlaw.VALUE, ModbusEvent.INVALID_VALUE],
  [ModbusFlaw.LENGTH, ModbusEvent.INVALID_LENGTH],
  [ModbusFlaw.EXCEPTION_CODE, ModbusEvent.INVALID_EXCEPTION_CODE],
  [ModbusFlaw.PROTOCOL, ModbusEvent.INVALID_PROTOCOL_ID],
];

/** Requests of a flow that wait for their response; Suricata's `request-flood`. */
const MOST_PENDING = 500;
const TRANSACTION_BYTES = 100;
/** A message whose length cannot be is skipped with its length, so it may be as long as a length says. */
const LONGEST = HEADER_BYTES + 65_535;

/** Shared by the parsers of a worker: messages are looked at one at a time. */
export class ModbusScratch {
  readonly message = new ModbusMessage();
  readonly layout = new Uint8Array(LAYOUT_BYTES);
  length = 0;
}

/** A request with its response; what it was about is kept until then. */
export class ModbusTransaction implements Transaction {
  matchState: MatchState = null;
  /** Bits of the directions that were seen. */
  seen = 0;
  /** The request is being shown: its bytes are there. */
  showing = false;
  transaction = 0;
  unit = 0;
  function = 0;
  access = 0;
  data = 0;
  address = 0;
  quantity = 0;
  value = 0;
  secondMask = 0;
  subfunction = 0;
  exception = 0;

  constructor(
    readonly id: number,
    private readonly scratch: ModbusScratch,
  ) {}

  progress(direction: Direction): number {
    return (this.seen & (1 << direction)) !== 0 ? MESSAGE_READ : 0;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    if (index > 0 || id !== MODBUS_BUFFERS[0].id || !this.showing) return false;
    return showBytes(out, this.scratch.layout, 0, this.scratch.length);
  }
}

export class ModbusParser extends RequestParser<ModbusTransaction> {
  readonly protocol = 'modbus';
  private flooded = false;

  constructor(
    private readonly scratch: ModbusScratch,
    listener: TransactionListener,
  ) {
    super(listener, Transport.TCP, LONGEST);
  }

  override heldBytes(): number {
    return super.heldBytes() + this.pending.length * TRANSACTION_BYTES;
  }

  protected messageLength(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < HEADER_BYTES) return 0;
    return HEADER_BYTES + ((bytes[start + 4] << 8) | bytes[start + 5]);
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    const { message } = this.scratch;
    const toServer = direction === Directions.TO_SERVER;
    message.read(bytes, start, end, toServer);
    if (toServer) this.request(message);
    else this.response(message);
    return true;
  }

  protected override beginsMessage(
    _direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    return looksLikeModbus(bytes, start, end) > 0;
  }

  protected override endAll(): void {
    this.flooded = false;
    super.endAll();
  }

  private request(message: ModbusMessage): void {
    const tx = this.begin(message, Directions.TO_SERVER);
    if (tx === null) return;
    this.tellFlaws(tx, Directions.TO_SERVER, message.flaws);
    const { scratch } = this;
    scratch.length = layOut(message, scratch.layout);
    this.pending.push(tx);
    this.show(tx, Directions.TO_SERVER);
  }

  private response(message: ModbusMessage): void {
    const place = this.pending.findIndex((tx) => answers(message, tx));
    const tx = place < 0 ? this.begin(message, Directions.TO_CLIENT) : this.pending[place];
    if (tx === null) return;
    const wrong = message.flaws | (place < 0 ? 0 : mismatch(message, tx));
    const accesses = (message.access & (ModbusAccess.READ | ModbusAccess.WRITE)) !== 0;
    if (accesses && (wrong & (ModbusFlaw.LENGTH | ModbusFlaw.VALUE)) !== 0) {
      this.listener.onEvent(tx, Directions.TO_CLIENT, ModbusEvent.VALUE_MISMATCH);
    } else this.tellFlaws(tx, Directions.TO_CLIENT, wrong);
    tx.exception = message.exception;
    if (place < 0) this.listener.onEvent(tx, Directions.TO_CLIENT, ModbusEvent.UNSOLICITED_RESPONSE);
    else this.pending.splice(place, 1);
    this.show(tx, Directions.TO_CLIENT);
    this.end(tx);
    this.flooded = false;
  }

  /** @returns null where too many requests have no response */
  private begin(message: ModbusMessage, direction: Direction): ModbusTransaction | null {
    if (this.flooded) return null;
    const tx = new ModbusTransaction(this.transactions++, this.scratch);
    tx.transaction = message.transaction;
    tx.unit = message.unit;
    tx.function = message.function;
    tx.access = message.access;
    tx.data = message.data;
    tx.address = message.address;
    tx.quantity = message.quantity;
    tx.value = message.value;
    tx.secondMask = message.secondMask;
    tx.subfunction = message.subfunction;
    if (this.pending.length >= MOST_PENDING) {
      this.flooded = true;
      this.listener.onEvent(tx, direction, ModbusEvent.FLOODED);
    }
    return tx;
  }

  private show(tx: ModbusTransaction, direction: Direction): void {
    tx.seen |= 1 << direction;
    tx.showing = direction === Directions.TO_SERVER;
    this.listener.onProgress(tx, direction);
    tx.showing = false;
  }

  private tellFlaws(tx: ModbusTransaction, direction: Direction, flaws: number): void {
    if (flaws === 0) return;
    for (const [flaw, event] of FLAW_EVENTS) {
      if ((flaws & flaw) !== 0) this.listener.onEvent(tx, direction, event);
    }
  }
}

/** Whether a response is that to a request. */
function answers(response: ModbusMessage, request: ModbusTransaction): boolean {
  if (
    response.transaction !== request.transaction ||
    response.unit !== request.unit ||
    response.function !== request.function
  )
    return false;
  const { data } = response;
  const asked = request.data;
  if (data === ModbusData.EXCEPTION) return true;
  if (data === ModbusData.DIAGNOSTIC || data === ModbusData.INTERFACE) {
    return data === asked && response.subfunction === request.subfunction;
  }
  return true;
}

/** Flaws of a response that only show beside its request. */
function mismatch(response: ModbusMessage, request: ModbusTransaction): number {
  if (response.data === ModbusData.READ_RESPONSE) {
    if (request.data !== ModbusData.READ_REQUEST && request.data !== ModbusData.READ_WRITE_REQUEST) return 0;
    // The quantity of a combined request is that of its write.
    if (request.function === ModbusFunction.READ_WRITE_REGISTERS) return 0;
    const bits = (request.access & (ModbusAccess.COILS | ModbusAccess.DISCRETES)) !== 0;
    const expected = bits ? Math.ceil(request.quantity / 8) : 2 * request.quantity;
    return response.dataEnd - response.dataStart === expected ? 0 : ModbusFlaw.VALUE;
  }
  if (response.data === ModbusData.WRITTEN) {
    const written = request.data === ModbusData.WRITE_REQUEST ? request.quantity : request.value;
    return response.address === request.address && response.value === written ? 0 : ModbusFlaw.VALUE;
  }
  if (response.data === ModbusData.MASK) {
    const same =
      response.address === request.address &&
      response.value === request.value &&
      response.secondMask === request.secondMask;
    return same ? 0 : ModbusFlaw.VALUE;
  }
  return 0;
}

const probed = new ModbusMessage();

/**
 * Whether bytes begin with a Modbus message that has no flaw.
 * @returns 1 they do, 0 cannot tell yet, -1 they do not
 */
export function looksLikeModbus(bytes: Uint8Array, start: number, end: number, fromClient?: boolean): number {
  // The protocol is 0, and so is the high byte of the length.
  for (let i = 2; i < 5; i++) if (start + i < end && bytes[start + i] !== 0) return -1;
  if (end - start < HEADER_BYTES) return 0;
  const length = bytes[start + 5];
  if (length < MIN_LENGTH || length > MAX_LENGTH) return -1;
  if (end - start < HEADER_BYTES + MIN_LENGTH) return 0;
  const stop = start + HEADER_BYTES + length;
  if (stop > end) return 0;
  if (fromClient === undefined) return 1;
  probed.read(bytes, start, stop, fromClient);
  return probed.flaws === 0 && probed.category !== 0 ? 1 : -1;
}
