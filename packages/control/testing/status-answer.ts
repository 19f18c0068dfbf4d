import type { StatusAnswer } from '../src/answers';

/** What a running engine answers, for tests that are about something else in it. */
export function statusAnswer(changes: Partial<StatusAnswer> = {}): StatusAnswer {
  const row = {
    fail_open: true,
    gso: true,
    max_length: 8192,
    length: 8192,
    waiting: 0,
    kernel_dropped: 0,
    overruns: 0,
  };
  return {
    version: '1.0.0',
    state: 'protecting',
    mode: 'standard',
    uptime_s: 60,
    firewall: 'iptables-nft',
    rules: { loaded: 100, failed: 0, loaded_at: null },
    ports: { text: 'TCP 80', any_port_rules: 0, any_port_sids: [], reply_payload: true },
    bans: { active: 3, dropped_packets: 0, dropped_bytes: 0 },
    packets: { received: 5, bytes: 0, dropped: 0, uninspected: 0 },
    alerts: { allowed: 0, blocked: 0, addresses_blocked: 0 },
    flows: 0,
    one_sided_flows: 0,
    held_bytes: 0,
    app_layer_bytes: 0,
    exceptions: {
      memcap: { passed: 0, dropped: 0 },
      'app-layer-memcap': { passed: 0, dropped: 0 },
      'flow-table': { passed: 0, dropped: 0 },
      gap: { passed: 0, dropped: 0 },
      midstream: { passed: 0, dropped: 0 },
      decode: { passed: 0, dropped: 0 },
    },
    flows_evicted: 0,
    firewall_repairs: 0,
    queues: [
      { queue: 0, ...row },
      { queue: 1, ...row },
    ],
    decoy: null,
    mirrors: [],
    web_addresses: null,
    ...changes,
  };
}
