import { ControlError } from '@portcullis/control';
import type { Logger } from './logger';
import { StandingTrouble } from './standing-trouble';
import { type EngineState, StateFile } from './state-file';

/** What the state file says, or would say if it could be written. */
export class RememberedState {
  private readonly file: StateFile;
  private readonly unwritten: StandingTrouble;
  private state: EngineState = { enabled: null, generation: 0, protecting: null };

  constructor(
    directory: string,
    private readonly log: Logger,
  ) {
    this.file = new StateFile(directory);
    this.unwritten = new StandingTrouble(log);
  }

  get generation(): number {
    return this.state.generation;
  }

  /** @returns what an earlier run left; this one goes on from there, but does not protect yet */
  read(): EngineState & { damaged: boolean } {
    const found = this.file.read();
    if (found.damaged)
      this.log.warn(
        `${this.file.path} is damaged: whether protection was on is not known, so it is; 'portcullis disable' turns it off`,
      );
    const { enabled, generation } = found;
    this.state = { enabled, generation, protecting: null };
    return found;
  }

  /** A disk that is full or read-only stops nothing; it is tried again. @returns why it could not be written */
  remember(change: Partial<EngineState>): Error | null {
    this.state = { ...this.state, ...change };
    try {
      this.file.write(this.state);
      this.unwritten.ends(`${this.file.path} is written again`);
      return null;
    } catch (error) {
      this.unwritten.begins(
        `${this.file.path} cannot be written, a restart finds what it said before: ${(error as Error).message}`,
      );
      return error as Error;
    }
  }

  /** What somebody has asked for has to last. @throws ControlError STATE_NOT_KEPT */
  rememberOrTell(change: Partial<EngineState>, done: string): void {
    const error = this.remember(change);
    if (error === null) return;
    throw new ControlError('STATE_NOT_KEPT', `${done}, but a restart may not find it so: ${error.message}`);
  }

  /** Writes again what could not be written. */
  tryAgain(): void {
    if (this.unwritten.standing) this.remember({});
  }

  nextGeneration(): number {
    const generation = this.generation + 1;
    this.remember({ generation });
    return generation;
  }
}
