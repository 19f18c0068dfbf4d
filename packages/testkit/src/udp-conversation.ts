import {
  type ConversationPacket,
  DEFAULT_CLIENT,
  DEFAULT_SERVER,
  DEFAULT_START_TIME,
  DEFAULT_STEP,
  type Endpoints,
  type Side,
} from './conversation';
import { buildUdp, type Payload } from './packet-builder';

/** Writes down an exchange of UDP datagrams; every payload is one datagram. */
export class UdpConversation {
  readonly packets: ConversationPacket[] = [];
  private clock: number;
  private identification = 1;

  constructor(private readonly options: Endpoints = {}) {
    this.clock = options.startTime ?? DEFAULT_START_TIME;
  }

  client(payload: Payload): this {
    return this.send('client', payload);
  }

  server(payload: Payload): this {
    return this.send('server', payload);
  }

  send(from: Side, payload: Payload): this {
    const { options } = this;
    const client = { address: options.client ?? DEFAULT_CLIENT, port: options.clientPort ?? 40_000 };
    const server = { address: options.server ?? DEFAULT_SERVER, port: options.serverPort ?? 53 };
    const [source, destination] = from === 'client' ? [client, server] : [server, client];
    const bytes = buildUdp({
      source: source.address,
      destination: destination.address,
      sourcePort: source.port,
      destinationPort: destination.port,
      identification: this.identification++ & 0xffff,
      payload,
      ...(options.ttl === undefined ? {} : { ttl: options.ttl }),
    });
    this.packets.push({ bytes, time: this.clock, from });
    this.clock += options.step ?? DEFAULT_STEP;
    return this;
  }

  /** Lets time pass, in microseconds. */
  pause(microseconds: number): this {
    this.clock += microseconds;
    return this;
  }
}
