import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readQueueStatistics } from './queue-statistics';

/** NETLINK_NETFILTER, linux/netlink.h */
const netfilterProtocol = 12;

/** Inode of the netfilter socket with this port, from /proc/net/netlink: `sk Eth Pid Groups … Inode`. */
function socketInode(portId: number): string | undefined {
  for (const line of readFileSync('/proc/net/netlink', 'latin1').split('\n')) {
    const fields = line.trim().split(' ').filter(Boolean);
    if (Number(fields[1]) === netfilterProtocol && Number(fields[2]) === portId) return fields.at(-1);
  }
  return undefined;
}

function hasSocket(process: string, inode: string): boolean {
  try {
    const folder = `/proc/${process}/fd`;
    return readdirSync(folder).some((fd) => {
      try {
        return readlinkSync(`${folder}/${fd}`) === `socket:[${inode}]`;
      } catch {
        return false; // closed meanwhile
      }
    });
  } catch {
    return false; // the process has ended, or is not ours to look into
  }
}

/**
 * Who has a queue, in words for an error message: the process where it can be found, else its netlink port. The kernel does
 * not tell of the files of a process that has more capabilities than this one.
 * Looks through every process, so it is for failures only.
 */
export function findHolder(queue: number): string | undefined {
  const portId = readQueueStatistics().find((line) => line.queue === queue)?.portId;
  if (portId === undefined) return undefined;
  try {
    const inode = socketInode(portId);
    const processes = inode === undefined ? [] : readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    for (const process of processes) {
      if (!hasSocket(process, inode as string)) continue;
      return `process ${process} (${readFileSync(`/proc/${process}/comm`, 'utf8').trim()})`;
    }
  } catch {
    // Without /proc/net/netlink the port has to do.
  }
  return `the program with netlink port ${portId}`;
}
