import { FIRST_BUFFER } from '../buffer-ranges';
import { showBytes } from '../buffer-view';
import { DatagramParser } from '../framing/datagram-parser';
import { MESSAGE_READ, MessageTransaction } from '../framing/message-parser';
import { writeInteger } from '../integer-view';
import {
  type BufferDefinition,
  type BufferView,
  type Direction,
  Direction as Directions,
  type IntegerBuffer,
  type TransactionListener,
} from '../transaction';
import { PduType, SnmpMessage } from './message';

const SnmpBuffer = { VERSION: 0, COMMUNITY: 1, USER: 2, PDU_TYPE: 3 } as const;

const B = SnmpBuffer;
const BOTH = [Directions.TO_SERVER, Directions.TO_CLIENT] as const;

const PDU_NAMES = new Map<string, number>([
  ...Object.entries(PduType).map(([name, number]): [string, number] => [name.toLowerCase(), number]),
]);

function row(id: number, name: string, integer: IntegerBuffer | null): BufferDefinition {
  const shared = {
    name,
    id: FIRST_BUFFER.snmp + id,
    protocol: 'snmp',
    directions: BOTH,
    progress: MESSAGE_READ,
  };
  return { ...shared, streaming: false, multiple: false, ...(integer && { integer }) };
}

export const SNMP_BUFFERS: readonly BufferDefinition[] = [
  row(B.VERSION, 'snmp.version', { bytes: 4 }),
  row(B.COMMUNITY, 'snmp.community', null),
  row(B.USER, 'snmp.usm', null),
  row(B.PDU_TYPE, 'snmp.pdu_type', { bytes: 4, names: PDU_NAMES }),
];

export const SnmpEvent = {
  MALFORMED_DATA: 'snmp.malformed_data',
  UNKNOWN_SECURITY_MODEL: 'snmp.unknown_security_model',
  VERSION_MISMATCH: 'snmp.version_mismatch',
} as const;

/** One message; shared by the parsers of a worker. */
export class SnmpTransaction extends MessageTransaction {
  readonly message = new SnmpMessage();

  buffer(id: number, index: number, out: BufferView): boolean {
    const { message } = this;
    if (index > 0) return false;
    switch (id - FIRST_BUFFER.snmp) {
      case B.VERSION:
        return writeInteger(out, message.version, 4);
      case B.COMMUNITY:
        return (
          message.hasCommunity && showBytes(out, message.bytes, message.communityStart, message.communityEnd)
        );
      case B.USER:
        return message.hasUser && showBytes(out, message.bytes, message.userStart, message.userEnd);
      case B.PDU_TYPE:
        return message.pduType >= 0 && writeInteger(out, message.pduType, 4);
      default:
        return false;
    }
  }
}

export class SnmpParser extends DatagramParser {
  readonly protocol = 'snmp';
  /** Of the first message of the flow; the others have the same. */
  private version = 0;

  constructor(
    private readonly tx: SnmpTransaction,
    listener: TransactionListener,
  ) {
    super(listener);
  }

  override reset(): void {
    super.reset();
    this.version = 0;
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    const { listener, tx } = this;
    if (!tx.message.read(bytes, start, end)) {
      listener.onEvent(null, direction, SnmpEvent.MALFORMED_DATA);
      return false;
    }
    const { version } = tx.message;
    tx.id = this.transactions++;
    tx.direction = direction;
    if (this.version === 0) this.version = version;
    else if (this.version !== version) listener.onEvent(tx, direction, SnmpEvent.VERSION_MISMATCH);
    if (tx.message.unknownSecurity) listener.onEvent(tx, direction, SnmpEvent.UNKNOWN_SECURITY_MODEL);
    this.announce(tx);
    return true;
  }
}
