import { randomBytes } from 'node:crypto';
import type { CommandResult, CommandRunner, ResidentChild } from './command';
import { FirewallError } from './errors';

/** What asks the kernel without giving it anything. */
export type Questions = Pick<CommandRunner, 'run'>;

/** An answer is waited for so long; a shell that does not give it is ended. */
const ANSWER_MILLISECONDS = 30_000;

/**
 * Runs programs from a small shell that lives on. Starting a program from a process of hundreds of megabytes takes
 * milliseconds in which its main thread stands still; what is asked every second is asked from here. One question at a
 * time; what a program writes to stderr is not kept.
 */
export class ResidentShell implements Questions {
  private child: ResidentChild | null = null;
  private turn: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(private readonly runner: CommandRunner) {}

  /** @throws FirewallError COMMAND_TIMEOUT, COMMAND_FAILED where there is no shell, or no longer */
  run(program: string, args: readonly string[]): Promise<CommandResult> {
    const asked = this.turn.then(() => this.ask([program, ...args]));
    this.turn = asked.catch(() => undefined);
    return asked;
  }

  /** For good: one that a late question started would keep the process from its end. */
  close(): void {
    this.closed = true;
    this.end();
  }

  private end(): void {
    this.child?.kill('SIGKILL');
    this.child = null;
  }

  private ask(argv: readonly string[]): Promise<CommandResult> {
    if (this.closed) {
      const line = argv.join(' ');
      const reason = 'was not run: the firewall has been closed';
      return Promise.reject(new FirewallError('COMMAND_FAILED', `"${line}" ${reason}.`, { command: line }));
    }
    const child = this.child ?? this.start();
    // The answer ends with words that nothing else writes.
    const end = `end-${randomBytes(9).toString('hex')}`;
    const command = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    return new Promise((resolve, reject) => {
      let stdout = '';
      const finish = (outcome: () => void) => {
        clearTimeout(timer);
        child.stdout.off('data', read);
        child.off('close', gone);
        outcome();
      };
      const fail = (code: 'COMMAND_TIMEOUT' | 'COMMAND_FAILED', reason: string) => {
        this.end();
        const line = argv.join(' ');
        finish(() => reject(new FirewallError(code, `"${line}" ${reason}.`, { command: line })));
      };
      const read = (chunk: string) => {
        stdout += chunk;
        const at = stdout.lastIndexOf(`${end} `);
        if (at < 0 || !stdout.endsWith('\n')) return;
        const exitCode = Number(stdout.slice(at + end.length + 1));
        finish(() => resolve({ exitCode, stdout: stdout.slice(0, at), stderr: '' }));
      };
      const gone = () => fail('COMMAND_FAILED', 'could not be run: the shell has ended');
      const timer = setTimeout(
        () => fail('COMMAND_TIMEOUT', `did not end within ${ANSWER_MILLISECONDS / 1000} s`),
        ANSWER_MILLISECONDS,
      );
      child.stdout.on('data', read);
      child.once('close', gone);
      child.stdin.write(`${command} </dev/null 2>/dev/null; printf '%s %d\\n' ${end} $?\n`);
    });
  }

  private start(): ResidentChild {
    const child = this.runner.resident('sh', []);
    child.stdout.setEncoding('utf8');
    child.stderr.resume();
    // What it cannot be told or cannot be started for shows as its end.
    child.stdin.on('error', () => undefined);
    child.on('error', () => undefined);
    child.on('close', () => {
      if (this.child === child) this.child = null;
    });
    child.unref();
    this.child = child;
    return child;
  }
}
