import type { Circumstances } from './circumstances';
import { type Finding, failed, ok, unknown, warning } from './finding';
import type { Host } from './host';

const NEARLY_FULL = 0.8;
const FULL = 0.98;

function number(host: Host, path: string): number | null {
  const text = host.read(path)?.trim();
  return text === undefined || !/^-?\d+$/.test(text) ? null : Number(text);
}

/** A full table drops packets of new connections before anything of ours sees them. */
export function checkConntrackTable(host: Host): Finding {
  const name = 'conntrack table';
  const count = number(host, '/proc/sys/net/netfilter/nf_conntrack_count');
  const most = number(host, '/proc/sys/net/netfilter/nf_conntrack_max');
  if (count === null || most === null) return unknown(name, 'connection tracking is not loaded yet');
  const seen = most === 0 ? `${count} connections` : `${count} of ${most} connections`;
  const mend = `sysctl -w net.netfilter.nf_conntrack_max=${most * 2} (and for good in /etc/sysctl.d)`;
  if (most > 0 && count >= FULL * most) return failed(name, `${seen}: new ones are dropped`, mend);
  if (most > 0 && count >= NEARLY_FULL * most) return warning(name, seen, mend);
  return ok(name, seen);
}

/** Connections that were there before the engine are taken up in their middle only with this. */
export function checkTcpLoose(host: Host): Finding {
  const name = 'nf_conntrack_tcp_loose';
  const loose = number(host, '/proc/sys/net/netfilter/nf_conntrack_tcp_loose');
  if (loose === null) return unknown(name, 'connection tracking is not loaded yet');
  if (loose > 0) return ok(name, `${loose}: connections that exist already are taken up`);
  return warning(
    name,
    '0: connections that are older than connection tracking count as invalid, and exclusions do not hold for them',
    'sysctl -w net.netfilter.nf_conntrack_tcp_loose=1',
  );
}

/** Strict reverse path filtering drops what comes back another way, which then looks like a connection cut short. */
export function checkReversePath(host: Host): Finding {
  const name = 'rp_filter';
  const folder = '/proc/sys/net/ipv4/conf';
  const value = (entry: string): number => number(host, `${folder}/${entry}/rp_filter`) ?? 0;
  const interfaces = host.list(folder).filter((entry) => !['all', 'default', 'lo'].includes(entry));
  if (interfaces.length === 0) return unknown(name, `${folder} names no interface`);
  // ip-sysctl: the larger of the two counts.
  const strict = interfaces.filter((entry) => Math.max(value('all'), value(entry)) === 1);
  if (strict.length === 0) return ok(name, 'not strict on any interface');
  return ok(
    name,
    `strict on ${strict.join(', ')}: replies that come in another way are dropped unseen (asymmetric routes need 2)`,
  );
}

/** The queues get the receive buffer that is configured. */
export function checkReceiveBuffer({ host, configuration }: Circumstances): Finding {
  const name = 'receive buffer';
  const wanted = configuration.nfqueue['receive-buffer'];
  const effective = /^CapEff:\s*([0-9a-f]+)$/im.exec(host.read('/proc/self/status') ?? '')?.[1] ?? '0';
  const administers = ((BigInt(`0x${effective}`) >> 12n) & 1n) === 1n;
  // SO_RCVBUFFORCE asks for the right in the first user namespace, which maps everybody to himself.
  const first = /^\s*0\s+0\s+4294967295\s*$/.test(host.read('/proc/self/uid_map') ?? '');
  if (administers && first)
    return ok(name, `${wanted} bytes for each queue, whatever net.core.rmem_max says`);
  const most = number(host, '/proc/sys/net/core/rmem_max');
  if (most === null) return unknown(name, 'net.core.rmem_max cannot be read here');
  if (most >= wanted) return ok(name, `${wanted} bytes for each queue`);
  return warning(
    name,
    `${wanted} bytes are configured for each queue, net.core.rmem_max allows ${most}`,
    `sysctl -w net.core.rmem_max=${wanted}, or a smaller nfqueue.receive-buffer`,
  );
}
