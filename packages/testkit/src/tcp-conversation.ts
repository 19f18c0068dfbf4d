import { sequenceAdd, TcpFlag } from '@portcullis/wire';
import {
  type ConversationPacket,
  DEFAULT_CLIENT,
  DEFAULT_SERVER,
  DEFAULT_START_TIME,
  DEFAULT_STEP,
  type Endpoints,
  type Side,
} from './conversation';
import { buildTcp, type Payload, payloadBytes, type TcpFields, type TcpOptionFields } from './packet-builder';

export interface TcpConversationOptions extends Endpoints {
  /** Initial sequence numbers. */
  readonly clientSequence?: number;
  readonly serverSequence?: number;
  /** Announced by both sides, and the length of the segments that payloads are cut into. */
  readonly mss?: number;
  readonly window?: number;
  /** Of the SYN and the SYN-ACK; by default only the MSS. */
  readonly synOptions?: TcpOptionFields;
}

export interface SendOptions {
  /** Lengths of the first segments; what is left follows in segments of the MSS. */
  readonly segments?: readonly number[];
  /** In which order the segments are sent, by their numbers from 0: `[1, 0, 2]`. */
  readonly order?: readonly number[];
  /** Numbers of segments that are sent twice. */
  readonly retransmit?: readonly number[];
  /** Numbers of segments that are not sent at all. */
  readonly lose?: readonly number[];
  /** Whether the other side acknowledges everything afterwards; default true. */
  readonly acknowledge?: boolean;
  /** The last segment carries FIN. */
  readonly finish?: boolean;
}

/** A segment made by hand; what is not given follows from the state of the conversation. */
export interface SegmentOptions extends Partial<Omit<TcpFields, 'source' | 'destination' | 'payload'>> {
  /** Stream offset of the payload's first byte, from 0; by default where the side's stream ends. */
  readonly offset?: number;
  readonly payload?: Payload;
}

interface SideState {
  readonly address: string;
  readonly port: number;
  readonly initial: number;
  /** Stream bytes sent, without SYN and FIN. */
  sent: number;
  finished: boolean;
}

const DEFAULT_MSS = 1460;
const DEFAULT_MSS_IPV6 = 1440;

/**
 * Writes down a TCP conversation packet by packet:
 *
 * ```ts
 * const packets = new TcpConversation({ serverPort: 80 })
 *   .handshake()
 *   .client('GET / HTTP/1.1\r\nHost: a\r\n\r\n', { segments: [3, 5] })
 *   .server('HTTP/1.1 204 No Content\r\n\r\n')
 *   .close().packets;
 * ```
 *
 * Sequence numbers, acknowledgments, checksums and times follow by themselves; `segment` breaks the rules.
 */
export class TcpConversation {
  readonly packets: ConversationPacket[] = [];
  private readonly sides: Record<Side, SideState>;
  private readonly mss: number;
  private clock: number;
  private identification = 1;

  constructor(private readonly options: TcpConversationOptions = {}) {
    const client = options.client ?? DEFAULT_CLIENT;
    const state = (address: string, port: number, initial: number): SideState => ({
      address,
      port,
      initial: initial >>> 0,
      sent: 0,
      finished: false,
    });
    this.sides = {
      client: state(client, options.clientPort ?? 40_000, options.clientSequence ?? 1_000_000),
      server: state(
        options.server ?? DEFAULT_SERVER,
        options.serverPort ?? 80,
        options.serverSequence ?? 5_000_000,
      ),
    };
    this.mss = options.mss ?? (client.includes(':') ? DEFAULT_MSS_IPV6 : DEFAULT_MSS);
    this.clock = options.startTime ?? DEFAULT_START_TIME;
  }

  /** SYN, SYN-ACK, ACK. */
  handshake(): this {
    const options = this.options.synOptions ?? { mss: this.mss };
    this.emit('client', {
      flags: TcpFlag.SYN,
      sequence: this.sides.client.initial,
      acknowledgment: 0,
      options,
    });
    this.emit('server', { flags: TcpFlag.SYN | TcpFlag.ACK, sequence: this.sides.server.initial, options });
    return this.acknowledge('client');
  }

  client(payload: Payload, options?: SendOptions): this {
    return this.send('client', payload, options);
  }

  server(payload: Payload, options?: SendOptions): this {
    return this.send('server', payload, options);
  }

  send(from: Side, payload: Payload, options: SendOptions = {}): this {
    const bytes = payloadBytes(payload);
    const side = this.sides[from];
    const start = side.sent;
    const cuts = this.cut(bytes.length, options.segments ?? []);
    side.sent += bytes.length;
    const order = options.order ?? cuts.map((_, index) => index);
    for (const index of order) {
      const cut = cuts[index];
      if (cut === undefined) throw new RangeError(`there is no segment ${index}: ${cuts.length} segments`);
      if (options.lose?.includes(index)) continue;
      const last = index === cuts.length - 1;
      const fields = {
        offset: start + cut.offset,
        payload: bytes.subarray(cut.offset, cut.offset + cut.length),
        flags: TcpFlag.ACK | (last ? TcpFlag.PSH : 0) | (last && options.finish ? TcpFlag.FIN : 0),
      };
      this.segment(from, fields);
      if (options.retransmit?.includes(index)) this.segment(from, fields);
    }
    if (options.finish) side.finished = true;
    if (options.acknowledge ?? true) this.acknowledge(other(from));
    return this;
  }

  /** A bare acknowledgment of all that the other side has sent. */
  acknowledge(from: Side): this {
    return this.emit(from, { flags: TcpFlag.ACK });
  }

  /** A single segment, which does not move the stream on: gaps, overlaps, wrong numbers, odd flags. */
  segment(from: Side, options: SegmentOptions): this {
    const side = this.sides[from];
    const { offset, ...fields } = options;
    const at = offset ?? side.sent;
    return this.emit(from, { sequence: sequenceAdd(side.initial, 1 + at), flags: TcpFlag.ACK, ...fields });
  }

  /** FIN of one side, FIN of the other, last acknowledgment. */
  close(first: Side = 'client'): this {
    return this.finish(first).finish(other(first)).acknowledge(first);
  }

  /** One side sends FIN and may not send more; the other may. */
  finish(from: Side): this {
    this.emit(from, { flags: TcpFlag.FIN | TcpFlag.ACK });
    this.sides[from].finished = true;
    return this;
  }

  reset(from: Side): this {
    return this.emit(from, { flags: TcpFlag.RST | TcpFlag.ACK, window: 0 });
  }

  /** Lets time pass, in microseconds. */
  pause(microseconds: number): this {
    this.clock += microseconds;
    return this;
  }

  /** The sequence number of a side's stream offset. */
  sequenceOf(side: Side, offset: number): number {
    return sequenceAdd(this.sides[side].initial, 1 + offset);
  }

  private cut(length: number, wanted: readonly number[]): { offset: number; length: number }[] {
    const cuts: { offset: number; length: number }[] = [];
    let offset = 0;
    while (offset < length) {
      const size = Math.min(wanted[cuts.length] ?? this.mss, length - offset);
      if (size < 1) throw new RangeError('a segment needs at least one byte');
      cuts.push({ offset, length: size });
      offset += size;
    }
    return cuts;
  }

  /** Sequence number that follows all that the side has sent, its SYN included. */
  private nextSequence(side: SideState): number {
    return sequenceAdd(side.initial, 1 + side.sent + (side.finished ? 1 : 0));
  }

  private emit(from: Side, fields: Partial<TcpFields>): this {
    const side = this.sides[from];
    const peer = this.sides[other(from)];
    const bytes = buildTcp({
      source: side.address,
      destination: peer.address,
      sourcePort: side.port,
      destinationPort: peer.port,
      sequence: this.nextSequence(side),
      acknowledgment: this.nextSequence(peer),
      flags: TcpFlag.ACK,
      window: this.options.window ?? 65_535,
      identification: this.identification++ & 0xffff,
      ...(this.options.ttl === undefined ? {} : { ttl: this.options.ttl }),
      ...fields,
    });
    this.packets.push({ bytes, time: this.clock, from });
    this.clock += this.options.step ?? DEFAULT_STEP;
    return this;
  }
}

function other(side: Side): Side {
  return side === 'client' ? 'server' : 'client';
}
