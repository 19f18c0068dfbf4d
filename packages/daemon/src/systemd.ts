import { execFile } from 'node:child_process';

/** Says something to the service manager, where one waits for it (sd_notify(3)); without one nothing happens. */
function notify(...words: string[]): void {
  if (!process.env.NOTIFY_SOCKET) return;
  execFile('systemd-notify', [`--pid=${process.pid}`, ...words], () => {
    // A service manager that cannot be told will say so itself when its time-out is over.
  });
}

export function notifyReady(): void {
  notify('--ready');
}

export function notifyStopping(): void {
  notify('STOPPING=1');
}
