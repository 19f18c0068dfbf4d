import type { Direction } from '@portcullis/protocols';
import { PacketView } from '@portcullis/wire';
import { PacketEventSet } from './events/packet-events';
import type { FlowMatchState } from './flow-match-state';
import { HostBits } from './host-bits';

const NO_BYTES = new Uint8Array(0);

/**
 * What the rules may ask about the moment they are evaluated in. One per worker; the engine sets the fields
 * before each call of the matcher, the matcher writes `flowState` only.
 */
export class InspectionContext {
  packet: PacketView = new PacketView();
  /** Payload to inspect within `packet.bytes`: the packet's own, or that of one virtual segment of it. */
  payloadStart = 0;
  payloadEnd = 0;
  /** Time of the packet (capture time under replay), microseconds since 1970. */
  timeMicros = 0;
  /** Direction of this packet within its flow; 0 where there is no flow. */
  direction: Direction = 0;
  hasFlow = false;
  /** TCP: the handshake is complete. Others: both sides have spoken. */
  flowEstablished = false;
  /** The first packet of the flow in this direction: rules that name addresses and ports only look once. */
  firstOfDirection = false;
  /** The TCP payload went through reassembly and is (or will be) inspected as stream. */
  payloadInStream = false;
  flowId = 0;
  /**
   * Sequence numbers used so far by either side of a TCP flow (next expected less initial, SYN and FIN counted); -1
   * where that is not known.
   */
  clientStreamSize = -1;
  serverStreamSize = -1;
  /** Time of the flow's first packet, microseconds since 1970; -1 where there is no flow. */
  flowStartMicros = -1;
  /** Packets and bytes of the flow so far, this packet included, by direction; bytes with their link headers. */
  readonly flowPackets: [number, number] = [0, 0];
  readonly flowBytes: [number, number] = [0, 0];
  /** The link header of the packet, where the packet source has it; `linkEnd` 0: it has none. */
  linkBytes: Uint8Array = NO_BYTES;
  linkStart = 0;
  linkEnd = 0;
  /** Number of the flow's application protocol: 1 + its place in `CompileOptions.protocols`; 0 while unknown. */
  appProtocol = 0;
  /** The bytes of the flow were looked at, and no protocol there is a parser for was found in them. */
  appProtocolFailed = false;
  /** With this packet the flow's application protocol became known. */
  protocolDetected = false;
  /** Number of the protocol that the bytes of each direction told, where they disagree; 0: as `appProtocol`. */
  readonly sideProtocols: [number, number] = [0, 0];
  /** The protocol that the flow had before it went over to `appProtocol` (STARTTLS, CONNECT); 0: none. */
  originalProtocol = 0;
  /** Numbers of `STREAM_EVENTS` that this packet has given. */
  readonly streamEvents = new PacketEventSet();
  /** The transaction that is being inspected (its `id`); -1: none. Written by the matcher. */
  transactionId = -1;
  /** Bits of hosts. Written by the matcher. */
  hostBits = new HostBits();
  /** Owned by the matcher, kept by the engine with the flow; null while there is nothing to remember. */
  flowState: FlowMatchState | null = null;
  /** The DCERPC message that is being inspected has its numbers in little-endian order. */
  dceLittleEndian = false;
  /**
   * The stream window that is being inspected while a parser hands over transactions: rules that have both raw
   * contents and buffers look here. Where `streamEnd` is 0 they look at the payload.
   */
  streamBytes: Uint8Array = NO_BYTES;
  streamStart = 0;
  streamEnd = 0;
}
