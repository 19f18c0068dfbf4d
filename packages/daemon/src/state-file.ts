import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@portcullis/configuration';

/** What the engine remembers of itself from one run to the next. */
export interface EngineState {
  /** Whether protection is on; null until somebody has said. */
  enabled: boolean | null;
  /** Counts starts and reloads, so that connection marks of an earlier one do not count. */
  generation: number;
}

const INITIAL: EngineState = { enabled: null, generation: 0 };

/** Replaced as a whole, so that a crash leaves the old or the new state. */
export class StateFile {
  private readonly path: string;

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
      const value = JSON.parse(text) as Partial<EngineState>;
      if (!Number.isSafeInteger(value.generation) || (value.generation as number) < 0)
        throw new Error('generation');
      if (value.enabled !== null && typeof value.enabled !== 'boolean') throw new Error('enabled');
      return { enabled: value.enabled, generation: value.generation as number, damaged: false };
    } catch {
      return { ...INITIAL, damaged: true };
    }
  }

  write(state: EngineState): void {
    const { enabled, generation } = state;
    replaceFile(this.path, `${JSON.stringify({ enabled, generation })}\n`);
  }
}
