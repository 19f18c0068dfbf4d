import type { EveRecord } from '../record';
import { commonEventFormat } from './cef';

/** Facilities as syslog.conf names them, with their codes (RFC 5424, 6.2.1). */
export const syslogFacilities = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

export type SyslogFacility = keyof typeof syslogFacilities;

export interface SyslogFormat {
  format: 'json' | 'cef';
  facility: SyslogFacility;
  appName: string;
  hostname: string;
  /** The product's, for CEF. */
  version: string;
  /** Bytes of a message at most; a longer one has the main fields only. */
  longest: number;
}

const Severity = { CRITICAL: 2, ERROR: 3, WARNING: 4, NOTICE: 5, INFORMATIONAL: 6 } as const;

/** Alerts by their rule's priority (1 is the gravest), bans as notices, what the engine has to say as a warning. */
function syslogSeverity(record: EveRecord): number {
  if (record.event_type === 'engine') return Severity.WARNING;
  if (record.event_type === 'ban') return record.ban?.action === 'failed' ? Severity.ERROR : Severity.NOTICE;
  const priority = record.alert?.severity ?? 3;
  if (priority <= 1) return Severity.CRITICAL;
  return priority === 2 ? Severity.WARNING : priority === 3 ? Severity.NOTICE : Severity.INFORMATIONAL;
}

export function syslogPriority(record: EveRecord, facility: SyslogFacility): number {
  return syslogFacilities[facility] * 8 + syslogSeverity(record);
}

/** Fields of the header: printable ASCII without spaces; `-` where there is nothing. */
function headerField(text: string, longest: number): string {
  return text.replace(/[^\x21-\x7e]/g, '_').slice(0, longest) || '-';
}

/** `2026-01-31T12:00:00.123456+0000` → RFC 3339. */
function syslogTimestamp(timestamp: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)([+-]\d\d)(\d\d)$/.exec(timestamp);
  if (!match) return '-';
  return match[2] === '+00' && match[3] === '00' ? `${match[1]}Z` : `${match[1]}${match[2]}:${match[3]}`;
}

/** JSON of ASCII characters only: a receiver needs to know no encoding, and no byte order mark is called for. */
function asciiJson(record: EveRecord): string {
  return JSON.stringify(record).replace(
    /[\x7f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What every record is about, without what protocols tell. */
function mainFields(record: EveRecord): EveRecord {
  const { timestamp, flow_id, in_iface, event_type, src_ip, src_port, dest_ip, dest_port, proto } = record;
  const { app_proto, community_id, direction, alert, verdict, drop, portcullis, ban } = record;
  const short = alert && { ...alert };
  if (short) {
    delete short.metadata;
    delete short.references;
  }
  const fields = { timestamp, flow_id, in_iface, event_type, src_ip, src_port, dest_ip, dest_port, proto };
  return {
    ...fields,
    app_proto,
    community_id,
    direction,
    alert: short,
    verdict,
    drop,
    portcullis,
    ban,
  } as EveRecord;
}

/** The message without the syslog header. */
export function syslogContent(record: EveRecord, format: SyslogFormat): string {
  if (format.format === 'cef') return commonEventFormat(record, format.version);
  const whole = asciiJson(record);
  return whole.length <= format.longest ? whole : asciiJson(mainFields(record));
}

/**
 * A message as RFC 5424 has it, in bytes.
 * @param sequence counts messages; the receiver finds it as `sequenceId` and can tell a repeated message by it
 */
export function syslogMessage(record: EveRecord, sequence: number, format: SyslogFormat): Buffer {
  const header = [
    `<${syslogPriority(record, format.facility)}>1`,
    syslogTimestamp(record.timestamp),
    headerField(format.hostname, 255),
    headerField(format.appName, 48),
    String(process.pid),
    headerField(record.event_type, 32),
    // The range is 1 … 2^31 - 1 (RFC 5424, 7.3.1).
    `[meta sequenceId="${(sequence % 0x7fffffff) + 1}"]`,
  ].join(' ');
  return Buffer.from(`${header} ${syslogContent(record, format)}`, 'utf8');
}

/** Octet counting (RFC 6587, 3.4.1): the only framing in which a message may hold any byte. */
export function octetCounted(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `, 'latin1'), message]);
}
