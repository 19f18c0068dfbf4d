import { FirewallError } from './errors';
import { jump, targetOf } from './jumps';
import { Chain, type Family, SetName } from './names';
import { normalisePorts, type PortRange } from './ports';

/** Ports of this host that are to look open where no program listens on them. */
export interface DecoyPlan {
  readonly ports: readonly PortRange[];
  /** Ports of the loopback addresses on which somebody accepts (`IP_TRANSPARENT`), by family. */
  readonly listeners: Readonly<Partial<Record<Family, number>>>;
}

/** @throws FirewallError PLAN_INVALID, PORTS_INVALID */
export function checkDecoys({ ports, listeners }: DecoyPlan): void {
  normalisePorts(ports);
  for (const port of Object.values(listeners)) {
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      throw new FirewallError('PLAN_INVALID', `${port} is not the port of a listener for decoys.`);
  }
}

/** Seconds for which a source is led to a decoy once its attempt has been seen; longer than a SYN is repeated after. */
const SEEN_SECONDS = 60;
/** Attempts that are remembered at once: a flood of forged ones must not take more. */
const SEEN_ENTRIES = 65_536;
/** New connections that are accepted in a second, all sources together; the burst is as many again. */
const PER_SECOND = 100;

const seenSet = (family: Family): string => (family === 4 ? SetName.decoySeen4 : SetName.decoySeen6);

/** Sets for decoys, as lines for `ipset restore`; what is remembered there stays. */
export function decoySetLines({ ports }: DecoyPlan): string[] {
  const seen = ([4, 6] as const).map(
    (family) =>
      `create ${seenSet(family)} hash:ip,port,ip family ${family === 4 ? 'inet' : 'inet6'} timeout ${SEEN_SECONDS} maxelem ${SEEN_ENTRIES}\n`,
  );
  const create = `create ${SetName.decoyPorts} bitmap:port range 0-65535\n`;
  const add = normalisePorts(ports).map(({ first, last }) => `add ${SetName.decoyPorts} ${first}-${last}\n`);
  return [create, `flush ${SetName.decoyPorts}\n`, ...add, ...seen];
}

/**
 * Leads connections to ports that no program listens on to whoever accepts them for us. Only the kernel knows whether a
 * program listens, and whether a packet is for this host at all: before address translation (where TPROXY has to
 * stand) a forwarded connection may look like one to this host, and TPROXY would break it. So a first SYN is let go
 * as far as INPUT. When it arrives there, it was neither translated nor forwarded; if no socket waits for it, it is
 * dropped and remembered, and when the sender repeats it, a second later, it is led away.
 *
 * Asked in INPUT behind the administrator's chain: what is not inspected is not led to a decoy either.
 */
function decoyRules(
  { listeners }: DecoyPlan,
  family: Family,
): { divert: readonly string[]; learn: readonly string[] } {
  const listener = listeners[family];
  if (listener === undefined) return { divert: [], learn: [] };
  const first = '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN';
  const ports = `${first} -m set --match-set ${SetName.decoyPorts} dst`;
  const entry = `${seenSet(family)} src,dst,dst`;
  const seen = `-m set --match-set ${entry}`;
  const address = family === 4 ? '127.0.0.1' : '::1';
  return {
    divert: [
      `${ports} ${seen} -m socket --nowildcard -j RETURN`,
      `${ports} ${seen} -m limit --limit ${PER_SECOND}/sec --limit-burst ${PER_SECOND} -j TPROXY --on-port ${listener} --on-ip ${address} --tproxy-mark 0x0/0x0`,
    ],
    learn: [
      '-i lo -j RETURN',
      `${ports} -m socket --nowildcard -j RETURN`,
      `${ports} -j SET --add-set ${entry} --exist`,
      `${ports} ${seen} -j DROP`,
    ],
  };
}

/** Adds the chains to those of the mangle table, and their jumps. */
export function addDecoys(
  plan: DecoyPlan,
  family: Family,
  chains: Map<string, readonly string[]>,
  jumps: Map<string, readonly string[]>,
): void {
  const { divert, learn } = decoyRules(plan, family);
  if (divert.length === 0) return;
  chains.set(Chain.decoy, learn);
  chains.set(Chain.divert, divert);
  jumps.set('PREROUTING', [jump(Chain.divert)]);
  jumps.set(
    'INPUT',
    (jumps.get('INPUT') ?? []).flatMap((rule) =>
      targetOf(rule) === Chain.main ? [jump(Chain.decoy), rule] : [rule],
    ),
  );
}
