import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { askEngine } from '@portcullis/control';
import { type IptablesVariant, KernelFirewall } from '@portcullis/firewall';

export interface CommandOutput {
  /** null: ended by a signal. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FileFacts {
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

export interface FreeSpace {
  readonly bytes: number;
  /** Files that can still be made; null where the file system has no such limit. */
  readonly files: number | null;
}

/** What is asked of KernelFirewall. */
export interface FirewallView {
  readonly name: string;
  readonly variant: IptablesVariant;
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** Everything that checks ask of the machine they run on. They leave it as it was. */
export interface Host {
  readonly nodeVersion: string;
  now(): number;
  /** null where there is no such program. */
  run(program: string, args: readonly string[]): Promise<CommandOutput | null>;
  /** Text of a file, as latin1; null where it cannot be read. */
  read(path: string): string | null;
  readBytes(path: string): Buffer | null;
  /** Names in a folder; empty where it cannot be read. */
  list(path: string): string[];
  /** null where there is no such file. */
  file(path: string): FileFacts | null;
  freeSpace(path: string): FreeSpace | null;
  /** Makes a small file in a folder and takes it away again. @returns why that was not possible, or null */
  tryWrite(folder: string): string | null;
  /** Why a file cannot be opened for appending, or null. */
  tryAppend(path: string): string | null;
  /** @throws FirewallError IPTABLES_MISSING */
  openFirewall(backend: 'auto' | IptablesVariant): Promise<FirewallView>;
  /** @throws ControlError */
  askEngine(socket: string, command: string): Promise<unknown>;
  /** @throws where nobody answers */
  httpGet(address: { host: string; port: number }, path: string): Promise<{ status: number; body: string }>;
}

const COMMAND_MILLISECONDS = 20_000;
const ANSWER_MILLISECONDS = 5000;
/** Longest answer that is read, in bytes. */
const LONGEST_ANSWER = 64 * 1024 * 1024;

export class SystemHost implements Host {
  readonly nodeVersion = process.versions.node;

  now(): number {
    return Date.now();
  }

  run(program: string, args: readonly string[]): Promise<CommandOutput | null> {
    // Texts are parsed: no translations. A user's PATH often lacks the directories these programs are in.
    const env = { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };
    return new Promise((resolve) => {
      const child = spawn(program, args, {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: COMMAND_MILLISECONDS,
        killSignal: 'SIGKILL',
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        if (stdout.length < LONGEST_ANSWER) stdout += chunk;
      });
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        if (stderr.length < 65_536) stderr += chunk;
      });
      child.on('error', () => resolve(null));
      child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
    });
  }

  read(path: string): string | null {
    return this.readBytes(path)?.toString('latin1') ?? null;
  }

  readBytes(path: string): Buffer | null {
    try {
      return readFileSync(path);
    } catch {
      return null;
    }
  }

  list(path: string): string[] {
    try {
      return readdirSync(path);
    } catch {
      return [];
    }
  }

  file(path: string): FileFacts | null {
    try {
      const { size, mtimeMs } = statSync(path);
      return { bytes: size, modified: mtimeMs };
    } catch {
      return null;
    }
  }

  freeSpace(path: string): FreeSpace | null {
    try {
      const { bavail, bsize, files, ffree } = statfsSync(path);
      return { bytes: bavail * bsize, files: files === 0 ? null : ffree };
    } catch {
      return null;
    }
  }

  tryWrite(folder: string): string | null {
    const path = join(folder, `.portcullis-doctor-${process.pid}`);
    try {
      writeFileSync(path, 'portcullis doctor\n', { flag: 'wx' });
      return null;
    } catch (error) {
      return (error as Error).message;
    } finally {
      rmSync(path, { force: true });
    }
  }

  tryAppend(path: string): string | null {
    try {
      writeFileSync(path, '', { flag: 'a' });
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  openFirewall(backend: 'auto' | IptablesVariant): Promise<FirewallView> {
    return KernelFirewall.open({ backend });
  }

  async askEngine(socket: string, command: string): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      const message = `the engine has taken the question and does not answer within ${ANSWER_MILLISECONDS / 1000} s`;
      timer = setTimeout(() => reject(new Error(message)), ANSWER_MILLISECONDS);
    });
    return Promise.race([askEngine(socket, command), overdue]).finally(() => clearTimeout(timer));
  }

  httpGet(
    { host, port }: { host: string; port: number },
    path: string,
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const request = get({ host, port, path, agent: false, timeout: ANSWER_MILLISECONDS }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          if (body.length < LONGEST_ANSWER) body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      });
      request.on('timeout', () =>
        request.destroy(new Error(`no answer within ${ANSWER_MILLISECONDS / 1000} s`)),
      );
      request.on('error', reject);
    });
  }
}
