import { IpProtocol, type PacketView, TcpFlag } from '@portcullis/wire';
import { type PacketSender, SegmentBuilder } from './segment-builder';

const { ACK, RST } = TcpFlag;

/**
 * Builds the two resets that end a connection of which one packet has just been dropped (RFC 9293 §3.5.3).
 *
 * The sequence numbers are exact, because a receiver answers anything else in its window with a challenge
 * (RFC 5961 §3.2): towards the packet's destination it is the dropped packet's own sequence number, which the
 * destination still waits for; towards its source it is what that packet acknowledged.
 */
export class ResetBuilder {
  private readonly segments = new SegmentBuilder();

  /** Sends both resets. @returns whether the packet had what it takes (a TCP segment with ACK set) */
  send(packet: PacketView, sender: PacketSender): boolean {
    return this.sendOnward(packet, sender) && this.sendBack(packet, sender);
  }

  /** To where the packet goes. @returns false where it is no segment that could be answered */
  sendOnward(packet: PacketView, sender: PacketSender): boolean {
    if (packet.protocol !== IpProtocol.TCP || packet.tcpHeaderLength === 0) return false;
    if ((packet.tcpFlags & RST) !== 0) return false;
    const ack = packet.tcpFlags & ACK;
    const acknowledgment = ack ? packet.acknowledgment : 0;
    this.segments.sendOnward(packet, { sequence: packet.sequence, acknowledgment, flags: RST | ack }, sender);
    return true;
  }

  /** To where the packet comes from. @returns false where it acknowledges nothing, and nothing was sent */
  sendBack(packet: PacketView, sender: PacketSender): boolean {
    if ((packet.tcpFlags & ACK) === 0) return false;
    const payload = packet.payloadEnd - packet.payload;
    const acknowledgment = (packet.sequence + payload) >>> 0;
    const fields = { sequence: packet.acknowledgment, acknowledgment, flags: RST | ACK };
    this.segments.sendBack(packet, fields, sender);
    return true;
  }
}
