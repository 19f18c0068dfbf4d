import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { JobName, Jobs } from './jobs';

/** Processes side by side, at most. */
export const MOST_WORKERS = 2;

/** How a job ended that brought no result. */
export class JobError extends Error {}

interface Answer {
  output?: unknown;
  failure?: string;
}

class WorkerProcess {
  private child: ChildProcess | null = null;

  private start(): ChildProcess {
    return fork(join(__dirname, 'worker.ts'), {
      execArgv: ['--require', join(__dirname, 'from-sources.cjs'), '--max-old-space-size=3072'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  /** @throws JobError where the job threw, took too long, or took the process with it */
  run(job: JobName, input: unknown, seconds: number): Promise<unknown> {
    this.child ??= this.start();
    const { child } = this;
    return new Promise((resolve, reject) => {
      const end = (action: () => void) => {
        clearTimeout(timer);
        child.removeAllListeners();
        action();
      };
      const lose = (reason: string) =>
        end(() => {
          this.child = null;
          child.kill('SIGKILL');
          reject(new JobError(reason));
        });
      const timer = setTimeout(() => lose(`gave up after ${seconds} s`), seconds * 1000);
      child.once('message', ({ output, failure }: Answer) =>
        end(() => (failure === undefined ? resolve(output) : reject(new JobError(failure)))),
      );
      child.once('exit', (code, signal) => lose(`the process ended (${signal ?? code})`));
      child.once('error', (error) => lose(error.message));
      child.send({ job, input });
    });
  }

  stop(): void {
    this.child?.kill();
    this.child = null;
  }
}

/** Worker processes, started when there is work: what takes one of them down costs one job. */
export class WorkerPool {
  private readonly workers: WorkerProcess[];

  constructor(count: number = Math.min(MOST_WORKERS, availableParallelism())) {
    this.workers = Array.from({ length: count }, () => new WorkerProcess());
  }

  /**
   * Does a job for each input, in the order of the inputs as far as workers are free.
   * @param seconds after which a job is given up
   * @param failed makes an output of what went wrong
   */
  async map<K extends JobName>(
    job: K,
    inputs: readonly Jobs[K]['input'][],
    seconds: number,
    failed: (input: Jobs[K]['input'], reason: string) => Jobs[K]['output'],
  ): Promise<Jobs[K]['output'][]> {
    const outputs = new Array<Jobs[K]['output']>(inputs.length);
    const next = inputs.entries();
    await Promise.all(
      this.workers.map(async (worker) => {
        for (const [place, input] of next) {
          try {
            outputs[place] = (await worker.run(job, input, seconds)) as Jobs[K]['output'];
          } catch (error) {
            if (!(error instanceof JobError)) throw error;
            outputs[place] = failed(input, error.message);
          }
        }
      }),
    );
    return outputs;
  }

  stop(): void {
    for (const worker of this.workers) worker.stop();
  }
}
