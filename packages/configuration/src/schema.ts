/**
 * Every key of the configuration, its form, its default and its limits. Names are Suricata's where Suricata
 * has one. Objects are strict: a key that is not here is refused.
 */
import { totalmem } from 'node:os';
import { USUAL_SOCKET } from '@portcullis/control';
import { ACTIVITY_CATEGORIES, ATTACKS_FROM_WITHIN } from '@portcullis/rules';
import * as z from 'zod';
import { coveredFamily, coverPorts } from './coverage';
import { outputs } from './outputs-schema';
import {
  parseDuration,
  parsePortRange,
  parsePrefix,
  parsePriorities,
  parseQueues,
  parseSize,
} from './quantities';
import { between, group, quantity, yesOrNo } from './values';
import { webAddresses } from './web-addresses-schema';

const KILOBYTE = 1024;
const MEGABYTE = 1024 ** 2;
const GIGABYTE = 1024 ** 3;
const MINUTE = 60;

const openOrClosed = z.enum(['open', 'closed']);
const prefix = z.string().transform((text, context) => {
  try {
    return parsePrefix(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});
const neverBlockWord = z.enum(['self', 'gateway', 'dns', 'admin-sessions']);
const interfaceName = z.string().regex(/^[^\s/]{1,15}$/, 'is not the name of an interface');

const response = z.enum(['block', 'drop', 'notify', 'ignore']);
const activityResponse = z.enum(['isolate', 'block', 'drop', 'notify', 'ignore']);
const activityCategories = [...Object.keys(ACTIVITY_CATEGORIES), ATTACKS_FROM_WITHIN];
const oneOrMore = z.union([z.string().transform((text) => [text]), z.array(z.string()).min(1)]);
/** A row of the table that says what the match of a rule is; rows come before the built-in ones. */
const kindRow = z
  .strictObject({
    action: oneOrMore.optional(),
    class: oneOrMore.optional(),
    priority: quantity(parsePriorities).optional(),
    metadata: z.record(z.string(), oneOrMore).optional(),
    direction: z.enum(['to_server', 'to_client']).optional(),
    target: z.enum(['src_ip', 'dest_ip']).optional(),
    kind: z.enum(['attack', 'network-activity', 'information']),
    category: z.enum(activityCategories).optional(),
    response: activityResponse.optional(),
  })
  .superRefine(({ kind, category, response: wanted }, context) => {
    if (kind === 'network-activity') return;
    if (wanted === 'isolate')
      context.addIssue({
        code: 'custom',
        message: 'only a protected host, by its network activity, is isolated',
      });
    if (category !== undefined)
      context.addIssue({ code: 'custom', message: 'only network activity has categories' });
  });

/** An interface that is watched instead of a queue; Suricata's key has the same form. */
const watchedInterface = z.union([
  interfaceName.transform((name) => ({
    interface: name,
    'bpf-filter': undefined,
    'buffer-size': 8 * MEGABYTE,
  })),
  z.strictObject({
    interface: interfaceName,
    'bpf-filter': z.string().min(1).max(4096).optional(),
    'buffer-size': quantity(parseSize, between(64 * KILOBYTE, GIGABYTE, 'bytes')).prefault('8mb'),
  }),
]);
const sid = z.int().min(1).max(0xffffffff);
const ruleSource = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, 'letters, digits, - and _ make a name'),
  url: z.string().regex(/^(https|file):\/\/\S{1,2000}$/, 'is no https:// or file:// address'),
  checksum: z.enum(['auto', 'sha256', 'md5', 'off']).default('auto'),
  headers: z.record(z.string(), z.string()).default({}),
  ca: z.string().min(1).optional(),
});
/** Free for everybody, in the form for the version of the rule language that is nearest. */
const ET_OPEN = {
  name: 'et-open',
  url: 'https://rules.emergingthreats.net/open/suricata-7.0.3/emerging.rules.tar.gz',
  checksum: 'auto' as const,
  headers: {},
};

const exclusion = z.strictObject({
  src: prefix.optional(),
  dst: prefix.optional(),
  iface: interfaceName.optional(),
  vlan: z.int().min(0).max(4094).optional(),
  port: quantity(parsePortRange).optional(),
  rule: z.enum(['do-not-block', 'do-not-scan']),
});

/** Exclusions of everything would switch the product off without saying so, also those that do it together. */
const exclusions = z
  .array(exclusion)
  .max(1000)
  .superRefine((list, context) => {
    const refuse = (path: number[], message: string) =>
      context.addIssue({
        code: 'custom',
        path,
        message: `${message}; to switch protection off use 'portcullis disable'`,
      });
    const isAnyAddress = (text: string | undefined) => text === undefined || text.endsWith('/0');
    const isAnyPort = (port: z.output<typeof exclusion>['port']) => port === undefined || coverPorts([port]);
    const wide = list.filter(({ iface, vlan }) => iface === undefined && vlan === undefined);
    const all = wide.find(({ src, dst, port }) => isAnyAddress(src) && isAnyAddress(dst) && isAnyPort(port));
    if (all !== undefined) return refuse([list.indexOf(all)], 'covers everything');
    const sources = wide.filter(({ dst, port }) => isAnyAddress(dst) && isAnyPort(port));
    const destinations = wide.filter(({ src, port }) => isAnyAddress(src) && isAnyPort(port));
    const ports = wide.filter(({ src, dst }) => isAnyAddress(src) && isAnyAddress(dst));
    const everywhere =
      coveredFamily(sources.flatMap(({ src }) => src ?? [])) ??
      coveredFamily(destinations.flatMap(({ dst }) => dst ?? []));
    if (everywhere !== null) refuse([], `together cover everything of IPv${everywhere}`);
    else if (coverPorts(ports.flatMap(({ port }) => port ?? []))) refuse([], 'together cover every port');
  });

/** Bytes of a body that rules see. */
const inspectedBody = between(KILOBYTE, MEGABYTE, 'bytes');

/** Of each worker. One pool is one piece of memory that JavaScript can address. */
const streamMemory = (bytes: number) =>
  bytes > 2 * GIGABYTE
    ? `${bytes} is more than the 2gb that one worker can hold: nfqueue.queues makes more workers, each with as much`
    : between(MEGABYTE, 2 * GIGABYTE, 'bytes')(bytes);

/** Of each worker: a sixteenth of the machine's memory (of what its control group may have), 256 MB at most. */
function usualParserMemory(): number {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.min(256, Math.max(16, Math.floor(memory / 16 / MEGABYTE))) * MEGABYTE;
}

export const configurationSchema = z.strictObject({
  protect: group({
    host: yesOrNo.default(true),
    networks: z.array(prefix).default([]),
    interfaces: z.array(interfaceName).default([]),
  }),
  'action-on-detect': z.preprocess(
    (value) =>
      typeof value === 'string' ? { attack: value, 'web-address': value, 'network-activity': value } : value,
    group({
      attack: response.default('block'),
      'web-address': response.default('block'),
      'network-activity': activityResponse.default('notify'),
    }),
  ),
  /** By category of network activity: instead of what `action-on-detect` says. */
  'network-activity': group(
    Object.fromEntries(activityCategories.map((name) => [name, activityResponse.optional()])),
  ),
  'web-addresses': webAddresses,
  'detection-kinds': z.array(kindRow).max(254).default([]),
  'block-attacking-hosts': yesOrNo.default(true),
  'block-duration': quantity(
    parseDuration,
    between(MINUTE, 32768 * MINUTE, 'seconds (1 minute … 32768 minutes)'),
  ).prefault('60m'),
  'ban-without-handshake': yesOrNo.default(false),
  'ipv6-prefix': z.int().min(32).max(128).default(128),
  escalation: z
    .union([
      z.literal('off'),
      z.literal(false).transform(() => 'off' as const),
      z.strictObject({
        factor: z.number().min(1).max(100).default(2),
        max: quantity(parseDuration, between(MINUTE, 32768 * MINUTE, 'seconds')).prefault('7d'),
        remember: quantity(parseDuration, between(MINUTE, 366 * 86_400, 'seconds')).prefault('1d'),
      }),
    ])
    .default('off'),
  'unblock-grace': quantity(parseDuration, between(0, 7 * 86_400, 'seconds (0 … 7 days)')).prefault('0s'),
  'max-bans-per-minute': z.int().min(1).max(1_000_000).default(1000),
  'never-block': z
    .array(z.union([neverBlockWord, prefix]))
    .refine(
      (entries) => coveredFamily(entries.filter((each) => !neverBlockWord.safeParse(each).success)) === null,
      "covers everything; to ban nobody use 'block-attacking-hosts: false'",
    )
    .default(['self', 'gateway', 'dns', 'admin-sessions']),
  exclusions: exclusions.default([]),
  scan: group({
    ports: z.union([z.literal('from-rules'), z.array(quantity(parsePortRange)).min(1)]).default('from-rules'),
    direction: z.enum(['inbound', 'both']).default('inbound'),
    decoy: yesOrNo.default(false),
    'decoy-ports': z
      .union([z.literal('from-rules'), z.array(quantity(parsePortRange)).min(1)])
      .default('from-rules'),
    'decoy-connections': z.int().min(1).max(10_000).default(256),
    'decoy-bytes': quantity(parseSize, between(1, GIGABYTE, 'bytes')).prefault('64kb'),
    'decoy-timeout': quantity(parseDuration, between(1, 3600, 'seconds')).prefault('30s'),
  }),
  'on-enable': z.enum(['reset', 'reset-all', 'adopt']).default('reset'),
  pcap: z.array(watchedInterface).max(64).default([]),
  nfqueue: group({
    queues: quantity(parseQueues, ({ first, last }) =>
      last - first < 64 ? null : 'more than 64 queues',
    ).prefault('0-1'),
    'max-length': z.int().min(64).max(1_000_000).default(8192),
    'fail-open': yesOrNo.default(true),
    gso: yesOrNo.default(true),
    'batch-size': z.int().min(1).max(256).default(64),
    'receive-buffer': quantity(parseSize, between(64 * KILOBYTE, 2 * GIGABYTE, 'bytes')).prefault('128mb'),
  }),
  mark: group({
    mask: z.int().min(1).max(0xffffffff).default(0x00f00000),
  }),
  firewall: group({
    backend: z.enum(['auto', 'nft', 'legacy']).default('auto'),
  }),
  'exception-policy': group({
    default: openOrClosed.default('open'),
    memcap: openOrClosed.optional(),
    'app-layer-memcap': openOrClosed.optional(),
    'flow-table': openOrClosed.optional(),
    gap: openOrClosed.optional(),
    decode: openOrClosed.optional(),
    midstream: z.enum(['open', 'closed', 'pass']).optional(),
  }),
  stream: group({
    memcap: quantity(parseSize, streamMemory).prefault('256mb'),
    /** Default: a gateway adopts connections that were there before it (see on-enable), a replay does not, as Suricata. */
    midstream: yesOrNo.optional(),
    'async-oneside': yesOrNo.optional(),
    bypass: yesOrNo.default(true),
    reassembly: group({
      depth: quantity(parseSize, between(KILOBYTE, Number.MAX_SAFE_INTEGER, 'bytes')).prefault('1mb'),
    }),
  }),
  'app-layer': group({
    memcap: quantity(parseSize, between(MEGABYTE, 64 * GIGABYTE, 'bytes')).prefault(usualParserMemory),
    protocols: group({
      http: group({
        libhtp: group({
          'default-config': group({
            'request-body-limit': quantity(parseSize, inspectedBody).prefault('100kb'),
            'response-body-limit': quantity(parseSize, inspectedBody).prefault('100kb'),
          }),
        }),
      }),
    }),
  }),
  flow: group({
    'max-flows': z.int().min(1024).max(16_777_216).default(262_144),
  }),
  vars: group({
    'address-groups': z.record(z.string().regex(/^[A-Z0-9_]{1,64}$/), z.string()).default({}),
    'port-groups': z
      .record(z.string().regex(/^[A-Z0-9_]{1,64}$/), z.union([z.string(), z.int()]))
      .default({}),
  }),
  'rule-files': z.array(z.string().min(1)).default(['built-in', 'fetched']),
  'rule-sources': z
    .array(ruleSource)
    .max(100)
    .refine(
      (sources) => new Set(sources.map(({ name }) => name)).size === sources.length,
      'two sources have the same name',
    )
    .default([ET_OPEN]),
  'disabled-rules': z.array(sid).max(100_000).default([]),
  'enabled-rules': z.array(sid).max(100_000).default([]),
  'action-order': z
    .array(z.enum(['pass', 'drop', 'reject', 'alert']))
    .length(4)
    .refine((order) => new Set(order).size === 4, 'has to name pass, drop, reject and alert, each once')
    .default(['pass', 'drop', 'reject', 'alert']),
  'classification-file': z.string().min(1).optional(),
  'threshold-file': z.string().min(1).optional(),
  'reputation-categories-file': z.string().min(1).optional(),
  'default-reputation-path': z.string().min(1).optional(),
  'reputation-files': z.array(z.string().min(1)).default([]),
  'geoip-database': z.string().min(1).optional(),
  control: group({ socket: z.string().min(1).default(USUAL_SOCKET) }),
  'state-dir': z.string().min(1).default('/var/lib/portcullis'),
  'log-dir': z.string().min(1).default('/var/log/portcullis'),
  outputs,
  metrics: group({
    listen: z
      .union([z.literal('off'), z.string().regex(/^\S{1,260}:\d{1,5}$/, 'is not HOST:PORT')])
      .default('127.0.0.1:9477'),
  }),
});

/** The configuration in force: every key has a value, in base units (seconds, bytes). */
export type Configuration = z.output<typeof configurationSchema>;
