import type { RuleSummary } from '@portcullis/engine';
import type { DecoyPlan, InstallPlan } from '@portcullis/firewall';
import type { Configuration } from './configuration/schema';
import { decoyPorts } from './decoys';
import { scanExclusions } from './exclusions';
import type { Mode } from './registration';

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
  const ports = scan.ports === 'from-rules' ? rules?.ports.ranges : scan.ports;
  const monitoring = mode === 'monitoring';
  return {
    queues: nfqueue.queues,
    // Monitoring must not stop traffic, whatever becomes of the engine.
    failOpen: monitoring || nfqueue['fail-open'],
    markMask: mark.mask,
    generation,
    hooks: { forward: on && forward, input: on && protect.host, output: on && protect.host },
    ports: ports ?? 'any',
    protocols: ['tcp', ...(rules?.datagrams ?? [])],
    excludedInterfaces: [],
    exclusions: scanExclusions(exclusions),
    monitoring,
    ...(scan.direction === 'inbound' && {
      inbound: { networks: protect.networks, interfaces: protect.interfaces },
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
