/** What of Suricata's settings has a counterpart in a replay, and what has none and why. */

import type { ReplayOptions } from '@portcullis/engine';
import { type ActionOrder, STANDARD_ACTION_ORDER } from '@portcullis/matcher';
import type { JudgeTest } from './judge-test';
import { type Setting, settingsOf } from './suricata-settings';

type Changeable<T> = { -readonly [K in keyof T]: T[K] };

/** What a test asks of the engine. */
export interface EngineSettings {
  inline: boolean;
  checksums: NonNullable<ReplayOptions['checksums']>;
  stream: Changeable<ReplayOptions['stream']>;
  http: {
    limits: { codingLayers?: number; requestBody?: number; responseBody?: number };
    uri: { doubleDecodePath?: boolean; doubleDecodeQuery?: boolean };
    lzma: boolean;
  };
  smtp: {
    rawExtraction?: boolean;
    mime: { decodeBase64?: boolean; decodeQuotedPrintable?: boolean; bodyMd5?: boolean };
  };
  ftp: { maxTransactions?: number };
  fragments: NonNullable<ReplayOptions['fragments']>;
  /** Files with lists, by what they are. */
  thresholds: string | null;
  reputationCategories: string | null;
  reputationLists: string[];
  geoDatabase: string | null;
  disabledProtocols: string[];
  alertsPerPacket: number | null;
  actionOrder: ActionOrder;
  midstreamPolicy: 'open' | 'closed' | 'pass';
  addressGroups: Record<string, string>;
  portGroups: Record<string, string>;
}

/** Takes a setting. @returns why it has no counterpart; null where it was taken, or changes no alert */
type Taker = (value: unknown, into: EngineSettings) => string | null;

const ignored: Taker = () => null;
const without =
  (reason: string): Taker =>
  () =>
    reason;

function truth(value: unknown): boolean {
  return value === true || value === 1 || /^(yes|true|on|1)$/i.test(String(value));
}

const UNITS: Readonly<Record<string, number>> = { '': 1, kb: 1 << 10, mb: 1 << 20, gb: 1 << 30 };

/** Bytes of `200kb`; Suricata's units are powers of two. NaN where it is no size. */
export function sizeOf(value: unknown): number {
  const found = /^\s*(\d+)\s*([kmg]b)?\s*$/i.exec(String(value));
  if (found === null) return Number.NaN;
  return Number(found[1]) * UNITS[(found[2] ?? '').toLowerCase()];
}

const LIBHTP = 'app-layer.protocols.http.libhtp.default-config';
const LUA = 'Lua rules are refused';

const takers: readonly (readonly [RegExp, Taker])[] = [
  // ── Command line ──
  [
    /^-k$/,
    (value, into) => {
      into.checksums = value === 'none' ? 'ignore' : 'verify';
      return null;
    },
  ],
  [
    /^--simulate-ips$/,
    (_, into) => {
      into.inline = true;
      return null;
    },
  ],
  [/^(--runmode|--no-random|-v|--data-dir)$/, ignored],
  [/^packet filter$/, without('replay has no packet filter')],

  // ── Which alerts, how many, told how ──
  [
    /^packet-alert-max$/,
    (value, into) => {
      // 0 is no number Suricata takes: it keeps its default.
      if (Number(value) > 0) into.alertsPerPacket = Number(value);
      return null;
    },
  ],
  [
    /^action-order$/,
    (value, into) => {
      into.actionOrder = value as ActionOrder;
      return null;
    },
  ],
  [
    /^threshold-file$/,
    (value, into) => {
      into.thresholds = String(value);
      return null;
    },
  ],
  [
    /^reputation-categories-file$/,
    (value, into) => {
      into.reputationCategories = String(value);
      return null;
    },
  ],
  [
    /^reputation-files\.\d+$/,
    (value, into) => {
      into.reputationLists.push(String(value));
      return null;
    },
  ],
  [
    /^geoip-database$/,
    (value, into) => {
      into.geoDatabase = String(value);
      return null;
    },
  ],
  [/^security\.lua\./, without(LUA)],
  [
    /^include$/,
    // What Suricata comes with is what everything here is measured by.
    (value) =>
      /^\.\.\/\.\.\/etc\/suricata-[\d.]+\.yaml$/.test(String(value))
        ? null
        : 'its settings include a file that the corpora do not have',
  ],
  [/^detect\.guess-applayer-tx$/, ignored],
  [/^detect\.stream-tx-log-limit$/, ignored],
  [/^(default-rule-path|rule-files|outputs\..*|logging\..*|stats\..*|pcap-file\.delete-when-done)$/, ignored],
  [/^(flow|ippair)\.hash-size$/, ignored],
  [/^datasets\b/, without('data sets of the configuration are not taken yet')],
  [
    /^(app-layer\.error-policy|exception-policy)$/,
    (value) => (/^(ignore|auto)$/.test(String(value)) ? null : 'has no counterpart'),
  ],
  [/^vlan\.use-for-tracking$/, (value) => (truth(value) ? 'flows are not told apart by VLAN' : null)],
  [/^host-os-policy$/, without('overlaps are resolved as one kind of host does')],

  // ── Streams ──
  [
    /^stream\.midstream$/,
    (value, into) => {
      into.stream.midstream = truth(value);
      return null;
    },
  ],
  [
    /^stream\.async-oneside$/,
    (value, into) => {
      into.stream.asyncOneside = truth(value);
      return null;
    },
  ],
  // Bytes are always inspected before they are delivered, as Suricata does with this setting only.
  [/^stream\.inline$/, ignored],
  [
    /^stream\.midstream-policy$/,
    (value, into) => {
      if (/^(drop|reject)/.test(String(value))) into.midstreamPolicy = 'closed';
      else if (/^(pass|bypass)/.test(String(value))) into.midstreamPolicy = 'pass';
      return null;
    },
  ],
  [
    /^stream\.reassembly\.depth$/,
    (value, into) => {
      const depth = sizeOf(value);
      if (Number.isNaN(depth)) return 'is no size';
      into.stream.depth = depth === 0 ? Number.MAX_SAFE_INTEGER : depth;
      return null;
    },
  ],
  [
    /^stream\.reassembly\.urgent\.policy$/,
    (value, into) => {
      if (value === 'drop') into.stream.urgent = 'drop';
      else if (value !== 'inline') return 'urgent data is inspected in its place, or dropped';
      return null;
    },
  ],
  [/^stream\.bypass$/, ignored],
  [
    /^(stream\.checksum-validation|pcap-file\.checksum-checks)$/,
    (value, into) => {
      if (!truth(value)) into.checksums = 'ignore';
      return null;
    },
  ],

  // ── Protocols ──
  [/^app-layer\.protocols\.[a-z0-9-]+\.detection-ports\./, ignored],
  [
    new RegExp(`^${LIBHTP}\\.response-body-decompress-layer-limit$`),
    (value, into) => {
      into.http.limits.codingLayers = Number(value);
      return null;
    },
  ],
  [
    new RegExp(`^${LIBHTP}\\.response-body-limit$`),
    (value, into) => {
      const bytes = sizeOf(value);
      if (Number.isNaN(bytes)) return 'is no size';
      into.http.limits.responseBody = bytes;
      return null;
    },
  ],
  [
    new RegExp(`^${LIBHTP}\\.double-decode-path$`),
    (value, into) => {
      into.http.uri.doubleDecodePath = truth(value);
      return null;
    },
  ],
  [
    new RegExp(`^${LIBHTP}\\.double-decode-query$`),
    (value, into) => {
      into.http.uri.doubleDecodeQuery = truth(value);
      return null;
    },
  ],
  [new RegExp(`^${LIBHTP}\\.decompression-time-limit$`), ignored],
  [
    new RegExp(`^${LIBHTP}\\.lzma-enabled$`),
    (value, into) => {
      into.http.lzma = truth(value);
      return null;
    },
  ],
  [
    /^app-layer\.protocols\.ftp\.max-tx$/,
    (value, into) => {
      into.ftp.maxTransactions = Number(value);
      return null;
    },
  ],
  [/^app-layer\.protocols\.(tls|ssh)\.encryption-handling$/, ignored],
  [/^app-layer\.protocols\.ssh\.hassh$/, ignored],
  [
    /^app-layer\.protocols\.smtp\.raw-extraction$/,
    (value, into) => {
      into.smtp.rawExtraction = truth(value);
      return null;
    },
  ],
  [
    /^app-layer\.protocols\.smtp\.mime\.decode-mime$/,
    (value) => (truth(value) ? null : 'mails are always taken apart'),
  ],
  [
    /^app-layer\.protocols\.smtp\.mime\.decode-base64$/,
    (value, into) => {
      into.smtp.mime.decodeBase64 = truth(value);
      return null;
    },
  ],
  [
    /^app-layer\.protocols\.smtp\.mime\.decode-quoted-printable$/,
    (value, into) => {
      into.smtp.mime.decodeQuotedPrintable = truth(value);
      return null;
    },
  ],
  [
    /^app-layer\.protocols\.smtp\.mime\.body-md5$/,
    (value, into) => {
      // auto: where a rule asks for it.
      into.smtp.mime.bodyMd5 = value === 'auto' || truth(value);
      return null;
    },
  ],
  [
    /^app-layer\.protocols\.tls\.ja3-fingerprints$/,
    (value) => (truth(value) || value === 'auto' ? null : 'JA3 cannot be switched off'),
  ],
];

const GROUP = /^vars\.(address|port)-groups\.(.+)$/;
const PROTOCOL = /^app-layer\.protocols\.([a-z0-9-]+)\.enabled$/;

function take({ name, value }: Setting, into: EngineSettings): string | null {
  const group = GROUP.exec(name);
  if (group !== null) {
    (group[1] === 'address' ? into.addressGroups : into.portGroups)[group[2]] = String(value);
    return null;
  }
  const protocol = PROTOCOL.exec(name);
  if (protocol !== null) {
    if (protocol[1] === 'template') return 'an example for those who write parsers for Suricata, no protocol';
    if (value === 'detection-only') return 'a protocol is parsed or not known at all';
    if (!truth(value)) into.disabledProtocols.push(protocol[1]);
    return null;
  }
  for (const [pattern, taker] of takers) if (pattern.test(name)) return taker(value, into);
  return 'has no counterpart';
}

/** @returns what the test asks of the engine, and for each setting without a counterpart why it has none */
export function engineSettings(test: JudgeTest): { settings: EngineSettings; notApplicable: string[] } {
  const settings: EngineSettings = {
    inline: test.ips,
    // As Suricata: verified, but not where a capture has many wrong ones.
    checksums: 'auto',
    stream: {},
    // As Suricata has it.
    http: { limits: {}, uri: {}, lzma: false },
    smtp: { mime: {} },
    ftp: {},
    // Suricata's own settings take every host of IPv4 for one with Windows; without settings it is BSD.
    fragments: { ipv4Policy: test.suricata_yaml === null ? 'windows' : 'bsd' },
    thresholds: null,
    reputationCategories: null,
    reputationLists: [],
    geoDatabase: null,
    disabledProtocols: [],
    alertsPerPacket: null,
    actionOrder: STANDARD_ACTION_ORDER,
    midstreamPolicy: 'open',
    addressGroups: {},
    portGroups: {},
  };
  const notApplicable: string[] = [];
  for (const setting of settingsOf(test)) {
    const reason = take(setting, settings);
    if (reason !== null) notApplicable.push(`${setting.name}=${JSON.stringify(setting.value)}: ${reason}`);
  }
  if (notApplicable.length === 0 && test.keywords.includes('lua')) notApplicable.push(LUA);
  return { settings, notApplicable };
}
