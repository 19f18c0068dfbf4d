import { Flaw } from './message';

/** Events of the DNS-like protocols, without the protocol's name before them; as in Suricata's `dns-events.rules`. */
export const DnsEvent = {
  MALFORMED_DATA: 'malformed_data',
  NOT_REQUEST: 'not_request',
  NOT_RESPONSE: 'not_response',
  Z_FLAG_SET: 'z_flag_set',
  INVALID_OPCODE: 'invalid_opcode',
  NAME_TOO_LONG: 'name_too_long',
  INFINITE_LOOP: 'infinite_loop',
  TOO_MANY_LABELS: 'too_many_labels',
  INVALID_ADDITIONALS: 'invalid_additionals',
  INVALID_AUTHORITIES: 'invalid_authorities',
} as const;
export type DnsEvent = (typeof DnsEvent)[keyof typeof DnsEvent];

export const DNS_EVENTS: readonly DnsEvent[] = Object.values(DnsEvent);

/** Which event tells which flaw of a message. */
export const FLAW_EVENTS: readonly (readonly [number, DnsEvent])[] = [
  [Flaw.INVALID_ADDITIONALS, DnsEvent.INVALID_ADDITIONALS],
  [Flaw.INVALID_AUTHORITIES, DnsEvent.INVALID_AUTHORITIES],
  [Flaw.NAME_TOO_LONG, DnsEvent.NAME_TOO_LONG],
  [Flaw.INFINITE_LOOP, DnsEvent.INFINITE_LOOP],
  [Flaw.TOO_MANY_LABELS, DnsEvent.TOO_MANY_LABELS],
];
