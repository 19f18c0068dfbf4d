import { ControlError } from '@portcullis/control';
import { NameLock } from './name-lock';

/** One engine per network namespace: two would take each other's firewall rules away. */
export class EngineLock {
  private readonly lock = new NameLock('portcullis-engine');

  /** @throws ControlError ENGINE_RUNNING */
  async acquire(): Promise<void> {
    if (await this.lock.acquire()) return;
    throw new ControlError(
      'ENGINE_RUNNING',
      'another engine is running on this host (or in this network namespace)',
    );
  }

  release(): Promise<void> {
    return this.lock.release();
  }
}
