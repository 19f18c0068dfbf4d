import { readFileSync } from 'node:fs';

/** One line of /proc/net/netfilter/nfnetlink_queue (net/netfilter/nfnetlink_queue.c, seq_show). */
export interface QueueStatistics {
  queue: number;
  /** Netlink port of the socket that has the queue. */
  portId: number;
  /** Packets that wait for a verdict. */
  waiting: number;
  /** 0 nothing, 1 metadata, 2 packets. */
  copyMode: number;
  /** Bytes. */
  copyRange: number;
  /** Packets dropped because the queue was at its length; stays 0 when failing open. */
  dropped: number;
  /** Packets dropped because the socket's buffer was full; stays 0 when failing open. */
  userDropped: number;
  /** Number of the last packet. */
  idSequence: number;
}

/** Reads text of the form of /proc/net/netfilter/nfnetlink_queue. Lines of another form are left out. */
export function parseQueueStatistics(text: string): QueueStatistics[] {
  const queues: QueueStatistics[] = [];
  for (const line of text.split('\n')) {
    const fields = line.trim().split(' ').filter(Boolean).map(Number);
    if (fields.length < 8 || !fields.every(Number.isSafeInteger)) continue;
    const [queue, portId, waiting, copyMode, copyRange, dropped, userDropped, idSequence] = fields;
    queues.push({ queue, portId, waiting, copyMode, copyRange, dropped, userDropped, idSequence });
  }
  return queues;
}

/**
 * The queues that are bound in this network namespace, as the kernel counts them. Empty where the kernel has no
 * queues or the file may not be read.
 */
export function readQueueStatistics(file = '/proc/net/netfilter/nfnetlink_queue'): QueueStatistics[] {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    return [];
  }
  return parseQueueStatistics(text);
}
