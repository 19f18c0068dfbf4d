import { createServer, type Server } from 'node:net';
import { ControlError } from './control/protocol';

/**
 * One engine per network namespace: two would take each other's firewall rules away. The lock is a name in the
 * abstract socket space (unix(7)), which belongs to the network namespace and is given back by the kernel when the
 * process ends, however it ends.
 */
const NAME = '\0portcullis-engine';

export class EngineLock {
  private server: Server | null = null;

  /** @throws ControlError ENGINE_RUNNING */
  async acquire(): Promise<void> {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const taken = error.code === 'EADDRINUSE';
        reject(
          taken
            ? new ControlError(
                'ENGINE_RUNNING',
                'another engine is running on this host (or in this network namespace)',
              )
            : error,
        );
      });
      server.listen(NAME, () => resolve());
    });
    server.unref();
    this.server = server;
  }

  async release(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
