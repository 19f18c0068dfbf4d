import type { Family } from './names';
import type { InstallPlan } from './plan';
import type { PortSelection } from './ports';

/** An entry of the kernel's ban sets. */
export interface KernelBan {
  /** Normal form, as Prefix.text. */
  readonly prefix: string;
  /** Seconds left; 0: without end. */
  readonly remaining: number;
  readonly packets: number;
  readonly bytes: number;
  /** True: not a ban but an exception within one. */
  readonly exception: boolean;
}

export interface BanEntry {
  readonly prefix: string;
  /** Seconds left; 0: without end. */
  readonly remaining: number;
  readonly exception?: boolean;
}

export interface RemovalOptions {
  /** Everything. */
  readonly purge?: boolean;
  /** Bans leave the kernel too, whatever time they have left. */
  readonly lift?: boolean;
}

export interface RemovalReport {
  /** Bans that stay in force. */
  readonly bansLeft: number;
  /** The administrator's bypass chain has rules (in one family at least) and was left with its jumps. */
  readonly bypassKept: boolean;
}

export interface PacketCount {
  readonly ipv4: number;
  readonly ipv6: number;
}

/**
 * The kernel's firewall, or its stand-in. Every change either takes effect or throws a FirewallError.
 * KernelFirewall is the real one, MemoryFirewall the fake.
 */
export interface FirewallBackend {
  /** For people: `iptables-nft`, `iptables-legacy`, `memory`. */
  readonly name: string;
  /** Those that the kernel has: of others nothing comes, and nobody is kept out. */
  readonly families: readonly Family[];

  /**
   * Puts chains, rules and sets in place, whatever an earlier run left; all or nothing.
   *
   * @throws FirewallError PLAN_INVALID, PORTS_INVALID, MARK_MASK_INVALID, NOT_PERMITTED or INSTALL_FAILED (everything
   * is as it was before), UNDO_FAILED (it is not; the message says what to do)
   */
  install(plan: InstallPlan): Promise<void>;
  /**
   * Takes away what install made. Without `lift` or `purge`, bans stay in force (sets and drop rules) while there are
   * any; without `purge`, a bypass chain with rules stays with its jumps.
   */
  remove(options?: RemovalOptions): Promise<RemovalReport>;
  /** What differs from what install left, each as a sentence; empty when all is well. */
  verify(): Promise<string[]>;
  /** Puts back what differs from what install left. @returns as verify */
  repair(): Promise<string[]>;
  /** Whether somebody has changed tables since the last look found them right, as far as the kernel says; at once. */
  mayHaveChanged(): boolean;
  /** Number of rules in the administrator's bypass chain, both families together. */
  bypassRules(): Promise<number>;
  /** Objects of ours in the iptables variant that is not in use. */
  leftovers(): Promise<string[]>;
  /** Swaps the set of queued TCP ports in one step. */
  setPorts(ports: PortSelection): Promise<void>;
  /** Packets that our NFQUEUE rules took, ever since this object was made. */
  queueRulePackets(): Promise<PacketCount>;
  /** Packets and bytes that our DROP rules took, from and towards banned addresses. */
  dropCounters(): Promise<{ packets: number; bytes: number }>;

  /**
   * The kernel has the ban when the call returns (later only where a set must grow first). Repeating it sets the
   * time anew.
   *
   * @throws FirewallError BAN_REFUSED, ADDRESS_INVALID, DURATION_INVALID, SET_MISSING, SET_FULL, IPSET_FAILED,
   * NOT_PERMITTED, BAN_FAILED (no IPv6 in this kernel)
   */
  ban(prefix: string, seconds: number): Promise<void>;
  /** Lifts the ban of this prefix and of every prefix inside it. */
  unban(prefix: string): Promise<void>;
  /** Lifts the bans of these prefixes only. */
  unbanEach(prefixes: readonly string[]): Promise<void>;
  /** @param known prefixes that there are, as far as the caller knows; for whoever has to free a million of them */
  unbanAll(known?: Iterable<string>): Promise<void>;
  /** Lets one prefix in though a wider one is banned, for so long (0: without end). */
  except(prefix: string, seconds: number): Promise<void>;
  /** Adds many at once; existing ones get the time given. Those of a family that the kernel has not are left out. */
  restoreBans(entries: Iterable<BanEntry>, count: number): Promise<void>;
  listBans(): Promise<KernelBan[]>;
  /** The same, one by one: a million of them need not stand in memory together. */
  eachBan(visit: (ban: KernelBan) => void): Promise<void>;
  /** Whether the kernel has an entry for each of these (whole addresses may be covered by another). Cheap. */
  holdsAll(prefixes: readonly string[]): Promise<boolean>;
  /** Number of entries, exceptions included. With many of them the kernel takes milliseconds to count. */
  banCount(): Promise<number>;
  /** Ends resident children; the kernel keeps what it has. */
  close(): Promise<void>;
}
