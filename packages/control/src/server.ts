import { chmodSync, existsSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { ControlError, type ControlReply, type ControlRequest, LineReader } from './protocol';

export type ControlHandler = (args: Record<string, unknown>) => unknown;

const MOST_CONNECTIONS = 32;
/** Requests of one connection that have no answer yet; a client that sends more is cut off. */
const MOST_WAITING = 128;
/** sun_path in unix(7) holds 108 bytes with its final zero. */
const LONGEST_PATH = 107;

/** Answers commands on the control socket. */
export class ControlServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly path: string,
    private readonly handlers: Readonly<Record<string, ControlHandler>>,
  ) {
    this.server = createServer((socket) => this.accept(socket));
    this.server.maxConnections = MOST_CONNECTIONS;
  }

  /** @throws ControlError ENGINE_RUNNING when another engine answers on the socket */
  async listen(): Promise<void> {
    if (Buffer.byteLength(this.path) > LONGEST_PATH)
      throw new ControlError(
        'SOCKET_PATH',
        `control.socket: '${this.path}' is longer than ${LONGEST_PATH} bytes`,
      );
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o755 });
    if (existsSync(this.path)) await this.removeStale();
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.server.once('error', reject);
        this.server.listen(this.path, () => resolve());
      });
    } finally {
      process.umask(mask);
    }
    chmodSync(this.path, 0o600);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.end();
    const force = setTimeout(() => {
      for (const socket of this.sockets) socket.destroy();
    }, 500);
    await closed;
    clearTimeout(force);
  }

  private async removeStale(): Promise<void> {
    if (!lstatSync(this.path).isSocket())
      throw new ControlError('SOCKET_PATH', `control.socket: '${this.path}' is there and is not a socket`);
    const answered = await new Promise<boolean>((resolve) => {
      const probe = connect(this.path);
      probe.once('connect', () => {
        probe.destroy();
        resolve(true);
      });
      probe.once('error', () => resolve(false));
    });
    if (answered)
      throw new ControlError('ENGINE_RUNNING', `another engine is running (it answers on ${this.path})`);
    unlinkSync(this.path);
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
    let previous: Promise<void> = Promise.resolve();
    let waiting = 0;
    const reader = new LineReader((line) => {
      if (++waiting > MOST_WAITING) return;
      previous = previous.then(async () => {
        if (socket.destroyed) return;
        const reply = await this.answer(line);
        // The next answer is made when this one is on its way: to who does not read, no more than one is held.
        await new Promise<void>((resolve) => {
          socket.write(`${JSON.stringify(reply)}\n`, () => resolve());
        });
        waiting--;
      });
    });
    socket.on('data', (chunk: string) => {
      if (!reader.push(chunk) || waiting > MOST_WAITING) socket.destroy();
    });
  }

  private async answer(line: string): Promise<ControlReply> {
    try {
      const request = JSON.parse(line) as ControlRequest;
      const command = typeof request?.command === 'string' ? request.command : '';
      const handler = Object.hasOwn(this.handlers, command) ? this.handlers[command] : undefined;
      if (!handler)
        return { ok: false, code: 'UNKNOWN_COMMAND', message: `the engine knows no command '${command}'` };
      const args =
        typeof request.arguments === 'object' && request.arguments !== null ? request.arguments : {};
      return { ok: true, data: (await handler(args)) ?? null };
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      return {
        ok: false,
        code: typeof code === 'string' ? code : 'FAILED',
        message: (error as Error).message,
      };
    }
  }
}
