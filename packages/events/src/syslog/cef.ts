import { isIPv6 } from 'node:net';
import type { EveRecord } from '../record';

/** Longest value of an extension, in characters. */
const LONGEST_VALUE = 1023;

/** What a terminal acts on, but for line ends, which have an escape of their own. */
const CONTROL = /(?![\r\n])[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

function headerField(text: string): string {
  return text
    .slice(0, LONGEST_VALUE)
    .replace(CONTROL, '?')
    .replace(/[\r\n]+/g, ' ')
    .replace(/[\\|]/g, '\\$&');
}

function extensionValue(text: string): string {
  return text
    .slice(0, LONGEST_VALUE)
    .replace(CONTROL, '?')
    .replace(/[\\=]/g, '\\$&')
    .replace(/\r/g, '\\r')
    .replace(/\n/g, '\\n');
}

/** 0 … 10, 10 the gravest. */
function severity(record: EveRecord): number {
  if (record.event_type === 'ban') return 5;
  if (record.event_type === 'engine') return 6;
  const byPriority: Record<number, number> = { 1: 9, 2: 6, 3: 4 };
  return byPriority[record.alert?.severity ?? 4] ?? 3;
}

/** Class id, name and what was done. */
function subject(record: EveRecord): { id: string; name: string; act?: string } {
  const { alert, ban } = record;
  if (alert) return { id: `${alert.gid}:${alert.signature_id}`, name: alert.signature, act: alert.action };
  if (ban) return { id: `ban:${ban.action}`, name: `Ban ${ban.action}`, act: ban.action };
  const engine = record.engine as { error_code?: string; message?: string } | undefined;
  return { id: `engine:${engine?.error_code ?? 'event'}`, name: engine?.message ?? record.event_type };
}

/** IPv4 addresses have keys of their own; IPv6 ones stand in the custom fields the dictionary sets aside for them. */
function address(end: 'src' | 'dst', ip: string | undefined): [string, string | undefined][] {
  if (ip === undefined || !isIPv6(ip)) return [[end, ip]];
  const [key, label] = end === 'src' ? ['c6a2', 'Source IPv6 Address'] : ['c6a3', 'Destination IPv6 Address'];
  return [
    [key as string, ip],
    [`${key}Label`, label],
  ];
}

/** An EVE record in ArcSight's Common Event Format, version 0, on one line. */
export function commonEventFormat(record: EveRecord, version: string): string {
  const { id, name, act } = subject(record);
  const { portcullis, ban } = record;
  const banned =
    ban ?? (portcullis?.ban as { prefix?: string; until?: string; refused?: string } | undefined);
  const labelled = (key: string, label: string, value: unknown): [string, unknown][] =>
    value === undefined
      ? []
      : [
          [key, value],
          [`${key}Label`, label],
        ];
  const time = Date.parse(record.timestamp.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  const extension: [string, unknown][] = [
    ['rt', Number.isNaN(time) ? undefined : time],
    ['act', act],
    ['cat', record.alert?.category || undefined],
    ['externalId', record.flow_id],
    ['deviceInboundInterface', record.in_iface],
    ...address('src', record.src_ip),
    ['spt', record.src_port],
    ['smac', portcullis?.attacker?.mac],
    ...address('dst', record.dest_ip),
    ['dpt', record.dest_port],
    ['proto', record.proto],
    ['app', record.app_proto],
    ...labelled('cs1', 'event', portcullis?.event),
    ...labelled('cs2', 'mode', portcullis?.mode),
    ...labelled('cs3', 'banned', banned?.prefix),
    ...labelled('cs4', 'bannedUntil', banned?.until),
    ['reason', ban?.reason ?? (banned as { refused?: string } | undefined)?.refused],
  ];
  const head = ['CEF:0', 'Portcullis', 'Portcullis', version, id, name, String(severity(record))];
  const pairs = extension
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => `${key}=${extensionValue(String(value))}`);
  return `${head.map((field, index) => (index === 0 ? field : headerField(field))).join('|')}|${pairs.join(' ')}`;
}
