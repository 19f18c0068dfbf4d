import { patient } from './patience';

export interface WaitOptions {
  /** Milliseconds, on a machine of usual speed ({@link patient}); default 15 000. */
  readonly timeout?: number;
  /** What is waited for, for the message when it does not come. */
  readonly what: string;
}

const DEFAULT_TIMEOUT = 15_000;
const POLL_INTERVAL = 10;

/**
 * Waits until a condition holds, and gives what it gave: anything but undefined, null and false. A condition that
 * throws does not hold yet; its last error is told when the time is up.
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const timeout = patient(options.timeout ?? DEFAULT_TIMEOUT);
  const deadline = Date.now() + timeout;
  let failure: unknown;
  for (;;) {
    try {
      const value = await condition();
      failure = undefined;
      if (value !== undefined && value !== null && value !== false)
        return value as Exclude<T, undefined | null | false>;
    } catch (error) {
      failure = error;
    }
    if (Date.now() >= deadline) {
      const last = failure instanceof Error ? `: ${failure.message}` : '';
      throw new Error(`waited ${timeout} ms in vain for ${options.what}${last}`, { cause: failure });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));
  }
}
