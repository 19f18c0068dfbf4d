/**
 * Tells when all that was sent before has been dealt with, however slow the machine is: packets of two addresses stay in order
 * on their way, so that a connection that begins afterwards and arrives has pushed everything before it.
 */
import { type LabServer, SeededRandom } from '@portcullis/testkit';
import type { Plan } from './plan';
import { FENCE_PORTS, FIRST_FENCE_PORT } from './ports';
import type { RawPeers } from './raw-peer';

/** Milliseconds for a handshake and for what follows: for each connection twice those of the one before. */
const FIRST_PATIENCE = 3000;
const MOST_TRIES = 6;
/** A request, for servers that want one. */
const GREETING = Buffer.from('GET /fence HTTP/1.1\r\nHost: fence\r\n\r\n');

/** Whoever asks while a connection is on its way shares the next one. */
class Lane {
  private running: Promise<void> | null = null;
  private next: Promise<void> | null = null;

  constructor(private readonly cross: () => Promise<void>) {}

  passed(): Promise<void> {
    if (this.running === null) return this.start();
    this.next ??= this.running.then(() => {
      this.next = null;
      return this.start();
    });
    return this.next;
  }

  private start(): Promise<void> {
    this.running = this.cross().finally(() => {
      this.running = null;
    });
    return this.running;
  }
}

export class Fence {
  private readonly lanes = new Map<string, Lane>();
  private readonly random = new SeededRandom();
  private turn = 0;

  constructor(
    private readonly peers: RawPeers,
    private readonly server: LabServer,
  ) {}

  /**
   * Resolves once what was sent from a port's address before this call has reached the application, or will never.
   * @throws where nothing gets through any more
   */
  passed(port: number): Promise<void> {
    const source = this.peers.sourceOf(port);
    let lane = this.lanes.get(source);
    if (lane === undefined) {
      lane = new Lane(() => this.cross(source));
      this.lanes.set(source, lane);
    }
    return lane.passed();
  }

  private async cross(source: string): Promise<void> {
    const remoteAddress = source;
    const length = GREETING.length;
    for (let tries = 0, patience = FIRST_PATIENCE; tries < MOST_TRIES; tries++, patience *= 2) {
      const remotePort = this.portOf(source);
      const plan: Plan = {
        initial: this.random.next(),
        timestamps: false,
        synData: new Uint8Array(0),
        steps: [{ at: 0, bytes: GREETING }],
        stream: GREETING,
      };
      if (!(await this.peers.play(remotePort, plan, this.random, 'active', patience))) continue;
      const taken = await this.server.take({ remoteAddress, remotePort, length, timeout: patience });
      if ((taken?.bytes.length ?? 0) >= length) return;
    }
    throw new Error(`no connection from ${source} gets through`);
  }

  private portOf(source: string): number {
    for (;;) {
      const port = FIRST_FENCE_PORT + (this.turn++ % FENCE_PORTS);
      if (this.peers.sourceOf(port) === source) return port;
    }
  }
}
