import { type EveRecord, eventTime } from '@portcullis/events';
import { formatDuration } from './print';
import { terminalSafe } from './terminal-safe';

const KIND: Readonly<Record<string, string>> = {
  network_attack_detected: 'attack',
  web_address_detected: 'web address',
  network_activity_detected: 'network activity',
};

function localTime(record: EveRecord): string {
  const time = eventTime(record);
  if (Number.isNaN(time)) return '-';
  const at = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

const end = (ip: unknown, port: unknown) =>
  port === undefined ? `${ip ?? '?'}` : `${ip ?? '?'} port ${port}`;

function alertDone(record: EveRecord): string {
  const ban = record.portcullis?.ban as
    | { prefix?: unknown; duration_s?: unknown; refused?: unknown; failed?: unknown }
    | undefined;
  const done = [record.alert?.action === 'blocked' ? 'dropped' : 'seen'];
  if (ban?.prefix !== undefined)
    done.push(`${ban.prefix} blocked for ${formatDuration(Number(ban.duration_s) || 0)}`);
  if (ban?.refused !== undefined) done.push(`not blocked: ${ban.refused}`);
  if (ban?.failed !== undefined) done.push(`NOT blocked: ${ban.failed}`);
  return done.join(', ');
}

function body(record: EveRecord): string {
  const { alert, ban, portcullis } = record;
  if (alert) {
    const kind = KIND[String(portcullis?.event)] ?? 'alert';
    const who = `from ${end(record.src_ip, record.src_port)} to ${end(record.dest_ip, record.dest_port)}`;
    return `${kind}: ${alert.signature} (sid ${alert.signature_id}) ${who}: ${alertDone(record)}`;
  }
  if (ban) {
    const until = ban.until === undefined ? '' : ` until ${ban.until}`;
    const why = ban.reason === undefined ? '' : `: ${ban.reason}`;
    return `ban ${ban.action}: ${ban.prefix ?? record.src_ip}${until}${why}`;
  }
  const engine = record.engine as { message?: unknown } | undefined;
  if (engine) return `engine: ${engine.message}`;
  return `${record.event_type}: from ${end(record.src_ip, record.src_port)} to ${end(record.dest_ip, record.dest_port)}`;
}

/** An event for a person to read: when, what, who, what was done. One line that a terminal only shows. */
export function eventLine(record: EveRecord): string {
  return `${localTime(record)}  ${terminalSafe(body(record))}`;
}
