/** An engine under attack as seen from outside: what it holds, what it has counted, whether it does its work. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askEngine, type StatusAnswer } from '@portcullis/control';
import type { Lab } from '@portcullis/testkit';
import { processorSeconds } from '../bench/processor-time';
import { ATTACK_PATH, type LabEngine } from '../lab/engine';
import { PORT } from './conversations';

const SAMPLE_MILLISECONDS = 250;
/** An ordinary request, and one that has to be stopped, are waited for so long. */
const ANSWER_MILLISECONDS = 2000;
const SILENCE_MILLISECONDS = 300;

/** The most that was seen while it was watched. */
export interface Peaks {
  flows: number;
  heldBytes: number;
  parserBytes: number;
  /** Bytes of memory of the whole process. */
  resident: number;
}

export class ObservedEngine {
  constructor(
    readonly engine: LabEngine,
    private readonly lab: Lab,
  ) {}

  async status(): Promise<StatusAnswer> {
    return (await askEngine(join(this.engine.directory, 'c.sock'), 'status')) as StatusAnswer;
  }

  /** What it has said so far. */
  get log(): string {
    const { stdout, stderr } = this.engine.process;
    return stderr + stdout;
  }

  /** Processor seconds so far. */
  get processor(): number {
    return processorSeconds(this.engine.process.pid as number);
  }

  get resident(): number {
    const status = readFileSync(`/proc/${this.engine.process.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** Looks at the engine until `until` has settled. */
  async watch(until: Promise<unknown>): Promise<Peaks> {
    const peaks: Peaks = { flows: 0, heldBytes: 0, parserBytes: 0, resident: 0 };
    let over = false;
    void until.finally(() => {
      over = true;
    });
    for (;;) {
      const last = over;
      const { flows, held_bytes: held, app_layer_bytes: parsers } = await this.status();
      peaks.flows = Math.max(peaks.flows, flows);
      peaks.heldBytes = Math.max(peaks.heldBytes, held);
      peaks.parserBytes = Math.max(peaks.parserBytes, parsers);
      peaks.resident = Math.max(peaks.resident, this.resident);
      if (last) return peaks;
      await Promise.race([until, new Promise((resolve) => setTimeout(resolve, SAMPLE_MILLISECONDS))]);
    }
  }

  /** An ordinary request is answered, and one that a rule stops is not. */
  async works(): Promise<boolean> {
    const ordinary = await this.lab.httpGet('attacker', '/ordinary', {
      port: PORT,
      timeout: ANSWER_MILLISECONDS,
    });
    if (!ordinary.complete) return false;
    const stopped = await this.lab.httpGet('attacker', ATTACK_PATH, {
      port: PORT,
      timeout: SILENCE_MILLISECONDS,
    });
    return stopped.connected && !stopped.complete;
  }

  /** Ordinary requests, one after the other, until `until` has settled. @returns how many were answered, of how many */
  async requests(until: Promise<unknown>): Promise<{ answered: number; made: number }> {
    const count = { answered: 0, made: 0 };
    let over = false;
    void until.finally(() => {
      over = true;
    });
    while (!over) {
      const { complete } = await this.lab.httpGet('attacker', '/ordinary', {
        port: PORT,
        timeout: ANSWER_MILLISECONDS,
      });
      count.made++;
      count.answered += Number(complete);
    }
    return count;
  }
}
