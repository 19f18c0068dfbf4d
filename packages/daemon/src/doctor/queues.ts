import { parseQueueStatistics, type QueueStatistics } from '@portcullis/nfqueue-binding';
import { rulesLeftStanding } from './chains';
import { type Circumstances, failsOpen, inspecting, queueNumbers } from './circumstances';
import { type Finding, failed, ok, unknown, warning } from './finding';
import type { Host } from './host';

/** `copy_mode` of a queue whose packets are handed over whole (linux/netfilter/nfnetlink_queue.h). */
const COPY_PACKETS = 2;
/** NETLINK_NETFILTER (linux/netlink.h). */
const NETFILTER_PROTOCOL = 12;
const NEARLY_FULL = 0.8;

function kernelQueues(host: Host): Map<number, QueueStatistics> {
  const text = host.read('/proc/net/netfilter/nfnetlink_queue') ?? '';
  return new Map(parseQueueStatistics(text).map((line) => [line.queue, line]));
}

/** One finding for each queue: bound, by whom, with which flags. */
export function checkQueues(here: Circumstances): Finding[] {
  const kernel = kernelQueues(here.host);
  return queueNumbers(here.configuration).map((queue) => checkQueue(here, queue, kernel.get(queue)));
}

function checkQueue(here: Circumstances, queue: number, line: QueueStatistics | undefined): Finding {
  const name = `queue ${queue}`;
  const { engine, configuration, host } = here;
  if (!inspecting(here)) return unattended(here, name, line);
  const passes = failsOpen(here) ? 'its traffic passes uninspected' : 'its traffic is dropped';
  if (line === undefined) {
    const permitted = host.read('/proc/net/netfilter/nfnetlink_queue') !== null;
    if (!permitted) return unknown(name, '/proc/net/netfilter/nfnetlink_queue cannot be read');
    return failed(
      name,
      `nobody is bound, ${passes}`,
      'the engine tries again every second; its log says why that fails, a restart begins anew',
    );
  }
  const status = engine.status?.queues.find((row) => row.queue === queue);
  if (status === undefined)
    return failed(
      name,
      `bound by netlink port ${line.portId}, and none of the engine's workers has it`,
      'look for another program on this queue (nfqueue.queues chooses others), then restart the engine',
    );
  if (line.copyMode !== COPY_PACKETS)
    return failed(name, `packets are not handed over (copy mode ${line.copyMode})`, 'restart the engine');
  const { nfqueue } = configuration;
  const flags = `fail-open ${yesNo(status.fail_open)}, GSO ${yesNo(status.gso)}, length ${status.max_length}`;
  if (status.fail_open !== failsOpen(here))
    return failed(
      name,
      `${flags}: the kernel has not granted fail-open ${yesNo(failsOpen(here))}`,
      'the kernel must be 3.6 or newer with CONFIG_NETFILTER_NETLINK_QUEUE; then restart the engine',
    );
  if (status.gso !== nfqueue.gso)
    return warning(
      name,
      `${flags}: GSO is configured ${yesNo(nfqueue.gso)}`,
      'without GSO every segment costs a message: a kernel of 3.10 or newer has it; then restart the engine',
    );
  if (status.max_length !== nfqueue['max-length'])
    return warning(name, `${flags}: configured is ${nfqueue['max-length']}`, 'restart the engine');
  if (line.waiting >= NEARLY_FULL * status.length)
    return warning(
      name,
      `${flags}, ${line.waiting} packets wait`,
      'the workers do not keep up: more queues (nfqueue.queues) up to the number of processors',
    );
  return ok(name, `bound, ${flags}, ${line.waiting} waiting`);
}

/** No engine has the queue, or none is to. */
function unattended(here: Circumstances, name: string, line: QueueStatistics | undefined): Finding {
  const { engine, firewall } = here;
  if (line !== undefined) {
    // An engine that does not answer may hold it.
    if (engine.code === 'SILENT') return unknown(name, `bound by netlink port ${line.portId}`);
    return failed(
      name,
      `another program has it (netlink port ${line.portId})`,
      'stop that program, or choose other queues (nfqueue.queues)',
    );
  }
  if (engine.status !== null) return unknown(name, 'protection is off, nothing is queued');
  if (firewall.problem === null && rulesLeftStanding(firewall.tables, firewall.sets)) {
    const passes = failsOpen(here) ? 'its traffic passes uninspected' : 'its traffic is dropped';
    return failed(
      name,
      `nobody is bound, and rules of a dead engine lead to it: ${passes}`,
      "start the engine, or take its rules away with 'portcullis service unregister'",
    );
  }
  return unknown(name, 'nobody is bound: no engine is running');
}

/** Packets that the kernel had to drop, or the socket could not take. */
export function checkQueueDrops(here: Circumstances): Finding {
  const name = 'queue drops';
  const kernel = kernelQueues(here.host);
  const lines = queueNumbers(here.configuration).flatMap((queue) => kernel.get(queue) ?? []);
  if (lines.length === 0) return unknown(name, 'no queue is bound');
  const socketDrops = netlinkDrops(here.host);
  const lost = lines.flatMap(({ queue, portId, dropped, userDropped }) => {
    const overruns = here.engine.status?.queues.find((row) => row.queue === queue)?.overruns ?? 0;
    const socket = Math.max(userDropped, socketDrops.get(portId) ?? 0, overruns);
    if (dropped === 0 && socket === 0) return [];
    return [`queue ${queue}: ${dropped} at its full length, ${socket} at the full socket buffer`];
  });
  if (lost.length === 0) return ok(name, 'the kernel has dropped none');
  return warning(
    name,
    `since the queue was bound, ${lost.join('; ')}`,
    'raise nfqueue.max-length and nfqueue.receive-buffer, or use more queues (nfqueue.queues)',
  );
}

/** Drops of netfilter's netlink sockets by port: `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode`. */
function netlinkDrops(host: Host): Map<number, number> {
  const drops = new Map<number, number>();
  for (const line of (host.read('/proc/net/netlink') ?? '').split('\n')) {
    const fields = line.trim().split(/ +/);
    if (Number(fields[1]) === NETFILTER_PROTOCOL) drops.set(Number(fields[2]), Number(fields[8]));
  }
  return drops;
}

/** Every queue has a worker. */
export function checkWorkers(here: Circumstances): Finding {
  const name = 'workers';
  const { status } = here.engine;
  if (status === null) return unknown(name, 'no engine answers');
  if (status.state === 'disabled') return unknown(name, 'protection is off, there are none');
  const watched = here.configuration.pcap.map((each) => each.interface);
  if (watched.length > 0) return ok(name, `watching ${watched.join(', ')}`);
  const wanted = queueNumbers(here.configuration);
  const attended = new Set(status.queues.map(({ queue }) => queue));
  const missing = wanted.filter((queue) => !attended.has(queue));
  if (missing.length === 0) return ok(name, `${wanted.length} of ${wanted.length} at work`);
  return failed(
    name,
    `no worker on queue ${missing.join(', ')}`,
    'the engine makes another within a second; where it does not, its log says why',
  );
}

function yesNo(value: boolean): string {
  return value ? 'on' : 'off';
}
