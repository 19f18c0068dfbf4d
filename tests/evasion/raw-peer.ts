/** TCP peers in user space that send what a plan says, from ports of their own, through the gateway of a lab. */
import {
  buildTcp,
  type ExtensionHeader,
  fragmentPacket,
  type Lab,
  type RawEnd,
  type SeededRandom,
} from '@portcullis/testkit';
import { IpProtocol, type PacketView, TcpFlag } from '@portcullis/wire';
import { isSegment, type Plan, type Segment } from './plan';
import { noise } from './tricks';

/** How long to wait for a handshake's answer, and for an acknowledgment (milliseconds). */
const HANDSHAKE_TIME = 2000;
const ACKNOWLEDGE_TIME = 60;
/** Packets that go to the agent in one message. */
const MOST_AT_ONCE = 2000;

/** A no-operation IPv4 option, four times. */
const IPV4_OPTIONS = Uint8Array.of(1, 1, 1, 1);
/** Destination options with padding only (RFC 8200 §4.6). */
const IPV6_OPTIONS: ExtensionHeader = {
  protocol: IpProtocol.DESTINATION_OPTIONS,
  body: Uint8Array.of(1, 4, 0, 0, 0, 0),
};

/** Who begins: this peer, the victim, or both at once (RFC 9293 §3.5). */
export type Opening = 'active' | 'passive' | 'simultaneous';

/** What a peer knows of its connection. */
interface Connection {
  serverSequence: number | null;
  /** Highest that the server acknowledged, as a place in the stream. */
  acknowledged: number;
  reset: boolean;
  /** It has acknowledged the SYN. */
  answered: boolean;
  readonly victimPort: number;
  readonly initial: number;
  changed: () => void;
}

export class RawPeers {
  private end!: RawEnd;
  private readonly connections = new Map<number, Connection>();
  private identification = 1;

  private constructor(
    private readonly sources: readonly string[],
    private readonly destination: string,
    private readonly port: number,
  ) {}

  /** @param sources addresses of the attacker's network that no host has */
  static async open(lab: Lab, sources: readonly string[], family: 4 | 6, port: number): Promise<RawPeers> {
    const peers = new RawPeers(sources, lab.address('server', family), port);
    peers.end = await lab.rawEnd('attacker', sources, (view) => peers.onPacket(view));
    return peers;
  }

  /** The address that a port belongs to; a pair of ports has the same. */
  sourceOf(localPort: number): string {
    return this.sources[(localPort >> 1) % this.sources.length] as string;
  }

  /**
   * Has a connection at a port and sends the plan's segments on it.
   * @param patience milliseconds for the answer to each packet of the handshake
   * @param opening for those but `active` the victim must connect to the port, from the one above its server's
   * @returns false where there was no connection
   */
  async play(
    localPort: number,
    plan: Plan,
    random: SeededRandom,
    opening: Opening = 'active',
    patience = HANDSHAKE_TIME,
  ): Promise<boolean> {
    const connection: Connection = {
      serverSequence: null,
      acknowledged: 0,
      reset: false,
      answered: false,
      victimPort: opening === 'active' ? this.port : this.port + 1,
      initial: plan.initial,
      changed: () => {},
    };
    this.connections.set(localPort, connection);
    try {
      const known = () => connection.serverSequence !== null || connection.reset;
      const greeting = (flags: number, payload: Uint8Array) =>
        buildTcp({
          ...this.header(localPort, connection.victimPort),
          sequence: plan.initial,
          acknowledgment: flags & TcpFlag.ACK ? ((connection.serverSequence ?? 0) + 1) >>> 0 : 0,
          flags,
          options: { mss: 1460, ...(plan.timestamps && { timestamp: { value: NOW, echo: 0 } }) },
          payload,
        });
      if (opening === 'active') await this.end.send(greeting(TcpFlag.SYN, plan.synData));
      await this.until(connection, known, patience);
      if (connection.serverSequence === null) return false;
      if (opening === 'passive') await this.end.send(greeting(TcpFlag.SYN | TcpFlag.ACK, plan.synData));
      if (opening === 'simultaneous') {
        await this.end.send(greeting(TcpFlag.SYN, plan.synData));
        await this.until(connection, () => connection.answered || connection.reset, patience);
        await this.end.send(greeting(TcpFlag.SYN | TcpFlag.ACK, new Uint8Array(0)));
      }
      const acknowledgment: Segment = { at: 0, bytes: new Uint8Array(0), flags: TcpFlag.ACK };
      let burst = this.packets(localPort, connection, plan, acknowledgment, random);
      let sent = 0;
      for (const step of plan.steps) {
        if (isSegment(step)) {
          burst.push(...this.packets(localPort, connection, plan, step, random));
          if (!step.decoy) sent = Math.max(sent, step.at + step.bytes.length);
          continue;
        }
        await this.sendAll(burst);
        burst = [];
        await this.until(
          connection,
          () => connection.acknowledged >= sent || connection.reset,
          ACKNOWLEDGE_TIME,
        );
      }
      await this.sendAll(burst);
      return true;
    } finally {
      this.connections.delete(localPort);
    }
  }

  /** In messages to the agent of a length that one can have. */
  private async sendAll(packets: readonly Uint8Array[]): Promise<void> {
    for (let at = 0; at < packets.length; at += MOST_AT_ONCE)
      await this.end.send(...packets.slice(at, at + MOST_AT_ONCE));
  }

  private header(localPort: number, victimPort: number) {
    return {
      source: this.sourceOf(localPort),
      destination: this.destination,
      sourcePort: localPort,
      destinationPort: victimPort,
      identification: this.identification++ & 0xffff,
      dontFragment: false,
    };
  }

  private packets(
    localPort: number,
    connection: Connection,
    plan: Plan,
    segment: Segment,
    random: SeededRandom,
  ): Uint8Array[] {
    const timestamp = plan.timestamps
      ? timestampOption((NOW + 10 - (segment.age ?? 0)) >>> 0)
      : new Uint8Array(0);
    const packet = buildTcp({
      ...this.header(localPort, connection.victimPort),
      sequence: (plan.initial + 1 + segment.at) >>> 0,
      acknowledgment: ((connection.serverSequence ?? 0) + 1 + (segment.acknowledges ?? 0)) >>> 0,
      flags: segment.flags ?? TcpFlag.PSH | TcpFlag.ACK,
      payload: segment.bytes,
      options: Uint8Array.of(...timestamp, ...(segment.options ?? [])),
      ...(segment.urgentPointer !== undefined && { urgentPointer: segment.urgentPointer }),
      ...(segment.ttl !== undefined && { ttl: segment.ttl }),
      ...(segment.window !== undefined && { window: segment.window }),
      ...(segment.checksums && { checksums: segment.checksums }),
      ...(segment.wrapped &&
        (this.destination.includes(':')
          ? { extensionHeaders: [IPV6_OPTIONS] }
          : { ipOptions: IPV4_OPTIONS })),
    });
    if (segment.fragments === undefined) return [packet];
    const { size, order, copies } = segment.fragments;
    const identification = this.identification++;
    const fragments = fragmentPacket(packet, size, identification);
    if (copies !== undefined) {
      const others = copies === 'same' ? packet : withOtherPayload(packet, segment.bytes.length, random);
      const again = fragmentPacket(others, size, identification);
      return fragments.flatMap((fragment, index) => [fragment, again[index] as Uint8Array]);
    }
    if (order === 'backward') return fragments.reverse();
    return order === 'shuffled' ? random.shuffled(fragments) : fragments;
  }

  private onPacket(view: PacketView): void {
    if (view.protocol !== IpProtocol.TCP) return;
    const connection = this.connections.get(view.destinationPort);
    if (connection === undefined) return;
    if (view.tcpFlags & TcpFlag.SYN) connection.serverSequence ??= view.sequence;
    // One of an earlier connection from this port does not end this one (RFC 9293 §3.10.7.3).
    const ours = connection.serverSequence !== null || view.acknowledgment === (connection.initial + 1) >>> 0;
    if (view.tcpFlags & TcpFlag.RST && ours) connection.reset = true;
    if (view.tcpFlags & TcpFlag.ACK) {
      const acknowledged = (view.acknowledgment - connection.initial - 1) | 0;
      if (acknowledged >= 0) connection.answered = true;
      connection.acknowledged = Math.max(connection.acknowledged, acknowledged);
    }
    connection.changed();
  }

  private until(connection: Connection, condition: () => boolean, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        connection.changed = () => {};
        resolve();
      };
      const timer = setTimeout(finish, milliseconds);
      connection.changed = () => {
        if (condition()) finish();
      };
      connection.changed();
    });
  }
}

/** A packet whose last bytes are others. */
function withOtherPayload(packet: Uint8Array, length: number, random: SeededRandom): Uint8Array {
  return Buffer.concat([packet.subarray(0, packet.length - length), noise(random, length)]);
}

/** The client's clock; only differences count. */
const NOW = 1_000_000;

function timestampOption(value: number): Uint8Array {
  const bytes = Buffer.from([1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0]);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}
