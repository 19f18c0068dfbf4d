import { gunzipSync } from 'node:zlib';
import type { Circumstances } from './circumstances';
import { type Finding, failed, ok, unknown, warning } from './finding';
import type { Host } from './host';

/** Bits of CapEff in /proc/self/status (linux/capability.h). */
const CAPABILITIES = [
  ['CAP_NET_ADMIN', 12],
  ['CAP_NET_RAW', 13],
] as const;

function missingCapabilities(host: Host): string[] | null {
  const effective = /^CapEff:\s*([0-9a-f]+)$/im.exec(host.read('/proc/self/status') ?? '')?.[1];
  if (effective === undefined) return null;
  const bits = BigInt(`0x${effective}`);
  return CAPABILITIES.filter(([, bit]) => ((bits >> BigInt(bit)) & 1n) === 0n).map(([name]) => name);
}

export const PERMISSION_CHECK = 'permission';

/** Probing queues and tables needs the rights that the engine needs. */
export function checkPermission(host: Host): Finding {
  const missing = missingCapabilities(host);
  if (missing === null) return unknown(PERMISSION_CHECK, '/proc/self/status cannot be read');
  if (missing.length === 0) return ok(PERMISSION_CHECK, 'CAP_NET_ADMIN and CAP_NET_RAW');
  return failed(PERMISSION_CHECK, `${missing.join(' and ')} missing`, 'use sudo: the probes need root');
}

/** The oldest Node.js that the packages say they run on. */
const OLDEST_NODE = [20, 19] as const;

export function checkNodeVersion({ nodeVersion }: Host): Finding {
  const [major, minor] = nodeVersion.split('.').map(Number) as [number, number];
  const wanted = OLDEST_NODE.join('.');
  const enough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  if (enough) return ok('Node.js', nodeVersion);
  return failed('Node.js', `${nodeVersion} is too old`, `install Node.js ${wanted} or newer (20 or later)`);
}

interface KernelPart {
  readonly module: string;
  readonly option: string;
  /** Whether something that is seen proves that it is there. */
  proven?(host: Host): boolean | Promise<boolean>;
}

const PARTS: readonly KernelPart[] = [
  {
    module: 'nfnetlink_queue',
    option: 'NETFILTER_NETLINK_QUEUE',
    proven: (host) => host.file('/proc/net/netfilter/nfnetlink_queue') !== null,
  },
  {
    module: 'nf_conntrack',
    option: 'NF_CONNTRACK',
    proven: (host) => host.file('/proc/sys/net/netfilter/nf_conntrack_count') !== null,
  },
  {
    module: 'ip_set',
    option: 'IP_SET',
    proven: async (host) => (await host.run('ipset', ['list', '-name']))?.exitCode === 0,
  },
  { module: 'ip_set_hash_net', option: 'IP_SET_HASH_NET' },
  { module: 'ip_set_bitmap_port', option: 'IP_SET_BITMAP_PORT' },
  { module: 'xt_set', option: 'NETFILTER_XT_SET' },
  { module: 'xt_NFQUEUE', option: 'NETFILTER_XT_TARGET_NFQUEUE' },
  { module: 'xt_connmark', option: 'NETFILTER_XT_CONNMARK' },
  { module: 'xt_conntrack', option: 'NETFILTER_XT_MATCH_CONNTRACK' },
  { module: 'xt_bpf', option: 'NETFILTER_XT_MATCH_BPF' },
  { module: 'xt_addrtype', option: 'NETFILTER_XT_MATCH_ADDRTYPE' },
];

/** Everything that the rules need is in the kernel, or can be loaded. */
export async function checkKernelModules(host: Host): Promise<Finding> {
  const name = 'kernel modules';
  const release = host.read('/proc/sys/kernel/osrelease')?.trim() ?? '';
  const folder = `/lib/modules/${release}`;
  const loaded = names(host.read('/proc/modules'), /^(\S+)/gm);
  const builtIn = names(host.read(`${folder}/modules.builtin`), /([^/\s]+)\.ko/g);
  const loadable = names(host.read(`${folder}/modules.dep`), /([^/\s]+)\.ko[^:\s]*:/g);
  const options = kernelOptions(host, release);
  const absent: string[] = [];
  const untold: string[] = [];
  for (const { module, option, proven } of PARTS) {
    const there =
      [loaded, builtIn, loadable].some((known) => known.has(module.toLowerCase())) ||
      host.file(`/sys/module/${module}`) !== null ||
      options.has(`CONFIG_${option}=y`) ||
      (await proven?.(host));
    if (there) continue;
    const known = loadable.size > 0 || options.size > 0;
    (known ? absent : untold).push(module);
  }
  if (absent.length > 0)
    return failed(
      name,
      `this kernel (${release}) has not got ${absent.join(', ')}`,
      'install the complete kernel of the distribution (not one for containers or clouds), and restart with it',
    );
  if (untold.length > 0)
    return unknown(name, `nothing tells whether the kernel (${release}) has ${untold.join(', ')}`);
  return ok(name, `all ${PARTS.length} are there (${release})`);
}

function names(text: string | null, pattern: RegExp): Set<string> {
  // A dash and an underscore are the same in the name of a module; so is the case of xt_NFQUEUE and others here.
  return new Set(
    [...(text ?? '').matchAll(pattern)].map((match) =>
      (match[1] as string).replaceAll('-', '_').toLowerCase(),
    ),
  );
}

/** Lines of the configuration that the kernel was built with. */
function kernelOptions(host: Host, release: string): Set<string> {
  const packed = host.readBytes('/proc/config.gz');
  let text: string | null = null;
  try {
    text = packed === null ? null : gunzipSync(packed).toString('latin1');
  } catch {
    // Damaged or cut off: as good as none.
  }
  text ??= host.read(`/boot/config-${release}`);
  // What is a module there must also be installed, which modules.dep tells.
  return new Set((text ?? '').split('\n').filter((line) => line.endsWith('=y')));
}

/** Milliseconds by which files may be ahead of the clock. */
const AHEAD = 120_000;

/** Bans, certificates and the times in events depend on the clock. */
export async function checkClock({ host, configuration }: Circumstances): Promise<Finding> {
  const name = 'clock';
  const now = host.now();
  const shown = new Date(now).toISOString();
  const mend = "set the clock ('timedatectl set-ntp true', or 'date -s'), then restart the engine";
  const state = configuration['state-dir'];
  const files = [...host.list(state).map((file) => `${state}/${file}`), __filename];
  for (const path of files) {
    const modified = host.file(path)?.modified;
    if (modified !== undefined && modified > now + AHEAD)
      return failed(
        name,
        `${shown} is before ${path} was written (${new Date(modified).toISOString()})`,
        mend,
      );
  }
  const asked = await host.run('timedatectl', ['show', '-p', 'NTPSynchronized', '--value']);
  const synchronised = asked?.exitCode === 0 ? asked.stdout.trim() : '';
  if (synchronised === 'no') return warning(name, `${shown}, not synchronised`, mend);
  return ok(name, `${shown}${synchronised === 'yes' ? ', synchronised' : ''}`);
}
