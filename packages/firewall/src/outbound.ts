import { Chain, type Family } from './names';
import { type InstallPlan, type QueuedProtocol, queuedProtocols } from './plan';
import { normalisePorts, type PortRange } from './ports';
import { Prefix } from './prefix';

/** Ports of one `multiport` match; a range counts twice (include/uapi/linux/netfilter/xt_multiport.h). */
const MULTIPORT = 15;

/**
 * Queues what the protected side asks others for. Stands before the rules for what others ask of it, and keeps protocols
 * that are only looked at outwards away from those.
 *
 * @param end where the protected side is in packets of this chain: the source of what it asks, the destination of answers
 */
export function outboundRules(plan: InstallPlan, family: Family, end: 'source' | 'destination'): string[] {
  const { inbound, outbound } = plan;
  if (inbound === undefined || outbound === undefined) return [];
  const [type, option, way, side] =
    end === 'source' ? ['--src-type', '-s', '-i', '--dports'] : ['--dst-type', '-d', '-o', '--sports'];
  const prefixes = inbound.networks
    .map((text) => Prefix.parse(text))
    .filter((each) => each.family === family);
  const ends = [
    ...prefixes.map((prefix) => `${option} ${prefix.text}`),
    ...inbound.interfaces.map((name) => `${way} ${name}`),
    `-m addrtype ${type} LOCAL`,
  ];
  const matches = (Object.keys(outbound) as QueuedProtocol[]).flatMap((protocol) => {
    const name = protocol === 'icmp' && family === 6 ? 'ipv6-icmp' : protocol;
    const ports = outbound[protocol] ?? 'any';
    if (ports === 'any' || protocol === 'icmp') return [`-p ${name}`];
    return portLists(normalisePorts(ports)).map((list) => `-p ${name} -m multiport ${side} ${list}`);
  });
  const inwards = plan.protocols ?? ['tcp'];
  const outwardsOnly = queuedProtocols(plan).filter((protocol) => !inwards.includes(protocol));
  return [
    ...matches.flatMap((match) => ends.map((each) => `${each} ${match} -j ${Chain.queue}`)),
    ...outwardsOnly.map(
      (protocol) => `-p ${protocol === 'icmp' && family === 6 ? 'ipv6-icmp' : protocol} -j RETURN`,
    ),
  ];
}

/** Ranges as `multiport` takes them, in as many lists as it takes. */
function portLists(ranges: readonly PortRange[]): string[] {
  const lists: string[][] = [];
  let room = 0;
  for (const { first, last } of ranges) {
    const needed = first === last ? 1 : 2;
    if (room < needed) {
      lists.push([]);
      room = MULTIPORT;
    }
    (lists[lists.length - 1] as string[]).push(first === last ? String(first) : `${first}:${last}`);
    room -= needed;
  }
  return lists.map((list) => list.join(','));
}
