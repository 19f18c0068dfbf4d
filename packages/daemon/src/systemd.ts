import { execFile } from 'node:child_process';

/** Messages arrive in the order they are said: each has a process of its own to speak for us. */
let spoken: Promise<void> = Promise.resolve();

/** Says something to the service manager, where one waits for it (sd_notify(3)); without one nothing happens. */
function notify(...words: string[]): void {
  if (!process.env.NOTIFY_SOCKET) return;
  spoken = spoken.then(
    () =>
      new Promise((resolve) => {
        // A service manager that cannot be told will say so itself when its time-out is over.
        execFile('systemd-notify', [`--pid=${process.pid}`, ...words], { timeout: 10_000 }, () => resolve());
      }),
  );
}

export function notifyReady(): void {
  notify('--ready');
}

/** Has to be followed by {@link notifyReady}, whether the reload worked or not. */
export function notifyReloading(): void {
  notify('RELOADING=1');
}

export function notifyStopping(): void {
  notify('STOPPING=1');
}

/**
 * Tells the service manager again and again that the main loop turns (sd_watchdog_enabled(3)); one that does not want to
 * hear it is told nothing. Three times as often as it wants to: a machine so busy that one is late or lost (each is a
 * process) is no engine that hangs.
 * @returns ends it
 */
export function startWatchdog(): () => void {
  const { WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  const milliseconds = Number(WATCHDOG_USEC) / 1000 / 3;
  const forUs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
  if (!(milliseconds >= 1) || !forUs) return () => {};
  const timer = setInterval(() => notify('WATCHDOG=1'), Math.min(milliseconds, 0x7fffffff));
  return () => clearInterval(timer);
}
