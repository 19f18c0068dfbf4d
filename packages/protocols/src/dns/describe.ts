/** A message as EVE's `dns` object, version 3. */

import type { DnsTransaction } from './dns-transaction';
import { MAX_TOLD_RECORDS, MAX_TOLD_TEXT } from './limits';
import { Column, type DnsMessage, FLAG_RESERVED, FLAG_RESPONSE, Section } from './message';
import { codeName, RecordType, typeName } from './names';

/** Header bits that are told when they are set. */
const BITS: readonly (readonly [number, string])[] = [
  [FLAG_RESPONSE, 'qr'],
  [0x0400, 'aa'],
  [0x0200, 'tc'],
  [0x0100, 'rd'],
  [0x0080, 'ra'],
  [FLAG_RESERVED, 'z'],
];

type Told = Record<string, unknown>;

export function describeDns(tx: DnsTransaction): Told {
  const { message } = tx;
  const told: Told = {
    version: 3,
    type: tx.isResponse ? 'response' : 'request',
    tx_id: tx.id,
    id: message.id,
    flags: message.flags.toString(16),
  };
  for (const [bit, name] of BITS) if ((message.flags & bit) !== 0) told[name] = true;
  told.opcode = message.opcode;
  told.rcode = codeName(message.responseCode);
  if (message.count(Section.QUERY) > 0) {
    told.queries = rows(message, Section.QUERY).map((row) => ({
      rrname: ownerName(message, row),
      rrtype: typeName(message.records[row + Column.TYPE]),
    }));
  }
  if (message.count(Section.ANSWER) > 0) {
    const answers = records(message, Section.ANSWER);
    told.answers = answers.map(({ record }) => record);
    told.grouped = grouped(answers);
  }
  if (message.count(Section.AUTHORITY) > 0) {
    told.authorities = records(message, Section.AUTHORITY).map(({ record }) => record);
  }
  const additionals = records(message, Section.ADDITIONAL);
  if (additionals.length > 0) told.additionals = additionals.map(({ record }) => record);
  return told;
}

/** Rows of a section, as many as are told. */
function rows(message: DnsMessage, section: number): number[] {
  const count = Math.min(message.count(section), MAX_TOLD_RECORDS);
  return Array.from({ length: count }, (_, i) => message.row(section, i));
}

function ownerName(message: DnsMessage, row: number): string {
  return message.text(message.records[row + Column.NAME_START], message.records[row + Column.NAME_END]);
}

interface ToldRecord {
  readonly type: string;
  readonly record: Told;
  /** What is told of the data: a text, or an object of its own. */
  readonly data: unknown;
}

/** Records of a section; texts are one record each, options without content are left out. */
function records(message: DnsMessage, section: number): ToldRecord[] {
  const told: ToldRecord[] = [];
  for (const row of rows(message, section)) {
    const { records } = message;
    const type = records[row + Column.TYPE];
    const empty = records[row + Column.DATA_START] === records[row + Column.DATA_END];
    if (type === RecordType.OPT && empty) continue;
    const base = {
      rrname: ownerName(message, row),
      rrtype: typeName(type),
      ttl: records[row + Column.TTL] >>> 0,
    };
    for (const part of dataOf(message, row, type)) {
      told.push({ type: base.rrtype, record: { ...base, ...part }, data: Object.values(part)[0] });
    }
  }
  return told;
}

function grouped(answers: readonly ToldRecord[]): Record<string, unknown[]> {
  const groups: Record<string, unknown[]> = {};
  for (const { type, data } of answers) {
    if (data === undefined) continue;
    groups[type] ??= [];
    groups[type].push(data);
  }
  return groups;
}

/** The data of a record under its name in EVE; several where it is several texts. */
function dataOf(message: DnsMessage, row: number, type: number): Told[] {
  const { bytes, records } = message;
  const start = records[row + Column.DATA_START];
  const end = records[row + Column.DATA_END];
  switch (type) {
    case RecordType.A:
    case RecordType.AAAA:
      return [{ rdata: addressText(bytes, start, end) }];
    case RecordType.CNAME:
    case RecordType.MX:
    case RecordType.NS:
    case RecordType.PTR:
      return [{ rdata: targetName(message, row) }];
    case RecordType.TXT:
      return texts(bytes, start, end);
    case RecordType.NULL:
      return [{ rdata: text(bytes, start, end) }];
    case RecordType.SOA:
      return [{ soa: authority(message, row, start, end) }];
    case RecordType.SRV:
      return [
        {
          srv: {
            priority: number(bytes, start, 2),
            weight: number(bytes, start + 2, 2),
            port: number(bytes, start + 4, 2),
            name: message.nameAt(start + 6, end),
          },
        },
      ];
    case RecordType.SSHFP:
      return [
        {
          sshfp: {
            fingerprint: hex(bytes, start + 2, end, ':'),
            algo: bytes[start],
            type: bytes[start + 1],
          },
        },
      ];
    case RecordType.OPT:
      return [{ opt: options(bytes, start, end) }];
    default:
      return [{}];
  }
}

function targetName(message: DnsMessage, row: number): string {
  return message.text(message.records[row + Column.TARGET_START], message.records[row + Column.TARGET_END]);
}

function authority(message: DnsMessage, row: number, start: number, end: number): Told {
  const { bytes } = message;
  const mailbox = message.readName(start, end);
  const numbers = mailbox < 0 ? -1 : message.readName(mailbox, end);
  if (numbers < 0) return { mname: targetName(message, row) };
  return {
    mname: targetName(message, row),
    rname: message.nameAt(mailbox, end),
    serial: number(bytes, numbers, 4),
    refresh: number(bytes, numbers + 4, 4),
    retry: number(bytes, numbers + 8, 4),
    expire: number(bytes, numbers + 12, 4),
    minimum: number(bytes, numbers + 16, 4),
  };
}

function texts(bytes: Uint8Array, start: number, end: number): Told[] {
  const told: Told[] = [];
  for (let at = start; at < end && told.length < MAX_TOLD_RECORDS; at += 1 + bytes[at]) {
    told.push({ rdata: text(bytes, at + 1, at + 1 + bytes[at]) });
  }
  return told;
}

function options(bytes: Uint8Array, start: number, end: number): Told[] {
  const told: Told[] = [];
  for (let at = start; at + 4 <= end && told.length < MAX_TOLD_RECORDS; ) {
    const next = at + 4 + number(bytes, at + 2, 2);
    told.push({ code: number(bytes, at, 2), data: hex(bytes, at + 4, next, '') });
    at = next;
  }
  return told;
}

function number(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = at; i < at + size; i++) value = value * 256 + bytes[i];
  return value;
}

function text(bytes: Uint8Array, start: number, end: number): string {
  const stop = Math.min(end, start + MAX_TOLD_TEXT);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.max(0, stop - start)).toString('latin1');
}

function hex(bytes: Uint8Array, start: number, end: number, separator: string): string {
  const stop = Math.min(end, start + MAX_TOLD_TEXT);
  return Array.from(bytes.subarray(start, stop), (byte) => byte.toString(16).padStart(2, '0')).join(
    separator,
  );
}

/** An IPv6 address is written in full, as EVE does. */
function addressText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start === 4) return bytes.subarray(start, end).join('.');
  if (end - start !== 16) return '';
  const groups = [];
  for (let at = start; at < end; at += 2) groups.push(hex(bytes, at, at + 2, ''));
  return groups.join(':');
}
