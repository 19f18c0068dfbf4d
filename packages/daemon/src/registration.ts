import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@portcullis/configuration';
import { ControlError, type Mode } from '@portcullis/control';

export interface Registered {
  readonly mode: Mode;
  /** ISO 8601. */
  readonly registered: string;
}

/**
 * The processing mode, chosen when the service is registered and fixed from then on. The file carries a digest of what
 * it says, so that a mode that was edited by hand is noticed instead of believed.
 */
export class Registration {
  private readonly path: string;

  constructor(directory: string) {
    this.path = join(directory, 'registration.json');
  }

  /**
   * @returns null where the service is not registered
   * @throws ControlError REGISTRATION_DAMAGED
   */
  read(): Registered | null {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    try {
      const { mode, registered, digest } = JSON.parse(text) as Record<string, unknown>;
      if ((mode === 'standard' || mode === 'monitoring') && typeof registered === 'string') {
        if (digest === digestOf({ mode, registered })) return { mode, registered };
      }
    } catch {
      // Told below, as everything else that is wrong with it.
    }
    throw new ControlError(
      'REGISTRATION_DAMAGED',
      `${this.path} was changed by hand or is damaged: the mode is chosen with 'portcullis service register --mode …'; ` +
        "run 'portcullis service unregister' first",
    );
  }

  /** The mode that counts: an engine that nobody has registered is a standard one. */
  get mode(): Mode {
    return this.read()?.mode ?? 'standard';
  }

  /** @throws ControlError ALREADY_REGISTERED */
  register(mode: Mode, now: Date): Registered {
    const before = this.read();
    if (before !== null)
      throw new ControlError(
        'ALREADY_REGISTERED',
        `the service is registered in ${before.mode} mode since ${before.registered}; the mode cannot be changed: ` +
          "run 'portcullis service unregister', then register anew",
      );
    const made = { mode, registered: now.toISOString() };
    replaceFile(this.path, `${JSON.stringify({ ...made, digest: digestOf(made) })}\n`);
    return made;
  }

  /** Also takes a damaged file away. */
  remove(): void {
    rmSync(this.path, { force: true });
  }
}

function digestOf({ mode, registered }: Registered): string {
  return createHash('sha256').update(`portcullis registration\n${mode}\n${registered}\n`).digest('hex');
}
