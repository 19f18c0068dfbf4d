import type { Configuration } from '@portcullis/configuration';
import type { Mode } from '@portcullis/control';
import type { RuleSummary } from '@portcullis/engine';
import type { DecoyPlan, InstallPlan, PortRange, QueuedProtocol } from '@portcullis/firewall';
import { decoyPorts } from './decoys';
import { scanExclusions } from './exclusions';

/** What the firewall is to look like. Switched off, only the bans are in force. */
export function installPlan(
  configuration: Configuration,
  state: {
    on: boolean;
    mode: Mode;
    generation: number;
    rules: RuleSummary | null;
    /** Where decoy connections are accepted; null: nowhere. */
    decoyListeners: DecoyPlan['listeners'] | null;
  },
): InstallPlan {
  const { nfqueue, protect, mark, scan, exclusions } = configuration;
  const { mode, generation, rules, decoyListeners } = state;
  // Who only watches copies has nothing to queue.
  const on = state.on && configuration.pcap.length === 0;
  const forward = protect.networks.length > 0 || protect.interfaces.length > 0;
  const asked = outbound(configuration, rules);
  const ruled = (scan.ports === 'from-rules' ? rules?.ports.ranges : scan.ports) ?? 'any';
  const web = webPorts(configuration);
  const ports = ruled === 'any' || web === null ? ruled : [...ruled, ...web];
  const datagrams: QueuedProtocol[] = [...(rules?.datagrams ?? [])];
  // Without a direction the protocols of both are all that can be told apart.
  if (scan.direction === 'both' && web !== null && !datagrams.includes('udp')) datagrams.push('udp');
  const monitoring = mode === 'monitoring';
  return {
    queues: nfqueue.queues,
    failOpen: failsOpen(configuration, mode),
    markMask: mark.mask,
    generation,
    hooks: { forward: on && forward, input: on && protect.host, output: on && protect.host },
    ports,
    protocols: ['tcp', ...datagrams],
    excludedInterfaces: [],
    exclusions: scanExclusions(exclusions),
    monitoring,
    ...(scan.direction === 'inbound' && {
      inbound: { networks: protect.networks, interfaces: protect.interfaces },
      ...(asked !== null && { outbound: asked }),
    }),
    eitherPort: true,
    replyPayload: rules?.replyPayload ?? true,
    ...(decoyListeners !== null && {
      decoys: {
        ports: decoyPorts(rules?.ports.named ?? [], ports ?? 'any', scan['decoy-ports']),
        listeners: decoyListeners,
      },
    }),
  };
}

/** Whether traffic passes that no worker attends to. Monitoring must not stop any, whatever becomes of the engine. */
export function failsOpen({ nfqueue }: Configuration, mode: Mode): boolean {
  return nfqueue['fail-open'] || mode === 'monitoring';
}

/** Ports where web addresses are looked for; null: they are not. */
function webPorts(configuration: Configuration): readonly PortRange[] | null {
  const { lists, ports } = configuration['web-addresses'];
  return lists.length === 0 ? null : ports;
}

/**
 * What is looked at of the connections that the protected side makes: web addresses, and what rules find in them, once
 * somebody has said what is to be done about network activity.
 */
function outbound(
  configuration: Configuration,
  rules: RuleSummary | null,
): NonNullable<InstallPlan['outbound']> | null {
  const web = webPorts(configuration);
  if (!controlsActivity(configuration)) return web === null ? null : { tcp: web, udp: web };
  const { ports } = configuration.scan;
  const ruled = ports === 'from-rules' ? (rules?.ports.ranges ?? 'any') : ports;
  const datagrams = rules?.datagrams ?? [];
  return {
    tcp: web === null || ruled === 'any' ? ruled : [...ruled, ...web],
    ...(datagrams.includes('udp') ? { udp: 'any' } : web !== null && { udp: web }),
    ...(datagrams.includes('icmp') && { icmp: 'any' }),
  };
}

/** Telling of it is what happens anyway to activity that is seen; more than that is wanted. */
function controlsActivity(configuration: Configuration): boolean {
  const acts = !['notify', 'ignore'].includes(configuration['action-on-detect']['network-activity']);
  return (
    acts ||
    Object.values(configuration['network-activity']).some(
      (response) => response !== undefined && response !== 'ignore',
    )
  );
}

/** The queued ports, for people. */
export function portText({ ports }: Pick<InstallPlan, 'ports'>): string {
  if (ports === 'any') return 'all TCP ports';
  const whole = ports.length === 1 && ports[0]?.first === 0 && ports[0].last === 65535;
  if (whole) return 'all TCP ports';
  const shown = ports
    .slice(0, 20)
    .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return `TCP ${shown.join(', ')}${ports.length > 20 ? ` and ${ports.length - 20} more ranges` : ''}`;
}
