import type {
  BanEntry,
  FirewallBackend,
  KernelBan,
  PacketCount,
  RemovalOptions,
  RemovalReport,
} from './backend';
import { FirewallError } from './errors';
import { type Family, familyOf } from './names';
import { checkPlan, type InstallPlan } from './plan';
import { normalisePorts, type PortRange, type PortSelection } from './ports';
import { banRefusal, checkDuration, Prefix, refuse } from './prefix';

interface Held {
  readonly prefix: Prefix;
  /** Milliseconds of the clock; Infinity: without end. */
  readonly until: number;
  readonly exception: boolean;
}

/**
 * The kernel's stand-in: a dry run, and the fake for tests. Same refusals and the same semantics of bans (whole
 * seconds, prefixes, exceptions), with the most specific entry deciding, as in a hash:net set.
 */
export class MemoryFirewall implements FirewallBackend {
  readonly name = 'memory';
  /** Set by tests. */
  families: readonly Family[] = [4, 6];
  plan: InstallPlan | undefined;
  ports: PortRange[] = [];
  /** Rules of the administrator's chain; set by tests. */
  bypass: string[] = [];
  /** What queueRulePackets reports; set by tests. */
  queued: PacketCount = { ipv4: 0, ipv6: 0 };
  /** Thrown by the next calls that change bans; set by tests. */
  failBansWith: FirewallError | undefined;
  private held = new Map<string, Held>();

  constructor(private readonly now: () => number = Date.now) {}

  install(plan: InstallPlan): Promise<void> {
    return attempt(() => {
      checkPlan(plan);
      this.ports = normalisePorts(plan.ports);
      this.plan = plan;
    });
  }

  remove({ purge = false, lift = purge }: RemovalOptions = {}): Promise<RemovalReport> {
    return attempt(() => {
      this.plan = undefined;
      this.ports = [];
      if (lift) this.held.clear();
      if (purge) this.bypass = [];
      return { bansLeft: this.alive().length, bypassKept: this.bypass.length > 0 };
    });
  }

  verify(): Promise<string[]> {
    return Promise.resolve(this.plan ? [] : ['the firewall rules are not installed']);
  }

  repair(): Promise<string[]> {
    return this.verify();
  }

  mayHaveChanged(): boolean {
    return false;
  }

  bypassRules(): Promise<number> {
    return Promise.resolve(this.bypass.length);
  }

  leftovers(): Promise<string[]> {
    return Promise.resolve([]);
  }

  setPorts(ports: PortSelection): Promise<void> {
    return attempt(() => {
      const ranges = normalisePorts(ports);
      if (!this.plan) throw new FirewallError('NOT_INSTALLED', 'the firewall rules are not installed.');
      this.ports = ranges;
    });
  }

  queueRulePackets(): Promise<PacketCount> {
    return Promise.resolve(this.queued);
  }

  dropCounters(): Promise<{ packets: number; bytes: number }> {
    return Promise.resolve({ packets: 0, bytes: 0 });
  }

  ban(prefix: string, seconds: number): Promise<void> {
    return this.change(() => {
      checkDuration(seconds);
      const parsed = Prefix.parse(prefix);
      const reason = banRefusal(parsed);
      if (reason !== undefined) refuse(parsed, reason);
      this.put({ prefix: parsed.text, remaining: Math.ceil(seconds) });
    });
  }

  unban(prefix: string): Promise<void> {
    return this.change(() => {
      const outer = Prefix.parse(prefix);
      for (const [text, { prefix: inner }] of this.held) if (outer.contains(inner)) this.held.delete(text);
    });
  }

  unbanEach(prefixes: readonly string[]): Promise<void> {
    return this.change(() => {
      for (const prefix of prefixes) this.held.delete(Prefix.parse(prefix).text);
    });
  }

  unbanAll(): Promise<void> {
    return this.change(() => this.held.clear());
  }

  except(prefix: string, seconds: number): Promise<void> {
    return this.change(() => {
      if (seconds !== 0) checkDuration(seconds);
      this.put({ prefix: Prefix.parse(prefix).text, remaining: Math.ceil(seconds), exception: true });
    });
  }

  restoreBans(entries: Iterable<BanEntry>, _count: number): Promise<void> {
    return this.change(() => {
      for (const entry of entries) if (this.families.includes(familyOf(entry.prefix))) this.put(entry);
    });
  }

  listBans(): Promise<KernelBan[]> {
    const now = this.now();
    return Promise.resolve(
      this.alive().map(({ prefix, until, exception }) => ({
        prefix: prefix.text,
        remaining: until === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.floor((until - now) / 1000)),
        packets: 0,
        bytes: 0,
        exception,
      })),
    );
  }

  async eachBan(visit: (ban: KernelBan) => void): Promise<void> {
    for (const ban of await this.listBans()) visit(ban);
  }

  holdsAll(prefixes: readonly string[]): Promise<boolean> {
    return attempt(() => {
      const held = this.alive();
      return prefixes.every((text) => {
        this.assertSetFor(text);
        const prefix = Prefix.parse(text);
        return held.some((each) => each.prefix.contains(prefix));
      });
    });
  }

  banCount(): Promise<number> {
    return Promise.resolve(this.alive().length);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Whether a packet from this address would be dropped. */
  drops(address: string): boolean {
    const host = Prefix.parse(address);
    let best: Held | undefined;
    for (const held of this.alive()) {
      if (held.prefix.contains(host) && held.prefix.length > (best?.prefix.length ?? -1)) best = held;
    }
    return best !== undefined && !best.exception;
  }

  private put({ prefix, remaining, exception }: BanEntry): void {
    const until = remaining === 0 ? Number.POSITIVE_INFINITY : this.now() + remaining * 1000;
    const parsed = Prefix.parse(prefix);
    this.held.set(parsed.text, { prefix: parsed, until, exception: exception ?? false });
  }

  /** @throws FirewallError SET_MISSING, as the kernel does */
  private assertSetFor(prefix: string): void {
    if (!this.families.includes(familyOf(prefix)))
      throw new FirewallError('SET_MISSING', `there is no set for ${prefix}.`);
  }

  private alive(): Held[] {
    const now = this.now();
    for (const [text, { until }] of this.held) if (until <= now) this.held.delete(text);
    return [...this.held.values()];
  }

  private change(work: () => void): Promise<void> {
    return attempt(() => {
      if (this.failBansWith) throw this.failBansWith;
      work();
    });
  }
}

/** What throws, rejects: callers of the contract see promises only. */
async function attempt<T>(work: () => T): Promise<T> {
  return work();
}
