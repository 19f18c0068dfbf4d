import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { FirewallError } from './errors';

export interface CommandResult {
  /** null: ended by a signal. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Written to stdin, with backpressure; otherwise stdin is empty. */
  input?: Iterable<string>;
  /** Called for every line of stdout (without its line feed); stdout is then not collected. */
  onLine?: (line: string) => void;
  /** After so long the command is killed and COMMAND_TIMEOUT thrown. */
  timeoutMilliseconds?: number;
}

/** A child that lives on; what KernelFirewall needs of `child_process.ChildProcess`. */
export type ResidentChild = ReturnType<CommandRunner['resident']>;

/** Runs programs. `prefix` is put before every command line (for instance `ip netns exec NAME`). */
export class CommandRunner {
  constructor(private readonly prefix: readonly string[] = []) {}

  /** @throws FirewallError COMMAND_TIMEOUT; IPTABLES_MISSING or IPSET_MISSING when there is no such program */
  run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const line = [program, ...args].join(' ');
    const timeout = options.timeoutMilliseconds ?? 30_000;
    const [file, ...rest] = [...this.prefix, program, ...args];
    return new Promise((resolve, reject) => {
      const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: environment() });
      let stdout = '';
      let stderr = '';
      let partial = '';
      let overdue = false;
      const timer = setTimeout(() => {
        overdue = true;
        child.kill('SIGKILL');
      }, timeout);
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        if (!options.onLine) {
          stdout += chunk;
          return;
        }
        const lines = (partial + chunk).split('\n');
        partial = lines.pop() ?? '';
        for (const text of lines) options.onLine(text);
      });
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        if (stderr.length < 65_536) stderr += chunk;
      });
      child.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(error.code === 'ENOENT' ? missing(program) : error);
      });
      child.on('close', (exitCode) => {
        clearTimeout(timer);
        if (overdue) {
          const message = `"${line}" did not end within ${timeout / 1000} s and was stopped.`;
          reject(new FirewallError('COMMAND_TIMEOUT', message, { command: line, stderr }));
          return;
        }
        if (options.onLine && partial !== '') options.onLine(partial);
        if (this.prefix.length > 0 && exitCode !== 0 && saysMissing(stderr, program)) {
          reject(missing(program));
          return;
        }
        resolve({ exitCode, stdout, stderr });
      });
      // The child may end before it has read everything (EPIPE); its exit code and stderr tell why.
      child.stdin.on('error', () => undefined);
      void feed(child.stdin, options.input);
    });
  }

  /**
   * A child in a process group of its own: a Ctrl-C at the terminal stops the engine, and only with it this child. It
   * inherits the main thread's precedence, and what it runs is not to go before packets: it waits for its turn.
   */
  resident(program: string, args: readonly string[]) {
    const [file, ...rest] = [...this.prefix, program, ...args];
    const options = { detached: true, env: environment() };
    const child = spawn(file, rest, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    try {
      if (child.pid !== undefined) setPriority(child.pid, 0);
    } catch {
      // Gone already.
    }
    return child;
  }
}

/** Messages and numbers are parsed: no translations. A user's PATH often lacks the directories these programs are in. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };
}

/** `ip netns exec`, `nsenter` and `env` report a program that is not there in their own words. */
function saysMissing(stderr: string, program: string): boolean {
  if (!/no such file or directory/i.test(stderr)) return false;
  return [`"${program}"`, `'${program}'`, `execute ${program}:`].some((words) => stderr.includes(words));
}

function missing(program: string): FirewallError {
  const ipset = program.endsWith('ipset');
  return new FirewallError(
    ipset ? 'IPSET_MISSING' : 'IPTABLES_MISSING',
    `"${program}" is not installed or not in PATH. Install it (Debian: apt-get install ${ipset ? 'ipset' : 'iptables'}).`,
    { command: program },
  );
}

async function feed(stdin: NodeJS.WritableStream, input: Iterable<string> | undefined): Promise<void> {
  if (input) {
    let block = '';
    for (const text of input) {
      block += text;
      if (block.length < 65_536) continue;
      const more = stdin.write(block);
      block = '';
      if (!more) {
        const open = await drained(stdin);
        if (!open) return;
      }
    }
    if (block !== '') stdin.write(block);
  }
  stdin.end();
}

/** Resolves when there is room again: true; or when nobody reads any more: false. */
function drained(stdin: NodeJS.WritableStream): Promise<boolean> {
  return new Promise((resolve) => {
    const onDrain = (): void => {
      stdin.off('close', onClose);
      resolve(true);
    };
    const onClose = (): void => {
      stdin.off('drain', onDrain);
      resolve(false);
    };
    stdin.once('drain', onDrain);
    stdin.once('close', onClose);
  });
}
