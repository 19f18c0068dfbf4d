import { checkDecoys, type DecoyPlan } from './decoys';
import { FirewallError } from './errors';
import { checkExclusion, type ScanExclusion } from './exclusions';
import { MarkLayout } from './marks';
import { normalisePorts, type PortSelection } from './ports';
import { Prefix } from './prefix';

export type QueuedProtocol = 'tcp' | 'udp' | 'icmp';

/** Everything that decides which rules stand in the kernel. */
export interface InstallPlan {
  /** Queue numbers, inclusive; connections are spread over them. */
  readonly queues: { readonly first: number; readonly last: number };
  /** With nobody bound to a queue its packets pass (`--queue-bypass`), instead of being dropped. */
  readonly failOpen: boolean;
  /** The only bits of packet and connection marks that are touched; see MarkLayout. */
  readonly markMask: number;
  /** Changes on start, enable and reload; connections offloaded in another generation are inspected again. */
  readonly generation: number;
  /** Where packets are queued: forwarded, towards this host, from this host. */
  readonly hooks: { readonly forward: boolean; readonly input: boolean; readonly output: boolean };
  /** TCP ports of the service side. Other protocols are queued whatever their port. */
  readonly ports: PortSelection;
  /** Default: tcp. Neighbour and router discovery is never queued. */
  readonly protocols?: readonly QueuedProtocol[];
  /** Interface names never queued from or to, `+` at the end for all that begin so; `lo` is always among them. */
  readonly excludedInterfaces: readonly string[];
  /** Only connections made towards these, or to this host, are queued. Default: all. */
  readonly inbound?: {
    readonly networks: readonly string[];
    /** Names of the interfaces behind which they are. */
    readonly interfaces: readonly string[];
  };
  /**
   * With `inbound`: what the protected side asks others for is queued too, on these ports of theirs (TCP ones must be among
   * `ports`). Default: nothing.
   */
  readonly outbound?: Readonly<Partial<Record<QueuedProtocol, PortSelection>>>;
  /** Connections left out of inspection, the first that fits counts. Default: none. */
  readonly exclusions?: readonly ScanExclusion[];
  /** No rule that drops at all. */
  readonly monitoring: boolean;
  /**
   * Default true. With false, reply-direction segments too long to be a bare ACK are left out; SYN, FIN, RST and
   * whatever can be a bare ACK are queued all the same.
   */
  readonly replyPayload?: boolean;
  /**
   * Default false. With true a TCP packet is queued when either port is selected, whatever its direction: for a
   * time after connection tracking was switched on, when it has taken a connection's reply for its first packet.
   */
  readonly eitherPort?: boolean;
  /** Default: none. Only where packets towards this host are queued. */
  readonly decoys?: DecoyPlan;
}

/** @throws FirewallError PLAN_INVALID, PORTS_INVALID, MARK_MASK_INVALID */
export function checkPlan(plan: InstallPlan): MarkLayout {
  const { first, last } = plan.queues;
  if (!Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last > 65535 || first > last) {
    throw new FirewallError('PLAN_INVALID', `queues ${first}-${last} is not a range within 0-65535.`);
  }
  if (last - first >= 64) {
    throw new FirewallError('PLAN_INVALID', `queues ${first}-${last}: no more than 64 queues are used.`);
  }
  if (!Number.isInteger(plan.generation) || plan.generation < 0) {
    throw new FirewallError('PLAN_INVALID', `generation ${plan.generation} is not a whole number from 0 up.`);
  }
  for (const name of plan.excludedInterfaces) {
    if (!/^[A-Za-z0-9_.@:-]{1,15}\+?$/.test(name) || name.length > 15 || name.startsWith('-')) {
      throw new FirewallError('PLAN_INVALID', `"${name}" is not the name of a network interface.`);
    }
  }
  if (plan.decoys) checkDecoys(plan.decoys);
  for (const exclusion of plan.exclusions ?? []) checkExclusion(exclusion);
  checkExclusion({ interfaces: plan.inbound?.interfaces, scan: true });
  for (const network of plan.inbound?.networks ?? []) Prefix.parse(network);
  for (const ports of Object.values(plan.outbound ?? {})) normalisePorts(ports);
  const protocols = plan.protocols ?? ['tcp'];
  if (protocols.length === 0) {
    throw new FirewallError('PLAN_INVALID', 'no protocol is to be queued.');
  }
  for (const protocol of protocols) {
    if (!['tcp', 'udp', 'icmp'].includes(protocol)) {
      throw new FirewallError('PLAN_INVALID', `protocol "${protocol}" is not one of tcp, udp, icmp.`);
    }
  }
  normalisePorts(plan.ports);
  return MarkLayout.from(plan.markMask, last - first + 1);
}

/** Protocols that are queued in any direction. */
export function queuedProtocols({
  protocols = ['tcp'],
  inbound,
  outbound = {},
}: InstallPlan): QueuedProtocol[] {
  const asked = inbound === undefined ? [] : (Object.keys(outbound) as QueuedProtocol[]);
  return [...new Set([...protocols, ...asked])];
}
