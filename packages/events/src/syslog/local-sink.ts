import { type ChildProcess, spawn } from 'node:child_process';
import { BackOff, type BackOffOptions } from '../delivery/back-off';
import type { EveRecord } from '../record';
import type { EventSink, SinkStatistics } from '../sink';
import { type SyslogFormat, syslogContent, syslogPriority } from './message';

export interface LocalSyslogOptions {
  /** Where the host's syslog service listens. */
  socket?: string;
  /** Bytes of messages that may wait. */
  backlogLimit?: number;
  retry?: BackOffOptions;
  onState?: (failed: boolean, message: string) => void;
}

const BACKLOG_BYTES = 4 * 1024 * 1024;
const LONGEST_ERROR = 500;

/**
 * The host's own syslog service, over its datagram socket. Node.js has no UNIX datagram sockets; `logger` (util-linux,
 * on every Debian) has, and reads one message a line with its priority in front. It uses the header of syslog(3), which
 * is what local services expect there, and does not say what it could not deliver.
 */
export class LocalSyslogSink implements EventSink {
  readonly statistics: SinkStatistics = { written: 0, lost: 0, backlog: 0, failures: 0, lastError: null };
  private child: ChildProcess | null = null;
  private retryTimer: NodeJS.Timeout | null = null;
  private waiting: string[] = [];
  private waitingBytes = 0;
  private closed = false;
  private readonly backOff: BackOff;
  private readonly socket: string;

  constructor(
    private readonly format: SyslogFormat,
    private readonly options: LocalSyslogOptions = {},
  ) {
    this.backOff = new BackOff(options.retry);
    this.socket = options.socket ?? '/dev/log';
  }

  write(record: EveRecord): void {
    const line = `<${syslogPriority(record, this.format.facility)}>${syslogContent(record, this.format)}\n`;
    const inPipe = this.child?.stdin?.writableLength ?? 0;
    const held = this.waitingBytes + inPipe + line.length;
    if (this.closed || held > (this.options.backlogLimit ?? BACKLOG_BYTES)) {
      this.statistics.lost++;
      return;
    }
    this.waiting.push(line);
    this.waitingBytes += line.length;
    this.pass();
  }

  async reopen(): Promise<void> {}

  async flush(): Promise<void> {
    this.pass();
    const stdin = this.child?.stdin;
    if (!stdin || stdin.writableLength === 0) return;
    await new Promise<void>((resolve) => {
      this.child?.once('exit', () => resolve());
      stdin.write('', () => resolve());
    });
  }

  async close(): Promise<void> {
    await this.flush();
    this.closed = true;
    if (this.retryTimer) clearTimeout(this.retryTimer);
    this.statistics.lost += this.waiting.length;
    this.waiting = [];
    const { child } = this;
    this.child = null;
    if (!child?.stdin || child.exitCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.stdin?.end();
    });
  }

  private pass(): void {
    if (this.waiting.length === 0 || this.retryTimer || this.closed) return;
    this.child ??= this.start();
    const { stdin } = this.child;
    const { waiting, statistics } = this;
    this.waiting = [];
    this.waitingBytes = 0;
    stdin?.write(waiting.join(''), (error) => {
      if (error) statistics.lost += waiting.length;
      else statistics.written += waiting.length;
      statistics.backlog = this.waitingBytes + (this.child?.stdin?.writableLength ?? 0);
    });
    statistics.backlog = stdin?.writableLength ?? 0;
  }

  private start(): ChildProcess {
    const child = spawn(
      'logger',
      [
        ...['--socket', this.socket, '--socket-errors=on', '--prio-prefix'],
        ...['--size', String(this.format.longest), '--tag', this.format.appName],
      ],
      { stdio: ['pipe', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = text.trim().slice(0, LONGEST_ERROR);
      this.failed(said);
    });
    child.stdin?.on('error', () => undefined);
    child.on('error', (error) => this.ended(child, error.message));
    child.on('exit', (code) => this.ended(child, said || `logger ended with ${code}`));
    return child;
  }

  private ended(child: ChildProcess, message: string): void {
    if (this.child !== child) return;
    this.child = null;
    this.failed(message);
    this.retryTimer = setTimeout(() => {
      this.retryTimer = null;
      this.pass();
    }, this.backOff.next());
    this.retryTimer.unref();
  }

  private failed(message: string): void {
    const first = this.statistics.lastError === null;
    this.statistics.lastError = message;
    this.statistics.failures++;
    if (first) this.options.onState?.(true, `syslog ${this.socket} takes no events: ${message}`);
  }
}
