import type { DecoyRow, Mode, PortsRow, QueueRow, StatusAnswer } from '@portcullis/control';
import type { RuleSummary } from '@portcullis/engine';
import type { FirewallBackend, InstallPlan } from '@portcullis/firewall';
import { readQueueStatistics } from '@portcullis/nfqueue-binding';
import { exceptionRows } from './exceptions';
import { portText } from './install-plan';
import type { Protection } from './protection';
import type { RulesInForce } from './rules-in-force';
import type { Traffic } from './traffic';
import type { WebAddressLists } from './web-address-lists';
import type { Supervisor } from './workers/supervisor';

/** What the answer to `status` is put together from. */
export interface EngineParts {
  version: string;
  mode: Mode;
  /** Milliseconds since 1970. */
  startedAt: number;
  firewall: FirewallBackend;
  bans: number;
  rules: RulesInForce;
  /** What the firewall looks like while protection is on. */
  plan: InstallPlan;
  protection: Pick<Protection, 'supervisor' | 'mirrors' | 'decoys'>;
  traffic: Traffic;
  webAddresses: WebAddressLists;
  repairs: number;
}

export async function engineStatus(parts: EngineParts): Promise<StatusAnswer> {
  const { firewall, mode } = parts;
  const { supervisor, mirrors } = parts.protection;
  const rules = parts.rules.summary;
  const counted = await firewall.queueRulePackets();
  const dropped = await firewall.dropCounters();
  // Behind the rules' counters: what they have counted has been received then, or never will be.
  await supervisor?.freshCounters();
  const totals = parts.traffic.totals(supervisor?.workers ?? new Map());
  const on = supervisor !== null;
  return {
    version: parts.version,
    state: on ? (mode === 'monitoring' ? 'monitoring' : 'protecting') : 'disabled',
    mode,
    uptime_s: Math.round((Date.now() - parts.startedAt) / 1000),
    firewall: firewall.name,
    rules: parts.rules.answer(),
    ports: on && rules && mirrors === null ? portsRow(rules, parts.plan) : null,
    decoy: on ? decoyRow(parts) : null,
    bans: { active: parts.bans, dropped_packets: dropped.packets, dropped_bytes: dropped.bytes },
    packets: {
      received: totals.queue_received,
      bytes: totals.queue_bytes,
      dropped: totals.queue_dropped,
      uninspected: Math.max(0, counted.ipv4 + counted.ipv6 - totals.queue_received),
    },
    alerts: {
      allowed: totals.alerts,
      blocked: totals.attacks_blocked,
      addresses_blocked: totals.addresses_blocked,
    },
    flows: totals.flows_active,
    one_sided_flows: totals.one_sided_flows,
    held_bytes: totals.held_bytes,
    app_layer_bytes: totals.parser_bytes,
    exceptions: exceptionRows(totals),
    flows_evicted: totals.flows_evicted,
    firewall_repairs: parts.repairs,
    queues: queueRows(supervisor),
    mirrors: mirrors?.rows ?? [],
    web_addresses: parts.webAddresses.answer(),
  };
}

export function queueRows(supervisor: Supervisor | null): QueueRow[] {
  const kernel = new Map(readQueueStatistics().map((line) => [line.queue, line]));
  return (supervisor?.attended ?? []).map(({ queue, facts, thread }) => ({
    queue,
    fail_open: facts.failOpen,
    gso: facts.gso,
    max_length: facts.maxLength,
    // 0: the worker has published nothing yet.
    length: thread.counters.get('queue_length') || facts.maxLength,
    waiting: kernel.get(queue)?.waiting ?? 0,
    kernel_dropped: (kernel.get(queue)?.dropped ?? 0) + (kernel.get(queue)?.userDropped ?? 0),
    overruns: thread.counters.get('queue_overruns'),
  }));
}

function portsRow({ ports }: RuleSummary, plan: InstallPlan): PortsRow {
  return {
    text: portText(plan),
    any_port_rules: ports.anyPortRules.length,
    any_port_sids: ports.anyPortRules,
    reply_payload: plan.replyPayload !== false,
  };
}

function decoyRow({ protection: { decoys }, plan }: EngineParts): DecoyRow | null {
  if (decoys === null || plan.decoys === undefined) return null;
  const { ports } = plan.decoys;
  return { ports: ports.length > 0 ? portText({ ports }) : 'none: no rule names a port', ...decoys.row };
}
