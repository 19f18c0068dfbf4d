import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Batch } from '../spool/spool';
import { acknowledgedByPeer } from './send-queue';
import type { Transport } from './transport';

export interface StreamTransportOptions {
  name: string;
  /** Begins to connect; a TLS socket has its certificate verified before it counts as connected. */
  connect: () => Socket;
  /** One record as it goes over the wire. */
  render: (line: string, sequence: number) => Buffer;
  connectMilliseconds?: number;
  settleMilliseconds?: number;
}

const CONNECT_MILLISECONDS = 10_000;
const SETTLE_MILLISECONDS = 1000;
const KEEP_ALIVE_MILLISECONDS = 30_000;

/**
 * Writes records to a stream whose receiver answers nothing (a UNIX socket, syslog over TCP or TLS). A batch counts as
 * delivered when the receiver's kernel has acknowledged it and the connection then lived on for a second; what was
 * written in the last second before a connection broke is sent again.
 */
export class StreamTransport implements Transport {
  readonly name: string;
  readonly settleMilliseconds: number;
  onBroken: (() => void) | null = null;
  private socket: Socket | null = null;
  private closed = false;

  constructor(private readonly options: StreamTransportOptions) {
    this.name = options.name;
    this.settleMilliseconds = options.settleMilliseconds ?? SETTLE_MILLISECONDS;
  }

  async send(batch: Batch): Promise<void> {
    this.socket ??= await this.open();
    const { socket } = this;
    const bytes = Buffer.concat(
      batch.lines.map((line, index) => this.options.render(line, batch.first + index)),
    );
    await new Promise<void>((resolve, reject) => {
      const broken = () => reject(new Error('the connection broke'));
      const done = (error?: Error | null) => {
        socket.off('close', broken);
        if (error) reject(error);
        else resolve();
      };
      socket.once('close', broken);
      socket.write(bytes, (error) => {
        if (error) done(error);
        else
          acknowledgedByPeer(socket).then(
            () => done(socket.destroyed ? new Error('the connection broke') : null),
            done,
          );
      });
    });
  }

  close(): void {
    this.closed = true;
    this.socket?.destroySoon();
    this.socket = null;
  }

  private async open(): Promise<Socket> {
    const socket = this.options.connect();
    const secure = socket instanceof TLSSocket;
    let lastError: Error | null = null;
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error('connecting takes too long')),
          this.options.connectMilliseconds ?? CONNECT_MILLISECONDS,
        );
        timer.unref();
        // Stays for the socket's life: an error without a listener would end the process.
        socket.on('error', (error) => {
          lastError = error;
        });
        socket.once('close', () => {
          clearTimeout(timer);
          reject(lastError ?? new Error('the connection was closed'));
        });
        socket.once(secure ? 'secureConnect' : 'connect', () => {
          clearTimeout(timer);
          resolve();
        });
      });
      if (this.closed) throw new Error('closed');
    } catch (error) {
      socket.destroy();
      throw error;
    }
    socket.setKeepAlive(true, KEEP_ALIVE_MILLISECONDS);
    socket.setNoDelay(true);
    // What a receiver says is of no interest, but has to be read, or its end would not be seen.
    socket.resume();
    socket.once('close', () => {
      if (this.socket === socket) this.socket = null;
      if (!this.closed) this.onBroken?.();
    });
    return socket;
  }
}
