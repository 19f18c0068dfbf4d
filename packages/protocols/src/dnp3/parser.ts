import { FIRST_BUFFER } from '../buffer-ranges';
import { showBytes } from '../buffer-view';
import { MessageParser, MessageTransaction } from '../framing/message-parser';
import { writeInteger } from '../integer-view';
import {
  type BufferView,
  type Direction,
  Direction as Directions,
  type TransactionListener,
  Transport,
} from '../transaction';
import { Dnp3Buffer } from './buffers';
import {
  blocksHold,
  COUNTED_HEADER,
  carriesData,
  copyData,
  frameBytes,
  HEADER_BYTES,
  hasChecksum,
  LONGEST_FRAME,
  startsFrame,
  TRANSPORT_FINAL,
  TRANSPORT_FIRST,
  TRANSPORT_SEQUENCE,
} from './frames';
import { ObjectFault, ObjectList } from './objects';

/** As in Suricata's `dnp3-events.rules`. */
export const Dnp3Event = {
  FLOODED: 'dnp3.flooded',
  LEN_TOO_SMALL: 'dnp3.len_too_small',
  BAD_LINK_CRC: 'dnp3.bad_link_crc',
  BAD_TRANSPORT_CRC: 'dnp3.bad_transport_crc',
  MALFORMED: 'dnp3.malformed',
  UNKNOWN_OBJECT: 'dnp3.unknown_object',
  TOO_MANY_POINTS: 'dnp3.too_many_points',
  TOO_MANY_OBJECTS: 'dnp3.too_many_objects',
  TOO_LONG_REASSEMBLY: 'dnp3.too_long_reassembly',
} as const;

const OBJECT_EVENTS: ReadonlyMap<number, string> = new Map([
  [ObjectFault.MALFORMED, Dnp3Event.MALFORMED],
  [ObjectFault.UNKNOWN, Dnp3Event.UNKNOWN_OBJECT],
  [ObjectFault.TOO_MANY_OBJECTS, Dnp3Event.TOO_MANY_OBJECTS],
  [ObjectFault.TOO_MANY_POINTS, Dnp3Event.TOO_MANY_POINTS],
]);

/** The longest message of an application, in bytes. */
const MOST_REASSEMBLED = 12_288;
const CONFIRM = 0;
/** Control and function. */
const REQUEST_HEADER = 2;
/** And the internal indications. */
const RESPONSE_HEADER = 4;

/** What the parsers of a worker share: one message is looked at at a time. */
export class Dnp3Transaction extends MessageTransaction {
  bytes = new Uint8Array(0);
  length = 0;
  source = 0;
  destination = 0;
  readonly objects = new ObjectList();

  get functionCode(): number {
    return this.bytes[1];
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    if (index > 0) return false;
    const { bytes, length, objects } = this;
    switch (id - FIRST_BUFFER.dnp3) {
      case Dnp3Buffer.DATA:
      case Dnp3Buffer.OLD_DATA:
        return showBytes(out, bytes, 0, length);
      case Dnp3Buffer.FUNCTION:
      case Dnp3Buffer.OLD_FUNCTION:
        return writeInteger(out, this.functionCode, 1);
      case Dnp3Buffer.INDICATIONS:
        return (
          this.direction === Directions.TO_CLIENT && showBytes(out, bytes, REQUEST_HEADER, RESPONSE_HEADER)
        );
      case Dnp3Buffer.OBJECTS:
        return objects.count > 0 && showBytes(out, objects.pairs, 0, 2 * objects.count);
      default:
        return false;
    }
  }
}

/** A message of one direction whose segments have not all come. */
class Partial {
  bytes = new Uint8Array(512);
  length = 0;
  source = 0;
  destination = 0;
  /** Number of the segment that comes next; below 0: none is waited for. */
  next = -1;

  drop(): void {
    this.next = -1;
    this.length = 0;
    if (this.bytes.length > 512) this.bytes = new Uint8Array(512);
  }

  /** Adds the data of a frame. @returns false where the message becomes too long */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    const needed = this.length + end - start;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.length = copyData(bytes, start, end, this.bytes, this.length);
    return this.length <= MOST_REASSEMBLED;
  }
}

export class Dnp3Parser extends MessageParser {
  readonly protocol = 'dnp3';
  private readonly partials: readonly [Partial, Partial] = [new Partial(), new Partial()];

  constructor(
    private readonly tx: Dnp3Transaction,
    listener: TransactionListener,
  ) {
    super(listener, Transport.TCP, LONGEST_FRAME);
  }

  override heldBytes(): number {
    let held = super.heldBytes();
    for (const partial of this.partials) if (partial.next >= 0) held += partial.bytes.length;
    return held;
  }

  override gap(direction: Direction, length: number): void {
    super.gap(direction, length);
    this.partials[direction].drop();
  }

  override close(direction: Direction): void {
    super.close(direction);
    this.partials[direction].drop();
  }

  protected override endAll(): void {
    for (const partial of this.partials) partial.drop();
  }

  protected messageLength(bytes: Uint8Array, start: number, end: number, direction: Direction): number {
    if (end - start < 2) return bytes[start] === 0x05 ? 0 : -1;
    if (!startsFrame(bytes, start)) return -1;
    if (end - start < HEADER_BYTES) return 0;
    if (!hasChecksum(bytes, start, start + HEADER_BYTES - 2)) {
      this.listener.onEvent(null, direction, Dnp3Event.BAD_LINK_CRC);
      return -1;
    }
    if (bytes[start + 2] < COUNTED_HEADER) {
      this.listener.onEvent(null, direction, Dnp3Event.LEN_TOO_SMALL);
      return -1;
    }
    return frameBytes(bytes[start + 2]);
  }

  protected override beginsMessage(
    _direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    return probeDnp3(bytes, start, end) > 0;
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    if (!carriesData(bytes[start + 3])) return true;
    const header = direction === Directions.TO_SERVER ? REQUEST_HEADER : RESPONSE_HEADER;
    const data = start + HEADER_BYTES;
    if (bytes[start + 2] < COUNTED_HEADER + 1 + header) {
      this.listener.onEvent(null, direction, Dnp3Event.LEN_TOO_SMALL);
    } else if (!blocksHold(bytes, data, end)) {
      this.listener.onEvent(null, direction, Dnp3Event.BAD_TRANSPORT_CRC);
    } else this.segment(direction, bytes, start, end);
    return true;
  }

  private segment(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const partial = this.partials[direction];
    const data = start + HEADER_BYTES;
    const transport = bytes[data];
    const sequence = transport & TRANSPORT_SEQUENCE;
    const destination = bytes[start + 4] | (bytes[start + 5] << 8);
    const source = bytes[start + 6] | (bytes[start + 7] << 8);
    if ((transport & TRANSPORT_FIRST) !== 0) {
      if (direction === Directions.TO_SERVER && bytes[data + 2] === CONFIRM) return;
      partial.length = 0;
      partial.source = source;
      partial.destination = destination;
    } else if (
      partial.next !== sequence ||
      partial.source !== source ||
      partial.destination !== destination
    ) {
      return;
    }
    partial.next = (sequence + 1) & TRANSPORT_SEQUENCE;
    if (!partial.add(bytes, data, end)) {
      partial.length = MOST_REASSEMBLED;
      this.show(direction, partial, Dnp3Event.TOO_LONG_REASSEMBLY);
    } else if ((transport & TRANSPORT_FINAL) !== 0) this.show(direction, partial, null);
  }

  private show(direction: Direction, partial: Partial, event: string | null): void {
    const { listener, tx } = this;
    tx.id = this.transactions++;
    tx.direction = direction;
    tx.bytes = partial.bytes;
    tx.length = partial.length;
    tx.source = partial.source;
    tx.destination = partial.destination;
    const header = direction === Directions.TO_SERVER ? REQUEST_HEADER : RESPONSE_HEADER;
    const fault = tx.objects.read(tx.bytes, header, tx.length, tx.functionCode);
    const named = event ?? OBJECT_EVENTS.get(fault);
    if (named !== undefined) listener.onEvent(tx, direction, named);
    this.announce(tx);
    partial.drop();
  }
}

/** @returns 1 bytes that begin with a frame, 0 more are needed, -1 others */
export function probeDnp3(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 2) return end > start && bytes[start] !== 0x05 ? -1 : 0;
  if (!startsFrame(bytes, start) || (end - start > 2 && bytes[start + 2] < COUNTED_HEADER)) return -1;
  if (end - start < HEADER_BYTES) return 0;
  return hasChecksum(bytes, start, start + HEADER_BYTES - 2) ? 1 : -1;
}
