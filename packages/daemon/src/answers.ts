/** What the control commands answer: the JSON that `--json` prints. */

import type { SettingRow } from './configuration/show';
import type { Mode } from './registration';

export interface BanRow {
  id: string;
  prefix: string;
  reason: string;
  sid: number;
  origin: string;
  count: number;
  /** ISO 8601. */
  since: string;
  until: string;
  remaining_s: number;
  /** What the kernel has dropped because of this ban; null in lists of very many, where `bans show` tells. */
  packets: number | null;
  bytes: number | null;
}

export interface BanListAnswer {
  total: number;
  offset: number;
  bans: BanRow[];
}

export interface BansRemovedAnswer {
  /** Bans that were lifted. */
  count: number;
  /** Their prefixes; of very many only the first. */
  removed: string[];
  not_banned: string[];
}

export interface RulesAnswer {
  loaded: number;
  failed: number;
  /** ISO 8601. */
  loaded_at: string | null;
}

export interface ReloadAnswer {
  rules: RulesAnswer;
  /** Keys that have changed and cannot change while the engine runs. */
  needs_restart: string[];
}

export interface SettingsAnswer {
  /** Keys that were named. */
  changed: string[];
  /** Keys that have changed and take effect with the next start. */
  needs_restart: string[];
}

export interface ShownSettings {
  settings: SettingRow[];
  /** Keys that only the policy may set. */
  locked: string[];
}

export interface QueueRow {
  queue: number;
  fail_open: boolean;
  gso: boolean;
  max_length: number;
  waiting: number;
  kernel_dropped: number;
  overruns: number;
}

export interface StatusAnswer {
  version: string;
  state: 'protecting' | 'monitoring' | 'disabled';
  mode: Mode;
  uptime_s: number;
  firewall: string;
  rules: RulesAnswer;
  ports: { text: string; any_port_rules: number } | null;
  bans: { active: number; dropped_packets: number; dropped_bytes: number };
  packets: { received: number; bytes: number; dropped: number; uninspected: number };
  alerts: { allowed: number; blocked: number };
  flows: number;
  held_bytes: number;
  /** How often firewall rules of ours that others had changed were put back. */
  firewall_repairs: number;
  queues: QueueRow[];
}
