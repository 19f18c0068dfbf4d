/** Threads of an engine that are made to stand still. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lab, type LabProcess, waitUntil } from '@portcullis/testkit';

/** Threads that wait for packets: those that sleep in a datagram socket's receive; event loops sleep in epoll. */
function waitingForPackets(pid: number): string[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.filter((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/wchan`, 'utf8') === '__skb_wait_for_more_packets';
    } catch {
      return false;
    }
  });
}

/** The program that holds a thread, for as long as it runs. */
export class ThreadHolder {
  private readonly folder = mkdtempSync(join(tmpdir(), 'portcullis-hold-'));
  private readonly path = join(this.folder, 'hold-thread');
  private readonly holding: LabProcess[] = [];
  /** There is a C compiler. */
  readonly usable: boolean;

  constructor() {
    const { status } = spawnSync('cc', ['-O1', '-o', this.path, join(__dirname, 'hold-thread.c')]);
    this.usable = status === 0;
    if (!this.usable)
      process.stderr.write('skipped in part: no C compiler to build the program that holds a thread\n');
  }

  /** @param which of the engine of that process: the only worker, or the main thread */
  async hold(lab: Lab, pid: number, which: 'worker' | 'main'): Promise<void> {
    const worker = () => {
      const found = waitingForPackets(pid);
      return found.length === 1 ? found[0] : undefined;
    };
    const thread =
      which === 'main' ? String(pid) : await waitUntil(worker, { what: 'the thread that waits for packets' });
    const program = lab.spawn('gateway', [this.path, thread]);
    this.holding.push(program);
    await program.waitFor(/held/);
  }

  async release(): Promise<void> {
    for (const program of this.holding.splice(0)) {
      program.endInput();
      await program.exited;
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
