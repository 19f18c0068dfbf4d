import { loadAddon } from './addon';
import { errnoName, NfQueueError } from './errors';

/** A TCP socket of this network namespace, as sock_diag(7) tells it. */
export interface TcpSocket {
  /** 4 also for an IPv4 connection of an IPv6 socket. */
  readonly version: 4 | 6;
  readonly state: TcpStateValue;
  /** Text; IPv6 with all eight groups. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** As in `/proc/PID/fd`; 0 where no program has the socket. */
  readonly inode: number;
}

/** States of netinet/tcp.h. */
export const TcpState = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
} as const;
export type TcpStateValue = (typeof TcpState)[keyof typeof TcpState];

const EVERY_STATE = Object.values(TcpState).reduce((mask, state) => mask | (1 << state), 0);
const AF_INET = 2;
const MAPPED = '0:0:0:0:0:ffff:';

/** struct socket_row of socket_diag.h. */
const Row = {
  FAMILY: 0,
  STATE: 1,
  LOCAL_PORT: 2,
  REMOTE_PORT: 4,
  LOCAL: 8,
  REMOTE: 24,
  INODE: 44,
  LENGTH: 64,
};

/** The TCP sockets of this network namespace at one moment. */
export class TcpSockets {
  readonly all: readonly TcpSocket[];
  private readonly places = new Map<TcpSocket, number>();

  private constructor(private readonly rows: Uint8Array) {
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    const all: TcpSocket[] = [];
    for (let at = 0; at + Row.LENGTH <= rows.length; at += Row.LENGTH) {
      const socket = readRow(view, at);
      all.push(socket);
      this.places.set(socket, at);
    }
    this.all = all;
  }

  /** @throws NfQueueError NFQUEUE_PERMISSION, NFQUEUE_UNSUPPORTED, NFQUEUE_SYSTEM, NATIVE_NOT_BUILT */
  static list(): TcpSockets {
    const rows = loadAddon().listTcpSockets(EVERY_STATE);
    if (typeof rows === 'number') throw failure('sockets cannot be listed', rows);
    return new TcpSockets(new Uint8Array(rows));
  }

  /**
   * Ends connections: the peer gets a reset, the program ECONNABORTED. Those that are gone already are passed over.
   * @returns how many there were
   * @throws NfQueueError NFQUEUE_PERMISSION, NFQUEUE_UNSUPPORTED (a kernel without INET_DIAG_DESTROY), NFQUEUE_SYSTEM
   */
  destroy(sockets: readonly TcpSocket[]): number {
    if (sockets.length === 0) return 0;
    const chosen = new Uint8Array(sockets.length * Row.LENGTH);
    sockets.forEach((socket, place) => {
      const at = this.places.get(socket);
      if (at === undefined) throw new TypeError('the socket is not of this list');
      chosen.set(this.rows.subarray(at, at + Row.LENGTH), place * Row.LENGTH);
    });
    const destroyed = loadAddon().destroyTcpSockets(chosen);
    if (destroyed < 0) throw failure('sockets cannot be destroyed', -destroyed);
    return destroyed;
  }
}

function readRow(view: DataView, at: number): TcpSocket {
  // The C side writes words as the machine has them.
  const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  const wide = view.getUint8(at + Row.FAMILY) !== AF_INET;
  const local = addressText(view, at + Row.LOCAL, wide);
  const remote = addressText(view, at + Row.REMOTE, wide);
  return {
    version: local.includes(':') ? 6 : 4,
    state: view.getUint8(at + Row.STATE) as TcpStateValue,
    localAddress: local,
    localPort: view.getUint16(at + Row.LOCAL_PORT, littleEndian),
    remoteAddress: remote,
    remotePort: view.getUint16(at + Row.REMOTE_PORT, littleEndian),
    inode: view.getUint32(at + Row.INODE, littleEndian),
  };
}

function addressText(view: DataView, at: number, wide: boolean): string {
  if (!wide) return [0, 1, 2, 3].map((byte) => view.getUint8(at + byte)).join('.');
  const groups: string[] = [];
  for (let group = 0; group < 16; group += 2) groups.push(view.getUint16(at + group).toString(16));
  const text = groups.join(':');
  return text.startsWith(MAPPED) ? addressText(view, at + 12, false) : text;
}

/**
 * A listening TCP socket on a free port of the loopback address, to which TPROXY rules may lead connections made to
 * other ports (IP_TRANSPARENT of ip(7)).
 * @returns its file descriptor, for `net.Server.listen({ fd })`
 * @throws NfQueueError NFQUEUE_PERMISSION, NFQUEUE_SYSTEM, NATIVE_NOT_BUILT
 */
export function listenTransparently(family: 4 | 6, backlog: number): number {
  const fd = loadAddon().listenTransparently(family === 6, backlog);
  if (fd < 0) throw failure('a transparent socket cannot be opened', -fd);
  return fd;
}

function failure(what: string, errno: number): NfQueueError {
  const name = errnoName(errno);
  if (name === 'EPERM' || name === 'EACCES')
    return new NfQueueError('NFQUEUE_PERMISSION', `${what}: that needs CAP_NET_ADMIN`, name);
  if (name === 'EOPNOTSUPP' || name === 'EPROTONOSUPPORT')
    return new NfQueueError(
      'NFQUEUE_UNSUPPORTED',
      `${what}: this kernel has no INET_DIAG or INET_DIAG_DESTROY`,
      name,
    );
  return new NfQueueError('NFQUEUE_SYSTEM', `${what}: ${name}`, name);
}
