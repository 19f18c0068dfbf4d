import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

const FIRST_POLL_MILLISECONDS = 2;
const LONGEST_POLL_MILLISECONDS = 500;
/** Looking takes at most one part in so many of the time: a host with very many connections has a long table. */
const SHARE = 20;

const hexPort = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');

/**
 * Bytes written to a TCP connection that the other end has not acknowledged, from the kernel's table (proc(5),
 * /proc/net/tcp: tx_queue). 0 where that cannot be known.
 */
export async function unacknowledgedBytes(socket: Socket): Promise<number> {
  const { localPort, remotePort, remoteFamily } = socket;
  if (localPort === undefined || remotePort === undefined) return 0;
  const path = `/proc/self/net/${remoteFamily === 'IPv6' ? 'tcp6' : 'tcp'}`;
  const table = await readFile(path).catch(() => null);
  if (!table) return 0;
  const ends = `:${hexPort(localPort)} `;
  const line = new RegExp(
    `^ *\\d+: [0-9A-F]{8,32}:${hexPort(localPort)} [0-9A-F]{8,32}:${hexPort(remotePort)} [0-9A-F]{2} ([0-9A-F]{8}):`,
  );
  let most = 0;
  for (let at = table.indexOf(ends); at >= 0; at = table.indexOf(ends, at + 1)) {
    const start = table.lastIndexOf(0x0a, at) + 1;
    const match = line.exec(table.toString('latin1', start, Math.min(table.length, start + 160)));
    if (match) most = Math.max(most, Number.parseInt(match[1] as string, 16));
  }
  return most;
}

/** Resolves when the other end has acknowledged everything written, or the socket is gone. */
export async function acknowledgedByPeer(socket: Socket): Promise<void> {
  let delay = FIRST_POLL_MILLISECONDS;
  while (!socket.destroyed) {
    const before = performance.now();
    if ((await unacknowledgedBytes(socket)) === 0) return;
    const took = performance.now() - before;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, Math.max(delay, took * SHARE)).unref();
    });
    delay = Math.min(LONGEST_POLL_MILLISECONDS, delay * 2);
  }
}
