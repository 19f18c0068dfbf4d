import type { Logger } from './logger';

/** Something that fails until it works again: told when it begins and when it is over, however often it is tried. */
export class StandingTrouble {
  private began = false;

  constructor(private readonly log: Pick<Logger, 'error' | 'info'>) {}

  get standing(): boolean {
    return this.began;
  }

  begins(message: string): void {
    if (this.began) return;
    this.began = true;
    this.log.error(message);
  }

  ends(message: string): void {
    if (!this.began) return;
    this.began = false;
    this.log.info(message);
  }
}
