import { FIRST_BUFFER } from '../buffer-ranges';
import { DatagramParser } from '../framing/datagram-parser';
import { MESSAGE_READ, MessageTransaction } from '../framing/message-parser';
import { writeInteger } from '../integer-view';
import {
  type BufferDefinition,
  type BufferView,
  type Direction,
  Direction as Directions,
  type ProtocolDefinition,
  type TransactionListener,
  Transport,
} from '../transaction';
import { BOOT_REQUEST, DhcpMessage, hasHeader, longAt } from './message';

const DhcpBuffer = { LEASE_TIME: 0, REBINDING_TIME: 1, RENEWAL_TIME: 2 } as const;
const DhcpEvent = {
  TRUNCATED_OPTIONS: 'dhcp.truncated_options',
  MALFORMED_OPTIONS: 'dhcp.malformed_options',
} as const;

const B = DhcpBuffer;

function row(id: number, name: string): BufferDefinition {
  return {
    name: `dhcp.${name}`,
    id: FIRST_BUFFER.dhcp + id,
    protocol: 'dhcp',
    directions: [Directions.TO_SERVER, Directions.TO_CLIENT],
    progress: MESSAGE_READ,
    streaming: false,
    multiple: false,
    integer: { bytes: 8 },
  };
}

/** One message; shared by the parsers of a worker. */
class DhcpTransaction extends MessageTransaction {
  readonly message = new DhcpMessage();

  buffer(id: number, index: number, out: BufferView): boolean {
    const seconds = index > 0 ? -1 : this.seconds(id - FIRST_BUFFER.dhcp);
    return seconds >= 0 && writeInteger(out, seconds, 8);
  }

  private seconds(id: number): number {
    switch (id) {
      case B.LEASE_TIME:
        return this.message.leaseTime;
      case B.REBINDING_TIME:
        return this.message.rebindingTime;
      case B.RENEWAL_TIME:
        return this.message.renewalTime;
      default:
        return -1;
    }
  }
}

class DhcpParser extends DatagramParser {
  readonly protocol = 'dhcp';

  constructor(
    private readonly tx: DhcpTransaction,
    listener: TransactionListener,
  ) {
    super(listener);
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    const { listener, tx } = this;
    if (!tx.message.read(bytes, start, end)) return false;
    tx.id = this.transactions++;
    tx.direction = direction;
    if (tx.message.malformed) listener.onEvent(tx, direction, DhcpEvent.MALFORMED_OPTIONS);
    if (tx.message.truncated) listener.onEvent(tx, direction, DhcpEvent.TRUNCATED_OPTIONS);
    this.announce(tx);
    return true;
  }
}

/** DHCP for IPv4 (RFC 2131). Its cookie tells it from all else. */
export function createDhcp(): ProtocolDefinition {
  const tx = new DhcpTransaction();
  return {
    name: 'dhcp',
    transports: [Transport.UDP],
    parserBytes: { udp: 300 },
    buffers: [
      row(B.LEASE_TIME, 'leasetime'),
      row(B.REBINDING_TIME, 'rebinding_time'),
      row(B.RENEWAL_TIME, 'renewal_time'),
    ],
    events: Object.values(DhcpEvent),
    probe: (_direction, bytes, start, end) => (hasHeader(bytes, start, end) ? 1 : -1),
    create: (listener) => new DhcpParser(tx, listener),
    describe: (told) => describe((told as DhcpTransaction).message),
  };
}

const TYPE_NAMES = ['', 'discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform'];
const CLIENT_ADDRESS = 12;
const ASSIGNED_ADDRESS = 16;
const HARDWARE_ADDRESS = 28;

/** EVE's `dhcp` object. */
function describe(message: DhcpMessage): Record<string, unknown> {
  const { bytes, start } = message;
  const address = (at: number) => bytes.subarray(start + at, start + at + 4).join('.');
  const hardware = bytes.subarray(start + HARDWARE_ADDRESS, start + HARDWARE_ADDRESS + bytes[start + 2]);
  const host = Buffer.from(bytes.subarray(message.hostStart, message.hostEnd)).toString('latin1');
  return {
    type: bytes[start] === BOOT_REQUEST ? 'request' : 'reply',
    id: longAt(bytes, start + 4),
    client_mac: Array.from(hardware, (byte) => byte.toString(16).padStart(2, '0')).join(':'),
    assigned_ip: address(ASSIGNED_ADDRESS),
    client_ip: address(CLIENT_ADDRESS),
    ...(message.messageType >= 0 && { dhcp_type: TYPE_NAMES[message.messageType] ?? 'unknown' }),
    ...(message.leaseTime >= 0 && { lease_time: message.leaseTime }),
    ...(message.rebindingTime >= 0 && { rebinding_time: message.rebindingTime }),
    ...(message.renewalTime >= 0 && { renewal_time: message.renewalTime }),
    ...(host && { hostname: host }),
  };
}
