/** SSH sessions to this host: what an administrator is logged in by must not be cut off. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TcpSocket, TcpState } from '@portcullis/nfqueue-binding';

const SSH_PORT = 22;
/** Where OpenSSH is told its ports (sshd_config(5)). */
const SERVER_SETTINGS = '/etc/ssh';
const SAID_PORT = /^\s*(?:Port[\s=]+|ListenAddress[\s=]+(?:\[[^\]]+\]|[^\s:[]+):)(\d{1,5})\b/i;
/** Names of SSH servers and of their processes for one session, as in /proc/PID/comm. */
const SERVERS = /^(sshd|dropbear|tinysshd)/;
const MOST_ANCESTORS = 64;

/** Where the facts are read; tests give their own. */
export interface ProcessFacts {
  /** Inodes of the sockets that SSH servers have, and the programs that this one was started by. */
  sessionSockets(): ReadonlySet<number>;
  /** Ports that the settings of an SSH server name: its sockets are told only to who has all rights that it has. */
  configuredPorts(): ReadonlySet<number>;
  /** `SSH_CONNECTION` of the session this program was started in: client address and port, server address and port. */
  readonly ownSession: string | undefined;
}

export const liveProcesses: ProcessFacts = {
  sessionSockets: () => socketsOf([...serverProcesses(), ...ancestors()]),
  configuredPorts: () => portsInSettings(SERVER_SETTINGS),
  ownSession: process.env.SSH_CONNECTION,
};

/** Established connections to an SSH server: by one of its ports, by its program, or because this program was started from one. */
export function sshSessions(
  sockets: readonly TcpSocket[],
  processes: ProcessFacts = liveProcesses,
): TcpSocket[] {
  const inodes = processes.sessionSockets();
  const ports = new Set([SSH_PORT, ...processes.configuredPorts()]);
  const [, clientPort, , serverPort] = (processes.ownSession ?? '').split(' ').map(Number);
  return sockets.filter(
    ({ state, localPort, remotePort, inode }) =>
      state === TcpState.ESTABLISHED &&
      (ports.has(localPort) ||
        inodes.has(inode) ||
        (localPort === serverPort && remotePort === clientPort && serverPort !== undefined)),
  );
}

/** Ports that an SSH server of this host has, as far as its settings tell. */
export function sshPorts(): Set<number> {
  return portsInSettings(SERVER_SETTINGS).add(SSH_PORT);
}

/** `Port` and `ListenAddress` of sshd_config and of sshd_config.d/*.conf. */
export function portsInSettings(folder: string): Set<number> {
  const ports = new Set<number>();
  for (const file of [join(folder, 'sshd_config'), ...configurationParts(join(folder, 'sshd_config.d'))]) {
    for (const line of textOf(file).split('\n')) {
      const [, said] = SAID_PORT.exec(line) ?? [];
      if (said !== undefined) ports.add(Number(said));
    }
  }
  return ports;
}

function configurationParts(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.conf'))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // No OpenSSH here, or not for us to read.
    return '';
  }
}

function serverProcesses(): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return SERVERS.test(readFileSync(join('/proc', name, 'comm'), 'utf8'));
    } catch {
      // A process that has just ended.
      return false;
    }
  });
}

/** Whoever let an administrator in from afar, by SSH or by something else, is among them; the first process is not. */
function ancestors(): string[] {
  const found: string[] = [];
  let process = String(globalThis.process.ppid);
  while (process !== '0' && process !== '1' && found.length < MOST_ANCESTORS) {
    found.push(process);
    try {
      // proc_pid_stat(5): the name in brackets may hold anything, the parent is the second field behind it.
      const fields = readFileSync(join('/proc', process, 'stat'), 'utf8');
      process = fields.slice(fields.lastIndexOf(')') + 2).split(' ')[1] ?? '0';
    } catch {
      break;
    }
  }
  return found;
}

function socketsOf(processes: readonly string[]): Set<number> {
  const inodes = new Set<number>();
  for (const process of processes) {
    try {
      const folder = join('/proc', process, 'fd');
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
