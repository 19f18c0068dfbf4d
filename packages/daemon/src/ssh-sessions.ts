/** SSH sessions to this host: what an administrator is logged in by must not be cut off. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TcpSocket, TcpState } from '@portcullis/nfqueue-binding';

const SSH_PORT = 22;
/** Names of SSH servers and of their processes for one session, as in /proc/PID/comm. */
const SERVERS = /^(sshd|dropbear|tinysshd)/;

/** Where the facts are read; tests give their own. */
export interface ProcessFacts {
  /** Inodes of the sockets that SSH servers have. */
  socketsOfServers(): ReadonlySet<number>;
  /** `SSH_CONNECTION` of the session this program was started in: client address and port, server address and port. */
  readonly ownSession: string | undefined;
}

export const liveProcesses: ProcessFacts = {
  socketsOfServers: () => socketsOf(SERVERS),
  ownSession: process.env.SSH_CONNECTION,
};

/** Established connections to an SSH server: by its port, by its program, or because this program runs in one. */
export function sshSessions(
  sockets: readonly TcpSocket[],
  processes: ProcessFacts = liveProcesses,
): TcpSocket[] {
  const inodes = processes.socketsOfServers();
  const [, clientPort, , serverPort] = (processes.ownSession ?? '').split(' ').map(Number);
  return sockets.filter(
    ({ state, localPort, remotePort, inode }) =>
      state === TcpState.ESTABLISHED &&
      (localPort === SSH_PORT ||
        inodes.has(inode) ||
        (localPort === serverPort && remotePort === clientPort && serverPort !== undefined)),
  );
}

function socketsOf(programs: RegExp, directory = '/proc'): Set<number> {
  const inodes = new Set<number>();
  for (const name of readdirSync(directory)) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (!programs.test(readFileSync(join(directory, name, 'comm'), 'utf8'))) continue;
      const folder = join(directory, name, 'fd');
      for (const fd of readdirSync(folder)) {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, fd)))?.[1];
        if (inode !== undefined) inodes.add(Number(inode));
      }
    } catch {
      // A process that has just ended, or a file that it has just closed.
    }
  }
  return inodes;
}
