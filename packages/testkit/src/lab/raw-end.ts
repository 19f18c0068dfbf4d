import { PacketView } from '@portcullis/wire';
import { joinFrames } from './agent-protocol';
import type { LabAgent } from './lab-agent';
import { END_INTERFACE, type EndRole, endHardware, gatewayHardware } from './topology';

const ETHERNET_LENGTH = 14;

/** An end of the lab that speaks IP packets by itself, past its kernel. */
export class RawEnd {
  private readonly ipv4: Uint8Array;
  private readonly ipv6: Uint8Array;

  private constructor(
    private readonly agent: LabAgent,
    role: EndRole,
  ) {
    this.ipv4 = ethernet(role, [0x08, 0x00]);
    this.ipv6 = ethernet(role, [0x86, 0xdd]);
  }

  /** @param onPacket called with each packet that the gateway sends; the view is reused */
  static async open(agent: LabAgent, role: EndRole, onPacket: (view: PacketView) => void): Promise<RawEnd> {
    const view = new PacketView();
    agent.onFrame = (frame) => {
      view.decode(frame, ETHERNET_LENGTH, frame.length);
      onPacket(view);
    };
    await agent.call('openFrames', {
      interface: END_INTERFACE,
      filter: `ether src ${gatewayHardware(role)}`,
    });
    return new RawEnd(agent, role);
  }

  /** Sends IP packets to the gateway, in order. */
  send(...packets: readonly Uint8Array[]): Promise<void> {
    return this.agent.call('sendFrames', joinFrames(packets.map((packet) => this.frame(packet))));
  }

  private frame(packet: Uint8Array): Uint8Array {
    return Buffer.concat([packet[0] >> 4 === 6 ? this.ipv6 : this.ipv4, packet]);
  }
}

function ethernet(role: EndRole, type: readonly number[]): Uint8Array {
  return Uint8Array.of(...hardwareBytes(gatewayHardware(role)), ...hardwareBytes(endHardware(role)), ...type);
}

function hardwareBytes(text: string): number[] {
  return text.split(':').map((part) => Number.parseInt(part, 16));
}
