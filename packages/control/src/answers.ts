/** What the control commands answer: the JSON that `--json` prints. */

/** Standard: inline, acts. Monitoring: tells, and never changes traffic. */
export type Mode = 'standard' | 'monitoring';

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

/** Of many bans at once. */
export interface BansAddedAnswer {
  banned: number;
  refused: number;
  /** Those that were refused, and why; of very many only the first. */
  refusals: { address: string; reason: string }[];
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

/** Where a value came from. */
export type Origin = 'default' | 'file' | 'settings' | 'command line' | 'policy';

/** One setting, its value in base units (seconds, bytes), and where it came from. */
export interface SettingRow {
  key: string;
  value: unknown;
  origin: Origin;
  /** Only the policy may set it. */
  locked: boolean;
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
  /** As long it may get now: shorter than `max_length` while its worker cannot keep up. */
  length: number;
  waiting: number;
  kernel_dropped: number;
  overruns: number;
}

export interface PortsRow {
  /** For people. */
  text: string;
  /** How many rules are for any port and so force all ports to be queued. */
  any_port_rules: number;
  /** Which, by sid. */
  any_port_sids: number[];
  /** What the protected side answers is queued whole; else its SYN-ACK, bare ACK, FIN and RST are. */
  reply_payload: boolean;
}

/** Connections to ports that no program listens on. */
export interface DecoyRow {
  /** For people. */
  ports: string;
  /** Connections open now. */
  open: number;
  accepted: number;
  /** More than `scan.decoy-connections` at once. */
  refused: number;
}

/** An interface that is watched instead of a queue. */
export interface MirrorRow {
  interface: string;
  /** Frames. */
  captured: number;
  /** Frames that the workers were too slow for. */
  lost: number;
}

export interface AddressListRow {
  name: string;
  category: string;
  entries: number;
  /** Addresses that an earlier entry of the category is as well. */
  duplicates: number;
  bad_lines: number;
  first_bad_lines: { line: number; reason: string }[];
  /** When the file in force was written, ISO 8601; null: nothing of the list is in force. */
  written_at: string | null;
  age_s: number | null;
  /** Why the file itself is not in force; null: it is. */
  problem: string | null;
}

export interface WebAddressesAnswer {
  entries: number;
  /** Memory of the table that all workers share. */
  bytes: number;
  /** Lists are being read. */
  loading: boolean;
  loaded_at: string | null;
  /** Why the lists as they are now could not be put in force; null: they are. */
  problem: string | null;
  lists: AddressListRow[];
}

/** Keys of `exception-policy` that the engine itself decides by; the kernel decides about full and unread queues. */
export type ExceptionCause = 'memcap' | 'app-layer-memcap' | 'flow-table' | 'gap' | 'midstream' | 'decode';

/** Packets that could not be inspected as they should, by what the exception policy of the cause did with them. */
export interface ExceptionRow {
  passed: number;
  dropped: number;
}

export interface StatusAnswer {
  version: string;
  state: 'protecting' | 'monitoring' | 'disabled';
  mode: Mode;
  uptime_s: number;
  firewall: string;
  rules: RulesAnswer;
  ports: PortsRow | null;
  decoy: DecoyRow | null;
  bans: { active: number; dropped_packets: number; dropped_bytes: number };
  packets: { received: number; bytes: number; dropped: number; uninspected: number };
  alerts: { allowed: number; blocked: number; addresses_blocked: number };
  flows: number;
  /** TCP connections of which only one side was seen, ever since the start. */
  one_sided_flows: number;
  held_bytes: number;
  /** Bytes that protocol parsers hold. */
  app_layer_bytes: number;
  /** By the names of `exception-policy`, ever since the start. */
  exceptions: Record<ExceptionCause, ExceptionRow>;
  /** Flows that were taken out of a full table for new ones, ever since the start. */
  flows_evicted: number;
  /** How often firewall rules of ours that others had changed were put back. */
  firewall_repairs: number;
  queues: QueueRow[];
  mirrors: MirrorRow[];
  /** null: no lists of web addresses are configured. */
  web_addresses: WebAddressesAnswer | null;
}
