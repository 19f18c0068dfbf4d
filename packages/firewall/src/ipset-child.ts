import type { CommandRunner, ResidentChild } from './command';
import { FirewallError } from './errors';

interface Pending {
  readonly sequence: number;
  readonly lines: string;
  /** What ipset said while this command ran. */
  readonly said: string[];
  attempts: number;
  resolve(): void;
  reject(error: FirewallError): void;
}

export interface ResidentIpsetOptions {
  /** Commands sent ahead of their answers. */
  window?: number;
  /** Commands waiting altogether; more are refused with IPSET_BUSY. */
  capacity?: number;
  /** A child that does not answer for so long is replaced. */
  stallMilliseconds?: number;
}

/**
 * One `ipset -` process that takes commands on a pipe, in order; a process per ban is far too slow.
 *
 * ipset answers nothing to a command that succeeds, and its stdout is buffered on a pipe. So each command is followed by
 * one that cannot be parsed, `list . portcullis-7`: it never reaches the kernel and makes ipset say
 * `Unknown argument portcullis-7` on stderr, which is not buffered. That line means command 7 is done (ipset waits for
 * the kernel's acknowledgement before it reads on), and what stands before it is what command 7 said.
 *
 * When the child dies or stalls, a new one is started and gets what was not answered again: every command used here
 * may be repeated (`-exist`).
 */
export class ResidentIpset {
  private readonly window: number;
  private readonly capacity: number;
  private readonly stallMilliseconds: number;
  private child: ResidentChild | undefined;
  private waiting: Pending[] = [];
  private sent: Pending[] = [];
  private sequence = 0;
  private partial = '';
  private quickDeaths = 0;
  private restartTimer: NodeJS.Timeout | undefined;
  private stallTimer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly runner: Pick<CommandRunner, 'resident'>,
    options: ResidentIpsetOptions = {},
  ) {
    this.window = options.window ?? 256;
    this.capacity = options.capacity ?? 65_536;
    this.stallMilliseconds = options.stallMilliseconds ?? 10_000;
  }

  /** Starts the child now, so that the first command finds it ready. */
  start(): void {
    if (!this.closed) this.spawn();
  }

  /**
   * Resolves when the kernel has acknowledged the command.
   *
   * @throws FirewallError IPSET_FAILED (stderr says why), IPSET_BUSY, IPSET_MISSING, CLOSED
   */
  run(command: string): Promise<void> {
    if (this.closed) return Promise.reject(new FirewallError('CLOSED', 'the firewall was closed.'));
    if (this.waiting.length + this.sent.length >= this.capacity) {
      return Promise.reject(
        new FirewallError('IPSET_BUSY', `${this.capacity} ipset commands are waiting already.`, { command }),
      );
    }
    return new Promise((resolve, reject) => {
      const sequence = ++this.sequence;
      const lines = `${command}\nlist . portcullis-${sequence}\n`;
      this.waiting.push({ sequence, lines, said: [], attempts: 0, resolve, reject });
      this.pump();
    });
  }

  /** Waits for what was sent, then ends the child. */
  async close(): Promise<void> {
    if (this.closed) return;
    while (this.waiting.length + this.sent.length > 0) {
      const last = this.waiting[this.waiting.length - 1] ?? this.sent[this.sent.length - 1];
      await new Promise<void>((resolve) => {
        const { resolve: done, reject: failed } = last;
        last.resolve = () => {
          done();
          resolve();
        };
        last.reject = (error) => {
          failed(error);
          resolve();
        };
      });
    }
    this.closed = true;
    clearTimeout(this.restartTimer);
    clearTimeout(this.stallTimer);
    const child = this.child;
    this.child = undefined;
    if (!child) return;
    await new Promise<void>((resolve) => {
      const overdue = setTimeout(() => child.kill('SIGKILL'), 1000);
      child.once('close', () => {
        clearTimeout(overdue);
        resolve();
      });
      child.stdin.end();
    });
  }

  private spawn(): void {
    if (this.child || this.restartTimer) return;
    const child = this.runner.resident('ipset', ['-']);
    const born = Date.now();
    this.child = child;
    this.partial = '';
    // Prompts only; not reading them would fill the pipe and stop ipset.
    child.stdout.resume();
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (this.child === child) this.read(chunk);
    });
    child.stdin.on('error', () => undefined);
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (this.child !== child) return;
      this.child = undefined;
      if (error.code === 'ENOENT') {
        const message =
          '"ipset" is not installed or not in PATH. Install it (Debian: apt-get install ipset).';
        this.failAll(new FirewallError('IPSET_MISSING', message));
      } else {
        this.lost(born);
      }
    });
    child.once('close', () => {
      if (this.child !== child) return;
      this.child = undefined;
      this.lost(born);
    });
  }

  private lost(born: number): void {
    clearTimeout(this.stallTimer);
    this.stallTimer = undefined;
    const first = this.sent[0];
    // Only the oldest can be what the child died of; the others were merely behind it.
    if (first && ++first.attempts >= 3) {
      this.sent.shift();
      first.reject(
        new FirewallError('IPSET_FAILED', 'the ipset process ended three times over this command.', {
          command: first.lines.split('\n', 1)[0],
          stderr: first.said.join('\n'),
        }),
      );
    }
    for (const pending of this.sent) pending.said.length = 0;
    this.waiting = this.sent.concat(this.waiting);
    this.sent = [];
    this.quickDeaths = Date.now() - born < 1000 ? this.quickDeaths + 1 : 0;
    if (this.closed || this.waiting.length === 0) return;
    const delay = this.quickDeaths === 0 ? 0 : Math.min(2000, 10 * 2 ** this.quickDeaths);
    this.restartTimer = setTimeout(() => {
      this.restartTimer = undefined;
      this.pump();
    }, delay);
  }

  private failAll(error: FirewallError): void {
    const all = this.sent.concat(this.waiting);
    this.sent = [];
    this.waiting = [];
    for (const pending of all) pending.reject(error);
  }

  private pump(): void {
    if (this.waiting.length === 0 || this.restartTimer) return;
    if (!this.child) this.spawn();
    const child = this.child;
    if (!child) return;
    const count = Math.min(this.window - this.sent.length, this.waiting.length);
    if (count <= 0) return;
    const batch = this.waiting.splice(0, count);
    this.sent.push(...batch);
    child.stdin.write(batch.map((pending) => pending.lines).join(''));
    this.watch();
  }

  private watch(): void {
    if (this.stallTimer || this.sent.length === 0) return;
    const oldest = this.sent[0].sequence;
    this.stallTimer = setTimeout(() => {
      this.stallTimer = undefined;
      if (this.sent[0]?.sequence === oldest) this.child?.kill('SIGKILL');
      else this.watch();
    }, this.stallMilliseconds);
    this.stallTimer.unref();
  }

  private read(chunk: string): void {
    const lines = (this.partial + chunk).split('\n');
    this.partial = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) {
      const done = /Unknown argument `?portcullis-(\d+)'?$/.exec(line);
      const oldest = this.sent[0];
      if (!oldest) continue;
      if (!done) {
        // The second line of every complaint about syntax.
        if (!line.startsWith('Try `ipset help') && oldest.said.length < 16) oldest.said.push(line);
        continue;
      }
      if (Number(done[1]) !== oldest.sequence) continue;
      this.sent.shift();
      if (oldest.said.length === 0) oldest.resolve();
      else oldest.reject(complaint(oldest));
    }
    if (this.sent.length === 0) {
      clearTimeout(this.stallTimer);
      this.stallTimer = undefined;
    }
    this.pump();
  }
}

function complaint(pending: Pending): FirewallError {
  const command = `ipset ${pending.lines.split('\n', 1)[0]}`;
  const stderr = pending.said.join('\n');
  const reason = pending.said[0].replace(/^ipset v[\d.]+: /, '');
  const code = /set with the given name does not exist/.test(stderr)
    ? 'SET_MISSING'
    : /Hash is full/.test(stderr)
      ? 'SET_FULL'
      : 'IPSET_FAILED';
  return new FirewallError(code, `"${command}" failed: ${reason}.`, { command, stderr });
}
