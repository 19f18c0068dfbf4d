import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { DecoyRow } from '@portcullis/control';
import { type DecoyPlan, normalisePorts, type PortRange, type PortSelection } from '@portcullis/firewall';
import { listenTransparently, NfQueueError } from '@portcullis/nfqueue-binding';

/** What one decoy connection may cost. */
export interface DecoyLimits {
  /** At once; further ones are closed as soon as they are accepted. */
  readonly connections: number;
  /** Of each; then it is reset. */
  readonly bytes: number;
  /** Seconds until each is reset, however busy. */
  readonly seconds: number;
}

/** Handshakes that wait to be accepted. */
const BACKLOG = 64;

/**
 * Accepts connections to ports that no program listens on, and throws away what they send: their packets pass the
 * queue like all others, so that what is sent is inspected. Which connections those are the firewall rules decide.
 */
export class Decoys {
  private readonly servers = new Map<4 | 6, Server>();
  private readonly open = new Set<Socket>();
  private accepted = 0;
  private refused = 0;

  private constructor(private limits: DecoyLimits) {}

  /** @throws NfQueueError; nobody listens then */
  static async listen(limits: DecoyLimits): Promise<Decoys> {
    const decoys = new Decoys(limits);
    try {
      for (const family of [4, 6] as const) await decoys.add(family);
      return decoys;
    } catch (error) {
      decoys.close();
      throw error;
    }
  }

  /** Where the firewall is to lead them. */
  get listeners(): DecoyPlan['listeners'] {
    return Object.fromEntries(
      [...this.servers].map(([family, server]) => [family, (server.address() as AddressInfo).port]),
    );
  }

  get row(): Omit<DecoyRow, 'ports'> {
    return { open: this.open.size, accepted: this.accepted, refused: this.refused };
  }

  /** For connections to come. */
  setLimits(limits: DecoyLimits): void {
    this.limits = limits;
  }

  close(): void {
    for (const server of this.servers.values()) server.close();
    for (const socket of this.open) socket.resetAndDestroy();
  }

  private async add(family: 4 | 6): Promise<void> {
    let fd: number;
    try {
      fd = listenTransparently(family, BACKLOG);
    } catch (error) {
      const missing =
        error instanceof NfQueueError && ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(error.errno ?? '');
      // A host without IPv6 has no decoys there.
      if (family === 6 && missing) return;
      throw error;
    }
    const server = createServer((socket) => this.drain(socket, server));
    server.listen({ fd, backlog: BACKLOG });
    await once(server, 'listening');
    this.servers.set(family, server);
  }

  private drain(socket: Socket, server: Server): void {
    // A peer that resets is no news.
    socket.on('error', () => undefined);
    // Somebody on this host has connected to the listener itself.
    const straight = socket.localPort === (server.address() as AddressInfo | null)?.port;
    if (straight || this.open.size >= this.limits.connections) {
      if (!straight) this.refused++;
      socket.resetAndDestroy();
      return;
    }
    this.accepted++;
    this.open.add(socket);
    const { bytes, seconds } = this.limits;
    const timer = setTimeout(() => socket.resetAndDestroy(), seconds * 1000);
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (received >= bytes) socket.resetAndDestroy();
    });
    socket.on('close', () => {
      clearTimeout(timer);
      this.open.delete(socket);
    });
  }
}

/** The ports that rules name, of those that are inspected and, where there is such a list, allowed. */
export function decoyPorts(
  named: readonly PortRange[],
  inspected: PortSelection,
  allowed: 'from-rules' | readonly PortRange[],
): PortRange[] {
  const within = intersectPorts(normalisePorts(named), normalisePorts(inspected));
  // Port 0 is nobody's.
  return intersectPorts(
    within,
    allowed === 'from-rules' ? [{ first: 1, last: 65535 }] : normalisePorts(allowed),
  );
}

/** Both sorted and disjoint. */
function intersectPorts(one: readonly PortRange[], other: readonly PortRange[]): PortRange[] {
  const common: PortRange[] = [];
  for (let i = 0, k = 0; i < one.length && k < other.length; ) {
    const a = one[i] as PortRange;
    const b = other[k] as PortRange;
    const first = Math.max(a.first, b.first);
    const last = Math.min(a.last, b.last);
    if (first <= last) common.push({ first, last });
    if (a.last < b.last) i++;
    else k++;
  }
  return common;
}
