import { ip } from './namespaces';

export type Role = 'attacker' | 'gateway' | 'server' | 'bystander';
/** Roles at the end of a link; each has one interface, `eth0`. */
export type EndRole = Exclude<Role, 'gateway'>;

/**
 * attacker ── attacker0 ┐
 *                       gateway ── server0 ── server
 * bystander ─ bystander0┘
 *
 * Every link is a network of its own: the gateway has host number 1 in it, the end has 2.
 */
const NETWORKS: Readonly<Record<EndRole, number>> = { attacker: 1, server: 2, bystander: 3 };

export const END_INTERFACE = 'eth0';

export function gatewayInterface(role: EndRole): string {
  return `${role}0`;
}

export function endAddress(role: EndRole, family: 4 | 6): string {
  return family === 4 ? `10.77.${NETWORKS[role]}.2` : `fd00:77:${NETWORKS[role]}::2`;
}

export function gatewayAddress(role: EndRole, family: 4 | 6): string {
  return family === 4 ? `10.77.${NETWORKS[role]}.1` : `fd00:77:${NETWORKS[role]}::1`;
}

export function endHardware(role: EndRole): string {
  return `02:00:00:00:0${NETWORKS[role]}:02`;
}

export function gatewayHardware(role: EndRole): string {
  return `02:00:00:00:0${NETWORKS[role]}:01`;
}

/** The largest that veth takes: the segments of captures made on other networks must pass. */
const REPLAY_MTU = 65_535;

export interface TopologyOptions {
  readonly namespaces: Readonly<Partial<Record<Role, string>>>;
  readonly ends: readonly EndRole[];
  readonly rpFilter: number;
  /** No addresses: everything that comes in on one side goes out on the other. */
  readonly replay: boolean;
}

/** Builds links, addresses and routes in namespaces that exist already. */
export function buildTopology(options: TopologyOptions): void {
  const { namespaces, ends, replay } = options;
  const gateway = namespaces.gateway as string;
  for (const [role, namespace] of Object.entries(namespaces)) setSysctls(namespace, role as Role, options);

  // Without a loopback address there, captures made on one can pass.
  const links: string[] = replay ? [] : ['link set lo up'];
  const mtu = replay ? ` mtu ${REPLAY_MTU}` : '';
  for (const role of ends) {
    const device = gatewayInterface(role);
    const near = `link add ${device} address ${gatewayHardware(role)}${mtu} type veth`;
    links.push(
      `${near} peer name ${END_INTERFACE} address ${endHardware(role)}${mtu} netns ${namespaces[role]}`,
    );
    if (!replay) {
      links.push(`addr add ${gatewayAddress(role, 4)}/24 dev ${device}`);
      links.push(`addr add ${gatewayAddress(role, 6)}/64 dev ${device} nodad`);
    }
    links.push(`link set ${device} up${replay ? ' arp off' : ''}`);
  }
  ip(['-n', gateway, '-batch', '-'], `${links.join('\n')}\n`);

  for (const role of ends) {
    const commands = ['link set lo up'];
    if (!replay) {
      commands.push(`addr add ${endAddress(role, 4)}/24 dev ${END_INTERFACE}`);
      commands.push(`addr add ${endAddress(role, 6)}/64 dev ${END_INTERFACE} nodad`);
    }
    commands.push(`link set ${END_INTERFACE} up`);
    if (!replay) {
      commands.push(`route add default via ${gatewayAddress(role, 4)}`);
      commands.push(`route add default via ${gatewayAddress(role, 6)}`);
    }
    ip(['-n', namespaces[role] as string, '-batch', '-'], `${commands.join('\n')}\n`);
  }
  if (replay) crossRoutes(gateway);
}

/** Whatever its addresses: what comes from the attacker's side leaves to the server's, and the other way round. */
function crossRoutes(gateway: string): void {
  const sides = [
    { from: 'attacker', to: 'server', table: 101 },
    { from: 'server', to: 'attacker', table: 102 },
  ] as const;
  const commands = sides.flatMap(({ from, to, table }) => [
    `rule add iif ${gatewayInterface(from)} lookup ${table} priority ${table}`,
    `route add default dev ${gatewayInterface(to)} table ${table}`,
  ]);
  for (const family of ['-4', '-6']) ip([family, '-n', gateway, '-batch', '-'], `${commands.join('\n')}\n`);
}

function setSysctls(namespace: string, role: Role, options: TopologyOptions): void {
  const settings: Record<string, number> = {
    // Duplicate address detection would keep addresses from being used for a second.
    'ipv6/conf/all/accept_dad': 0,
    'ipv6/conf/default/accept_dad': 0,
    'ipv6/conf/default/dad_transmits': 0,
    'ipv6/conf/all/accept_ra': 0,
    'ipv6/conf/default/accept_ra': 0,
    // The larger of `all` and the interface's own counts.
    'ipv4/conf/all/rp_filter': role === 'gateway' ? options.rpFilter : 0,
    'ipv4/conf/default/rp_filter': role === 'gateway' ? options.rpFilter : 0,
  };
  if (role === 'gateway') {
    settings['ipv4/ip_forward'] = 1;
    settings['ipv6/conf/all/forwarding'] = 1;
    settings['ipv6/conf/default/forwarding'] = 1;
    settings['ipv4/conf/all/send_redirects'] = 0;
    settings['ipv4/conf/default/send_redirects'] = 0;
  }
  if (options.replay) {
    // Nobody speaks but the capture: no router solicitations, no multicast listener reports.
    settings['ipv6/conf/default/addr_gen_mode'] = 1;
    settings['ipv4/conf/all/route_localnet'] = 1;
    settings['ipv4/conf/all/accept_local'] = 1;
  }
  const script = Object.entries(settings).map(([key, value]) => `echo ${value} > /proc/sys/net/${key}`);
  ip(['netns', 'exec', namespace, 'sh', '-e'], `${script.join('\n')}\n`);
}
