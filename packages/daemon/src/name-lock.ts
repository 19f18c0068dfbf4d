import { createServer, type Server } from 'node:net';

/**
 * A name that one process at a time can have. It is one of the abstract socket space (unix(7)), which belongs to the
 * network namespace and is given back by the kernel when the process ends, however it ends.
 */
export class NameLock {
  private server: Server | null = null;

  constructor(private readonly name: string) {}

  /** @returns false where another process has the name */
  async acquire(): Promise<boolean> {
    const server = createServer((socket) => socket.destroy());
    const taken = await new Promise<boolean>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' ? resolve(true) : reject(error),
      );
      server.listen(`\0${this.name}`, () => resolve(false));
    });
    if (taken) return false;
    server.unref();
    this.server = server;
    return true;
  }

  async release(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
