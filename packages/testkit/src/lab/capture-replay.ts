import { CaptureFileSource } from '@portcullis/capture';
import {
  IpProtocol,
  Ipv4,
  Ipv6,
  internetChecksum,
  PacketView,
  TcpFlag,
  verifyHeaderChecksum,
} from '@portcullis/wire';
import type { Side } from '../conversation';
import type { LabAgent } from './lab-agent';
import { RawEnd } from './raw-end';
import type { EndRole } from './topology';

export interface ReplayOptions {
  /** Milliseconds to wait for each packet on the other side before the next one is sent; default 50. */
  readonly patience?: number;
  /** Most packets to send; the rest of the capture is left out. */
  readonly limit?: number;
}

export interface ReplayResult {
  /** IP packets in the capture (up to `limit`). */
  readonly packets: number;
  /** Packets put on the wire. */
  readonly sent: number;
  /** Packets that arrived on the other side in time. */
  readonly delivered: number;
  /** Packets whose IPv4 header checksum was wrong, as where the card fills it in; they were sent with a right one. */
  readonly repaired: number;
  /** Packets that no gateway forwards (multicast, cut by the capture, undecodable, …), by reason; not sent. */
  readonly notForwardable: Readonly<Record<string, number>>;
}

const DEFAULT_PATIENCE = 50;

/** Remembers which side each address pair's first packet came from. */
class Directions {
  private readonly clients = new Map<string, string>();

  side(view: PacketView): Side {
    const source = `${view.source.join()}:${view.sourcePort}`;
    const destination = `${view.destination.join()}:${view.destinationPort}`;
    const pair = source < destination ? `${source}-${destination}` : `${destination}-${source}`;
    const key = `${view.protocol}/${pair}`;
    let client = this.clients.get(key);
    if (client === undefined) {
      const handshake = TcpFlag.SYN | TcpFlag.ACK;
      client = (view.tcpFlags & handshake) === handshake ? destination : source;
      this.clients.set(key, client);
    }
    return client === source ? 'client' : 'server';
  }
}

/** Sends packets on one side and knows when packets come out on the other. */
class ReplayEnd {
  private expected: { key: string; arrived: () => void } | undefined;
  private end: RawEnd | undefined;

  async open(agent: LabAgent, role: EndRole): Promise<this> {
    this.end = await RawEnd.open(agent, role, (view) => {
      if (this.expected?.key === arrivalKey(view)) this.expected.arrived();
    });
    return this;
  }

  async send(packet: Uint8Array): Promise<void> {
    await this.end?.send(packet);
  }

  /** Begins to wait for a packet; the promise says whether it came in time. */
  expect(key: string, patience: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (arrived: boolean) => {
        clearTimeout(timer);
        this.expected = undefined;
        resolve(arrived);
      };
      const timer = setTimeout(() => finish(false), patience);
      this.expected = { key, arrived: () => finish(true) };
    });
  }
}

function arrivalKey(view: PacketView): string {
  const addresses = `${view.source.join()}-${view.destination.join()}`;
  return `${view.protocol}/${addresses}/${view.totalLength}/${view.sequence}/${view.identification}`;
}

/** The two ends of a replay, by whose packets they send. */
export type ReplayEnds = Readonly<Record<Side, ReplayEnd>>;

/** Opens the interfaces of both ends; once for all captures. */
export async function openReplayEnds(agents: Readonly<Record<Side, LabAgent>>): Promise<ReplayEnds> {
  return {
    client: await new ReplayEnd().open(agents.client, 'attacker'),
    server: await new ReplayEnd().open(agents.server, 'server'),
  };
}

/** Plays the two directions of a capture through the gateway; see `Lab.replayBothWays`. */
export async function replayCapture(
  file: string,
  ends: ReplayEnds,
  options: ReplayOptions,
): Promise<ReplayResult> {
  const directions = new Directions();
  const view = new PacketView();
  const notForwardable: Record<string, number> = {};
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  const patience = options.patience ?? DEFAULT_PATIENCE;
  let packets = 0;
  let sent = 0;
  let delivered = 0;
  let repaired = 0;
  const source = new CaptureFileSource(file);
  try {
    while (packets < limit && source.receive(0) >= 0) {
      const { batch } = source;
      for (let index = 0; index < batch.count && packets < limit; index++) {
        packets++;
        const end = batch.offset[index] + batch.length[index];
        const status = view.decode(batch.bytes, batch.offset[index], end);
        const reason = whyNotForwardable(view, status);
        if (reason !== null) {
          notForwardable[reason] = (notForwardable[reason] ?? 0) + 1;
          continue;
        }
        const from = directions.side(view);
        const key = arrivalKey(view);
        const packet = batch.bytes.slice(view.start, view.end);
        if (!verifyHeaderChecksum(view)) repaired++;
        raiseHopLimit(packet);
        writeHeaderChecksum(packet);
        const arrival = ends[from === 'client' ? 'server' : 'client'].expect(key, patience);
        await ends[from].send(packet);
        sent++;
        if (await arrival) delivered++;
      }
      source.finalize();
    }
  } finally {
    source.close();
  }
  return { packets, sent, delivered, repaired, notForwardable };
}

/** What routers do not pass on (RFC 1812 §5.3, RFC 4291 §2.5, §2.7), and what cannot be sent at all. */
function whyNotForwardable(view: PacketView, status: number): string | null {
  if (status !== 0) return 'undecodable';
  if (view.truncated) return 'cut by the capture';
  const [, , , source] = view.source;
  const [, , , destination] = view.destination;
  if (view.version === 4) {
    if (destination >>> 28 >= 14 || source >>> 28 >= 14) return 'multicast';
    if (source >>> 24 === 0 || destination >>> 24 === 0) return 'unspecified address';
    return null;
  }
  if (view.destination[0] >>> 24 === 0xff || view.source[0] >>> 24 === 0xff) return 'multicast';
  if (view.source[0] >>> 22 === 0x3fa || view.destination[0] >>> 22 === 0x3fa) return 'link-local address';
  if (view.protocol === IpProtocol.NO_NEXT_HEADER) return null;
  const upper = view.source[0] | view.source[1] | view.source[2] | view.destination[0] | view.destination[1];
  return (upper | view.destination[2]) === 0 && source <= 1 && destination <= 1 ? 'loopback address' : null;
}

/** One more, as the gateway takes one away before anybody inspects the packet. */
function raiseHopLimit(packet: Uint8Array): void {
  const at = packet[0] >> 4 === 6 ? Ipv6.HOP_LIMIT : Ipv4.TTL;
  if (packet[at] < 255) packet[at]++;
}

function writeHeaderChecksum(packet: Uint8Array): void {
  if (packet[0] >> 4 === 6) return;
  packet[Ipv4.CHECKSUM] = 0;
  packet[Ipv4.CHECKSUM + 1] = 0;
  const checksum = internetChecksum(packet, 0, (packet[Ipv4.VERSION_IHL] & 0x0f) * 4);
  packet[Ipv4.CHECKSUM] = checksum >> 8;
  packet[Ipv4.CHECKSUM + 1] = checksum & 0xff;
}
