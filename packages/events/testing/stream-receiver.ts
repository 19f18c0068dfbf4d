import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** A receiver of a byte stream (TCP, TLS or a UNIX socket) that can go away and come back at the same place. */
export class StreamReceiver {
  readonly received: Buffer[] = [];
  private readonly connections = new Set<Socket>();
  private server: Server | null = null;
  private place: ListenOptions;

  constructor(
    place: ListenOptions,
    private readonly certificate: { key: string; cert: string } | null = null,
  ) {
    this.place = place;
  }

  async start(): Promise<void> {
    const accept = (socket: Socket) => {
      this.connections.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.connections.delete(socket));
      socket.on('data', (bytes: Buffer) => this.received.push(bytes));
    };
    const server = this.certificate ? createTlsServer(this.certificate, accept) : createServer(accept);
    server.on('tlsClientError', () => undefined);
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.place, resolve));
    const address = server.address();
    if (address && typeof address === 'object') this.place = { host: address.address, port: address.port };
  }

  get port(): number {
    return this.place.port as number;
  }

  get text(): string {
    return Buffer.concat(this.received).toString('utf8');
  }

  /** The JSON lines that came as a whole. */
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }

  /** Messages with octet counting (RFC 6587), as far as they came whole. */
  get counted(): string[] {
    const bytes = Buffer.concat(this.received);
    const messages: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      const space = bytes.indexOf(0x20, at);
      const length = Number(bytes.toString('latin1', at, space));
      if (space < 0 || !Number.isInteger(length) || space + 1 + length > bytes.length) break;
      messages.push(bytes.toString('utf8', space + 1, space + 1 + length));
      at = space + 1 + length;
    }
    return messages;
  }

  get connected(): boolean {
    return this.connections.size > 0;
  }

  /** Reads nothing any more, as a receiver that hangs. */
  hang(): void {
    for (const socket of this.connections) socket.pause();
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = null;
    for (const socket of this.connections) socket.destroy();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }
}
