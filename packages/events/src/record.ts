/**
 * EVE records. Field names are Suricata's own (its EVE JSON output), so that every tool that reads Suricata
 * reads these; what Suricata has no name for stands under the one key `portcullis`.
 */

export type EventKind =
  | 'network_attack_detected'
  | 'web_address_detected'
  | 'network_activity_detected'
  /** A rule matched that is neither: worth a line, nothing more. */
  | 'signature_matched';

/** What a ban did, as told in an alert or in a ban record. */
export interface BanFacts {
  id: string;
  prefix: string;
  /** ISO 8601. */
  until: string;
  duration_s: number;
  /** How often this prefix has been banned, this time included. */
  count: number;
  origin: string;
}

export interface AlertFacts {
  action: 'allowed' | 'blocked';
  gid: number;
  signature_id: number;
  rev: number;
  signature: string;
  category: string;
  severity: number;
  metadata?: Record<string, string[]>;
  references?: string[];
  context?: Record<string, string>;
}

/** Who sent the packet that was noticed. */
export interface PartyFacts {
  ip: string;
  port?: number;
  mac?: string;
  handshake: boolean;
}

/** What Suricata has no name for. */
export interface PortcullisFacts {
  event?: EventKind;
  mode?: string;
  enforced?: boolean;
  attacker?: PartyFacts;
  /** The protected host whose activity it is, or that asks for a web address. */
  source?: PartyFacts;
  /** Of the activity or of the web address. */
  category?: string;
  web_address?: {
    category: string;
    list: string;
    entry: string;
    host: string;
    url?: string;
    seen_in: string;
  };
  ban?: BanFacts | { refused: string } | { failed: string };
  [key: string]: unknown;
}

export interface EveRecord {
  timestamp: string;
  flow_id?: number;
  in_iface?: string;
  event_type: 'alert' | 'ban' | 'engine';
  src_ip?: string;
  src_port?: number;
  dest_ip?: string;
  dest_port?: number;
  proto?: string;
  ip_v?: 4 | 6;
  app_proto?: string;
  community_id?: string;
  direction?: 'to_server' | 'to_client';
  tx_id?: number;
  icmp_type?: number;
  icmp_code?: number;
  pcap_cnt?: number;
  pcap_filename?: string;
  vlan?: number[];
  alert?: AlertFacts;
  /** What the protocol tells of the transaction, under its name (`http`, `dns`, `tls` …). */
  [protocol: string]: unknown;
  verdict?: { action: 'alert' | 'pass' | 'drop'; reject?: string[] };
  drop?: { reason: string };
  portcullis?: PortcullisFacts;
  ban?: Partial<BanFacts> & { action: string; reason?: string; ip?: string };
}

/** The second that was written last, since 1970, and how: a flood of alerts is of few of them. */
let second = Number.NaN;
let secondText = '';

/** `2026-01-31T12:00:00.123456+0000`, the form Suricata writes, in UTC. */
export function eveTimestamp(micros: number): string {
  const whole = Math.floor(micros);
  const wanted = Math.floor(whole / 1_000_000);
  if (wanted !== second) {
    secondText = new Date(wanted * 1000).toISOString().slice(0, 19);
    second = wanted;
  }
  return `${secondText}.${String(whole - wanted * 1_000_000).padStart(6, '0')}+0000`;
}

const protocolNames: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'IPv6-ICMP',
  132: 'SCTP',
};

/** Name of an IP protocol as EVE writes it; three digits where it has none, as Suricata does. */
export function protocolName(number: number): string {
  return protocolNames[number] ?? String(number).padStart(3, '0');
}
