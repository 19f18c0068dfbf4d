import { addDecoys } from './decoys';
import { exclusionRules } from './exclusions';
import { jump } from './jumps';
import { MarkLayout } from './marks';
import { Chain, type Family, SetName, type Table } from './names';
import { outboundRules } from './outbound';
import { type InstallPlan, type QueuedProtocol, queuedProtocols } from './plan';
import { isEveryPort } from './ports';
import { Prefix } from './prefix';
import { ofQueue } from './spread';

/** What stands in one table: our chains with their rules, and the rules that lead to them, in order, at the head of a hook. */
export interface TableRules {
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly jumps: ReadonlyMap<string, readonly string[]>;
}

export type Ruleset = Readonly<Record<Table, TableRules>>;

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** The rules for one address family, in the language of iptables-restore. */
export function ruleset(plan: InstallPlan, family: Family): Ruleset {
  const { forward, input, output } = plan.hooks;
  const enforce = !plan.monitoring;
  const layout = MarkLayout.from(plan.markMask, plan.queues.last - plan.queues.first + 1);
  const exclusions = exclusionRules(plan.exclusions ?? [], family);
  const exclude = exclusions.length > 0 ? [jump(Chain.exclude)] : [];
  const queueing = [
    jump(Chain.enter, '-m conntrack --ctdir ORIGINAL'),
    jump(Chain.bypass),
    ...exclude,
    jump(Chain.main),
  ];
  const save = saveRules(layout);
  const toSave = [jump(Chain.save, `-m mark ! --mark 0x0/${hex(layout.mask)}`)];

  const mangle = new Map<string, readonly string[]>();
  const mangleJumps = new Map<string, readonly string[]>();
  if (enforce) mangle.set(Chain.ban, towardsBanned(family));
  if (forward || input || output) {
    mangle.set(Chain.enter, enterRules(layout));
    if (exclusions.length > 0) mangle.set(Chain.exclude, exclusions);
    mangle.set(Chain.main, assignedRules(plan, layout, family));
    const unassigned = unassignedRules(plan, layout);
    const queue = queueRules(plan, layout, family);
    mangle.set(Chain.takenUp, takenUpRules(plan, family));
    if (plan.inbound === undefined) mangle.set(Chain.unassigned, [...unassigned, ...queue]);
    else {
      // A goto comes back behind our chains: what is not towards the protected side is not queued.
      mangle.set(Chain.unassigned, [
        ...unassigned,
        `-m conntrack --ctdir ORIGINAL -g ${Chain.inbound}`,
        `-m conntrack --ctdir REPLY -g ${Chain.replies}`,
        `-j ${Chain.queue}`,
      ]);
      mangle.set(Chain.inbound, [
        ...outboundRules(plan, family, 'source'),
        ...towardsProtected(plan.inbound, family, 'destination'),
      ]);
      mangle.set(Chain.replies, [
        ...outboundRules(plan, family, 'destination'),
        ...towardsProtected(plan.inbound, family, 'source'),
      ]);
      mangle.set(Chain.queue, queue);
    }
  }
  mangleJumps.set('FORWARD', [...(enforce ? [towardsBannedJump(family)] : []), ...(forward ? queueing : [])]);
  mangleJumps.set('INPUT', input ? queueing : []);
  mangleJumps.set('OUTPUT', output ? queueing : []);
  if (input && plan.decoys) addDecoys(plan.decoys, family, mangle, mangleJumps);
  if (forward || output) {
    mangle.set(Chain.save, save);
    mangleJumps.set('POSTROUTING', toSave);
  }

  return {
    filter: {
      chains: new Map(input ? [[Chain.save, save]] : []),
      jumps: new Map(input ? [['INPUT', toSave]] : []),
    },
    raw: enforce ? banRules(family, layout) : EMPTY,
    mangle: { chains: mangle, jumps: mangleJumps },
  };
}

/** What stays when the engine stops while bans are in force. */
export function bansOnly(family: Family): Ruleset {
  return {
    filter: EMPTY,
    raw: banRules(family),
    mangle: {
      chains: new Map([[Chain.ban, towardsBanned(family)]]),
      jumps: new Map([['FORWARD', [towardsBannedJump(family)]]]),
    },
  };
}

const EMPTY: TableRules = { chains: new Map(), jumps: new Map() };
export const NOTHING: Ruleset = { filter: EMPTY, raw: EMPTY, mangle: EMPTY };

const banSet = (family: Family): string => (family === 4 ? SetName.ban4 : SetName.ban6);

const banned = (family: Family, end: 'src' | 'dst'): string => `-m set --match-set ${banSet(family)} ${end}`;

/** Asked only. A packet of somebody who is banned is counted once, by the rule that drops it. */
const UNCOUNTED = '! --update-counters';

const towardsBannedJump = (family: Family): string =>
  jump(Chain.ban, `${banned(family, 'dst')} ${UNCOUNTED}`);

function banRules(family: Family, layout?: MarkLayout): TableRules {
  // Nearly everybody: asked first.
  const notBanned = `-m set ! --match-set ${banSet(family)} src ${UNCOUNTED} -j RETURN`;
  // Without router discovery a ban that hits the wrong neighbour would cost the host its default route.
  const discovery = [133, 134].map((type) => `-p ipv6-icmp -m icmp6 --icmpv6-type ${type} -j RETURN`);
  // What the engine injects: to a local socket in the attacker's name, by way of lo; and to the attacker itself.
  const local = '-i lo -j RETURN';
  const mark = layout && `-m mark --mark ${hex(layout.injected)}/${hex(layout.mask)} -j RETURN`;
  return {
    chains: new Map([
      [
        Chain.main,
        [notBanned, local, ...(family === 6 ? discovery : []), `${banned(family, 'src')} -j DROP`],
      ],
      [Chain.out, [...(mark ? [mark] : []), ...towardsBanned(family)]],
    ]),
    jumps: new Map([
      ['PREROUTING', [jump(Chain.main)]],
      ['OUTPUT', [jump(Chain.out)]],
    ]),
  };
}

function towardsBanned(family: Family): string[] {
  return [`${banned(family, 'dst')} -j DROP`];
}

function excludedInterfaces(plan: InstallPlan): string[] {
  const names = ['lo', ...plan.excludedInterfaces.filter((name) => name !== 'lo')];
  return names.flatMap((name) => [`-i ${name} -j RETURN`, `-o ${name} -j RETURN`]);
}

/**
 * Before the bypass chain: an original-direction packet gets the bypass bit as a PACKET mark. An ACCEPT in the bypass
 * chain ends the hook and leaves the bit, which the save chain of a later hook puts into the connection mark; a packet
 * that comes back from the bypass chain loses it. Toggling the connection mark itself would open a moment in which a
 * reply on another processor passes uninspected, and would make two conntrack events of every packet.
 *
 * What stood in the other bits of the mask (somebody's unmasked `CONNMARK --restore-mark` may have copied them) goes.
 */
function enterRules(layout: MarkLayout): string[] {
  const mask = hex(layout.mask);
  const ours = `-m mark ! --mark ${hex(layout.injected)}/${mask}`;
  return [`${ours} -j MARK --set-xmark ${hex(layout.bypassBit)}/${mask}`];
}

/**
 * After the queue, in a later hook: what stands in our bits of the packet mark (the bypass bit, or the offload mark of a
 * verdict) becomes the connection's. All bits of the mask are written together, so that the bypass bit and a value
 * never stand side by side.
 */
function saveRules(layout: MarkLayout): string[] {
  const mask = hex(layout.mask);
  return [
    `-m mark --mark ${hex(layout.injected)}/${mask} -j RETURN`,
    `-j CONNMARK --save-mark --nfmask ${mask} --ctmask ${mask}`,
  ];
}

/** Longest IP packets that can be a bare ACK: IP header (v4 with options; v6 with a fragment or hop-by-hop header) + TCP with options. */
const LONGEST_ACK: Record<Family, number> = { 4: 120, 6: 160 };

/** Which end of a packet is on the protected side; this host is, which takes a route look-up to know. */
function towardsProtected(
  { networks, interfaces }: NonNullable<InstallPlan['inbound']>,
  family: Family,
  end: 'source' | 'destination',
): string[] {
  const [type, option, way] = end === 'source' ? ['--src-type', '-s', '-i'] : ['--dst-type', '-d', '-o'];
  const prefixes = networks.map((text) => Prefix.parse(text)).filter((prefix) => prefix.family === family);
  return [
    ...prefixes.map((prefix) => `${option} ${prefix.text} -j ${Chain.queue}`),
    ...interfaces.map((name) => `${way} ${name} -j ${Chain.queue}`),
    `-m addrtype ${type} LOCAL -j ${Chain.queue}`,
  ];
}

const protocolName = (protocol: QueuedProtocol, family: Family): string =>
  protocol === 'icmp' && family === 6 ? 'ipv6-icmp' : protocol;

/**
 * Nearly every packet ends here, after few rules: its connection is offloaded, or has a queue, which it got when all
 * that is asked further on was answered once. What does not belong to it is asked about anew.
 */
function assignedRules(plan: InstallPlan, layout: MarkLayout, family: Family): string[] {
  const mask = hex(layout.mask);
  const offload = hex(layout.offloadMark(plan.generation));
  const rules = [
    `-m mark --mark ${hex(layout.injected)}/${mask} -j RETURN`,
    // The bypass chain did not accept this packet.
    `-j MARK --set-xmark 0x0/${mask}`,
    // A connection that a conntrack helper expected has inherited its parent's mark without having been inspected.
    `-m connmark --mark ${offload}/${mask} -m conntrack ! --ctstate RELATED -j RETURN`,
  ];
  const rest = `-g ${Chain.unassigned}`;
  // With a single queue connections carry no mark to know them by.
  if (layout.queues > 1) {
    // What a connection with a queue may lack now and then: interfaces are asked of each packet, ports can be changed.
    const others = plan.excludedInterfaces.filter((name) => name !== 'lo');
    rules.push(...others.flatMap((name) => [`-i ${name} ${rest}`, `-o ${name} ${rest}`]));
    for (const protocol of queuedProtocols(plan)) {
      if (protocol === 'tcp') rules.push(...unselected(plan, family).map((match) => `${match} ${rest}`));
      rules.push(...toQueues(plan, layout).map((rule) => `-p ${protocolName(protocol, family)} ${rule}`));
    }
  }
  return [...rules, rest];
}

/** What is known of a packet whose connection has no queue. */
function unassignedRules(plan: InstallPlan, layout: MarkLayout): string[] {
  const mask = hex(layout.mask);
  const bypass = hex(layout.bypassBit);
  const value = hex(layout.valueMask);
  const offload = hex(layout.offloadMark(plan.generation));
  const forget = `-j CONNMARK --set-xmark 0x0/${mask}`;
  return [
    ...excludedInterfaces(plan),
    `-m connmark --mark ${bypass}/${bypass} -m conntrack --ctdir ORIGINAL ${forget}`,
    // Still set: a reply of an excluded connection.
    `-m connmark --mark ${bypass}/${bypass} -j RETURN`,
    // Inherited by an expected connection.
    ...queuedProtocols(plan)
      .filter((protocol) => protocol !== 'icmp')
      .map((protocol) => `-p ${protocol} -m connmark --mark ${offload}/${value} ${forget}`),
    // An error message about an offloaded connection.
    `-m connmark --mark ${offload}/${value} -j RETURN`,
    ...layout
      .unusedMarks(plan.generation)
      .map((mark) => `-m connmark --mark ${hex(mark)}/${value} ${forget}`),
    ...takeUp(layout),
  ];
}

/**
 * A connection that does not begin with a SYN: tracking was switched on meanwhile, or has forgotten it (a sender can see to that,
 * see spread.ts). Its first direction may be the server's then. Asked for what goes towards the protected side, the client's bytes
 * would be replies of it, and nobody would look at them.
 */
function takeUp({ mask, takenUpMark }: MarkLayout): string[] {
  const mark = `${hex(takenUpMark)}/${hex(mask)}`;
  const later = '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW';
  return [
    `${later} -j CONNMARK --set-xmark ${mark}`,
    `-p tcp -m connmark --mark ${mark} -g ${Chain.takenUp}`,
  ];
}

function takenUpRules(plan: InstallPlan, family: Family): string[] {
  const ports = `-m set ! --match-set ${SetName.ports}`;
  return [
    ...(isEveryPort(plan.ports) ? [] : [`-p tcp ${ports} src ${ports} dst -j RETURN`]),
    ...toQueuesByEnds(plan, family, 'tcp').map((rule) => `-p tcp ${rule}`),
  ];
}

/** What is queued. */
function queueRules(plan: InstallPlan, layout: MarkLayout, family: Family): string[] {
  const protocols = queuedProtocols(plan);
  const rules: string[] = [];
  if (protocols.includes('tcp')) rules.push(...unselected(plan, family).map((match) => `${match} -j RETURN`));
  if (protocols.includes('icmp') && family === 6) {
    for (let type = 133; type <= 137; type++) {
      rules.push(`-p ipv6-icmp -m icmp6 --icmpv6-type ${type} -j RETURN`);
    }
  }
  for (const protocol of protocols) {
    rules.push(
      ...spread(plan, layout, family, protocol).map((rule) => `-p ${protocolName(protocol, family)} ${rule}`),
    );
  }
  return rules;
}

/**
 * Matches the TCP packets that are not queued. Exclusions only: INVALID and UNTRACKED packets match neither direction
 * and are queued if either port is selected.
 */
function unselected(plan: InstallPlan, family: Family): string[] {
  const not = `-m set ! --match-set ${SetName.ports}`;
  const rules: string[] = [];
  if (!isEveryPort(plan.ports)) rules.push(`-p tcp ${not} src ${not} dst`);
  if (!isEveryPort(plan.ports) && !plan.eitherPort) {
    rules.push(`-p tcp ${not} dst -m conntrack --ctdir ORIGINAL`);
    rules.push(`-p tcp ${not} src -m conntrack --ctdir REPLY`);
  }
  if (plan.replyPayload === false) {
    const control = '-m tcp --tcp-flags SYN,FIN,RST NONE';
    const long = `-m length --length ${LONGEST_ACK[family] + 1}:65535`;
    rules.push(`-p tcp ${control} ${long} -m conntrack --ctdir REPLY`);
  }
  return rules;
}

/** A new connection gets its queue; both its directions stay there; what has no connection goes where its connection would. */
function spread(plan: InstallPlan, layout: MarkLayout, family: Family, protocol: QueuedProtocol): string[] {
  const byEnds = toQueuesByEnds(plan, family, protocol);
  const { queues } = layout;
  if (queues === 1) return byEnds;
  const mask = hex(layout.mask);
  return [
    ...conditions(family, protocol, queues).map((condition, index) =>
      [
        `-m connmark --mark 0x0/${hex(layout.valueMask)}`,
        ...condition,
        `-j CONNMARK --set-xmark ${hex(layout.queueMark(index))}/${mask}`,
      ].join(' '),
    ),
    ...toQueues(plan, layout),
    ...byEnds,
  ];
}

/** What is asked for each queue, in turn: the last one is asked nothing, what is left is its. */
function conditions(family: Family, protocol: QueuedProtocol, queues: number): string[][] {
  return Array.from({ length: queues }, (_, index) =>
    index < queues - 1 ? [ofQueue(family, protocol, index, queues)] : [],
  );
}

/** To the queue that a connection between these ends has, or would have. */
function toQueuesByEnds(plan: InstallPlan, family: Family, protocol: QueuedProtocol): string[] {
  const queues = plan.queues.last - plan.queues.first + 1;
  return conditions(family, protocol, queues).map((condition, index) =>
    [...condition, toQueue(plan, index)].join(' '),
  );
}

/** To the queue that the connection has got. */
function toQueues(plan: InstallPlan, layout: MarkLayout): string[] {
  const mask = hex(layout.mask);
  return Array.from({ length: layout.queues }, (_, index) => {
    return `-m connmark --mark ${hex(layout.queueMark(index))}/${mask} ${toQueue(plan, index)}`;
  });
}

const toQueue = (plan: InstallPlan, index: number): string =>
  `-j NFQUEUE --queue-num ${plan.queues.first + index}${plan.failOpen ? ' --queue-bypass' : ''}`;
