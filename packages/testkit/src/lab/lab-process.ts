import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { patient } from './patience';
import { waitUntil } from './wait-until';

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Written to the program's standard input, which is then closed; without, it stays open. */
  readonly input?: string | Uint8Array;
}

export interface ExecOptions extends SpawnOptions {
  /** Milliseconds after which the program is killed; default 30 000. */
  readonly timeout?: number;
}

export interface ExecResult {
  /** Exit code; null when a signal ended the program. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Of each output only the last bytes are kept. */
const MAX_OUTPUT = 8 << 20;
const DEFAULT_TIMEOUT = 30_000;

/** A program in one of the lab's namespaces, with its output. */
export class LabProcess {
  stdout = '';
  stderr = '';
  /** Settles when the program has ended and its output is complete. */
  readonly exited: Promise<ExecResult>;
  private readonly child: ChildProcessWithoutNullStreams;
  private timedOut = false;
  private done = false;

  constructor(
    readonly argv: readonly string[],
    namespace: string,
    options: SpawnOptions,
  ) {
    this.child = spawn('ip', ['netns', 'exec', namespace, ...argv], {
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: 'pipe',
      // A process group of its own, so that what the program started can be ended with it.
      detached: true,
    });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout = (this.stdout + text).slice(-MAX_OUTPUT);
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-MAX_OUTPUT);
    });
    // The program may end without reading its input.
    this.child.stdin.on('error', () => {});
    if (options.input !== undefined) this.child.stdin.end(options.input);
    this.exited = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null) => {
        this.done = true;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr, timedOut: this.timedOut });
      };
      this.child.once('error', (error) => {
        this.stderr += error.message;
        finish(null, null);
      });
      this.child.once('close', finish);
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get running(): boolean {
    return !this.done;
  }

  write(text: string | Uint8Array): void {
    this.child.stdin.write(text);
  }

  endInput(): void {
    this.child.stdin.end();
  }

  /** Sends a signal to the program alone, not to what it has started. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.running) this.child.kill(signal);
  }

  /** Ends the program and all that it has started, at once. */
  destroy(): void {
    if (!this.running || this.pid === undefined) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // The whole group has ended by itself.
    }
  }

  /** Ends the program: SIGTERM, and SIGKILL for all that it has started when that does not help in time. */
  async stop(timeout = 5000): Promise<ExecResult> {
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.destroy(), patient(timeout));
    const result = await this.exited;
    clearTimeout(timer);
    return result;
  }

  /**
   * Waits until the output, either of the two, matches.
   * @returns the match. Throws when the program ends before, or the time (milliseconds) is up.
   */
  async waitFor(pattern: RegExp, timeout = DEFAULT_TIMEOUT): Promise<RegExpMatchArray> {
    const what = `${pattern} from ${this.argv.join(' ')}`;
    const found = await waitUntil(
      () => {
        const match = this.stdout.match(pattern) ?? this.stderr.match(pattern);
        return match ?? (this.done ? 'ended' : undefined);
      },
      { timeout, what },
    ).catch((error: Error) => error);
    if (found instanceof Error || found === 'ended') {
      const reason =
        found === 'ended' ? `${this.argv.join(' ')} ended before ${pattern} came` : found.message;
      throw new Error(`${reason}\nstdout:\n${this.stdout}\nstderr:\n${this.stderr}`);
    }
    return found;
  }

  /** Waits for the end; kills the program when the time (milliseconds) is up. */
  async finish(timeout = DEFAULT_TIMEOUT): Promise<ExecResult> {
    const timer = setTimeout(() => {
      this.timedOut = true;
      this.destroy();
    }, patient(timeout));
    const result = await this.exited;
    clearTimeout(timer);
    return result;
  }
}
