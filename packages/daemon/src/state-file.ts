import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@portcullis/configuration';

/** An engine that protects, as long as it has not been stopped. */
export interface ProtectingEngine {
  /** When protection was turned on, ISO 8601. */
  since: string;
  /** The kernel's id of the time between two starts of the machine. */
  boot: string;
}

/** What the engine remembers of itself from one run to the next. */
export interface EngineState {
  /** Whether protection is on; null until somebody has said. */
  enabled: boolean | null;
  /** Counts starts and reloads, so that connection marks of an earlier one do not count. */
  generation: number;
  /** Found at the start, it tells of an engine that was killed. */
  protecting: ProtectingEngine | null;
}

const INITIAL: EngineState = { enabled: null, generation: 0, protecting: null };

/** Replaced as a whole, so that a crash leaves the old or the new state. */
export class StateFile {
  readonly path: string;

  constructor(directory: string) {
    this.path = join(directory, 'state.json');
  }

  /** A file that is missing or damaged counts as a first start; `damaged` tells. */
  read(): EngineState & { damaged: boolean } {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { ...INITIAL, damaged: false };
      throw error;
    }
    try {
      const { enabled, generation, protecting } = JSON.parse(text) as Partial<EngineState>;
      if (!Number.isSafeInteger(generation) || (generation as number) < 0) throw new Error('generation');
      if (enabled !== null && typeof enabled !== 'boolean') throw new Error('enabled');
      return {
        enabled,
        generation: generation as number,
        protecting: isProtecting(protecting) ? protecting : null,
        damaged: false,
      };
    } catch {
      return { ...INITIAL, damaged: true };
    }
  }

  write({ enabled, generation, protecting }: EngineState): void {
    replaceFile(this.path, `${JSON.stringify({ enabled, generation, protecting })}\n`);
  }
}

function isProtecting(value: unknown): value is ProtectingEngine {
  const { since, boot } = (value ?? {}) as Partial<ProtectingEngine>;
  return typeof since === 'string' && typeof boot === 'string' && !Number.isNaN(Date.parse(since));
}

/** An engine that protects from now on. */
export function protectingNow(): ProtectingEngine {
  return { since: new Date().toISOString(), boot: bootId() };
}

/**
 * What has become of an engine that was not stopped, in words; null where there is nothing to tell.
 * @param traffic what became of the traffic of its queues: `passed uninspected`
 */
export function endedEarlier(protecting: ProtectingEngine | null, traffic: string): string | null {
  if (protecting === null) return null;
  const { since, boot } = protecting;
  return boot === bootId()
    ? `the engine that protected since ${since} was killed: its traffic ${traffic} until now, bans stayed in force`
    : `the machine went down while the engine protected (since ${since}): nothing was inspected until now`;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
