import { type ChildProcess, spawn } from 'node:child_process';

/**
 * What has to be done once this process is gone, however it ends: SIGKILL too, and a test run that is interrupted, where
 * Jest gives tests a `process` that hears of no signal. A shell waits for the end of its input, which is this process's
 * end, in a session of its own, where Ctrl-C does not reach it.
 */
export class Aftermath {
  private readonly shell: ChildProcess;

  /** @param script of a POSIX shell; `$1` and so on are the words */
  constructor(script: string, words: readonly string[] = []) {
    // Anything that can be read means that it is not needed any more.
    this.shell = spawn('sh', ['-c', `read -r answer && exit 0\n${script}`, 'sh', ...words], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const input = this.shell.stdin as NonNullable<ChildProcess['stdin']>;
    // It may be gone before it has read.
    input.on('error', () => {});
    this.shell.unref();
    (input as typeof input & { unref?(): void }).unref?.();
  }

  /** This process has done it itself. */
  dismiss(): void {
    this.shell.stdin?.end('done\n');
  }
}
