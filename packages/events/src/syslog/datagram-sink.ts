import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { BackOff, type BackOffOptions } from '../delivery/back-off';
import { GRACE_MILLISECONDS, within } from '../delivery/within';
import type { EveRecord } from '../record';
import type { EventSink, SinkStatistics } from '../sink';
import { type SyslogFormat, syslogMessage } from './message';
import type { SyslogServer } from './stream';

export interface DatagramSinkOptions {
  /** Bytes of messages that may wait. */
  backlogLimit?: number;
  retry?: BackOffOptions;
  onState?: (failed: boolean, message: string) => void;
}

/** What fits into an IPv4 datagram. */
const LONGEST_DATAGRAM = 65_507;
const BACKLOG_BYTES = 4 * 1024 * 1024;

/**
 * RFC 5424 over UDP (RFC 5426), a datagram each. UDP tells nobody what was lost; what this end knows to be lost (the
 * receiver's host says that nobody listens, the backlog is full) it counts.
 */
export class DatagramSyslogSink implements EventSink {
  readonly statistics: SinkStatistics = { written: 0, lost: 0, backlog: 0, failures: 0, lastError: null };
  private waiting: Buffer[] = [];
  private socket: Socket | null = null;
  private running: Promise<void> | null = null;
  private sequence = 0;
  private closed = false;
  private retryTimer: NodeJS.Timeout | null = null;
  private readonly backOff: BackOff;

  constructor(
    private readonly server: SyslogServer,
    private readonly format: SyslogFormat,
    private readonly options: DatagramSinkOptions = {},
  ) {
    this.backOff = new BackOff(options.retry);
  }

  write(record: EveRecord): void {
    const message = syslogMessage(record, this.sequence++, this.format);
    const { statistics } = this;
    const full = statistics.backlog + message.length > (this.options.backlogLimit ?? BACKLOG_BYTES);
    if (this.closed || full || message.length > LONGEST_DATAGRAM) {
      statistics.lost++;
      return;
    }
    this.waiting.push(message);
    statistics.backlog += message.length;
    this.run();
  }

  async reopen(): Promise<void> {}

  async flush(): Promise<void> {
    this.run();
    await this.running;
  }

  async close(): Promise<void> {
    await within(GRACE_MILLISECONDS, this.flush());
    this.closed = true;
    if (this.retryTimer) clearTimeout(this.retryTimer);
    this.statistics.lost += this.waiting.length;
    this.waiting = [];
    this.socket?.close();
    this.socket = null;
  }

  private run(): void {
    if (!this.running && !this.retryTimer && !this.closed) this.running = this.drain();
  }

  private async drain(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.waiting.length > 0) {
        this.socket ??= await this.open();
        if (this.closed) break;
        await this.sendFirst(this.socket);
      }
    } catch (error) {
      this.failed(error as Error);
    } finally {
      this.running = null;
    }
  }

  private async sendFirst(socket: Socket): Promise<void> {
    const message = this.waiting.shift() as Buffer;
    this.statistics.backlog -= message.length;
    const error = await new Promise<Error | null>((resolve) => socket.send(message, resolve));
    if (error) {
      this.statistics.lost++;
      throw error;
    }
    this.statistics.written++;
    this.backOff.reset();
    if (this.statistics.lastError === null) return;
    this.statistics.lastError = null;
    this.options.onState?.(false, `${this.name} takes events again`);
  }

  /** A connected socket: the name is looked up once, and the receiver's host can say that nobody listens. */
  private async open(): Promise<Socket> {
    const { address, family } = await lookup(this.server.host);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.unref();
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(this.server.port, address, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    socket.on('error', (error) => this.failed(error));
    return socket;
  }

  private get name(): string {
    return `syslog udp://${this.server.host}:${this.server.port}`;
  }

  private failed(error: Error): void {
    const first = this.statistics.lastError === null;
    this.statistics.lastError = error.message;
    this.statistics.failures++;
    this.socket?.removeAllListeners('error').on('error', () => undefined);
    this.socket?.close();
    this.socket = null;
    if (first) this.options.onState?.(true, `${this.name} takes no events: ${error.message}`);
    if (this.retryTimer || this.closed) return;
    this.retryTimer = setTimeout(() => {
      this.retryTimer = null;
      this.run();
    }, this.backOff.next());
    this.retryTimer.unref();
  }
}
