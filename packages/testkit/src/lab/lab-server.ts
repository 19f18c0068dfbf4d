import type { ReceivedConnection, TakeParams } from './agent-protocol';
import type { LabAgent } from './lab-agent';

/** A TCP server in the lab, which can be asked what reached the application. */
export class LabServer {
  constructor(
    private readonly agent: LabAgent,
    readonly port: number,
  ) {}

  /** All connections accepted so far, with the raw bytes received on each. */
  connections(): Promise<ReceivedConnection[]> {
    return this.agent.call('received', { port: this.port });
  }

  /** What came on one connection, once it is so long, over or late; the connection is ended and forgotten. */
  take(options: Omit<TakeParams, 'port'>): Promise<ReceivedConnection | null> {
    return this.agent.call('take', { ...options, port: this.port });
  }

  /** The connections that are over, which are then forgotten. */
  takeEnded(): Promise<ReceivedConnection[]> {
    return this.agent.call('takeEnded', { port: this.port });
  }

  /** The bytes of all connections, one after the other. */
  async received(): Promise<Buffer> {
    return Buffer.concat((await this.connections()).map((connection) => connection.bytes));
  }
}

/** A UDP server in the lab, which sends every datagram back. */
export class LabUdpServer {
  constructor(
    private readonly agent: LabAgent,
    readonly port: number,
  ) {}

  received(): Promise<Uint8Array[]> {
    return this.agent.call('udpReceived', { port: this.port });
  }
}
