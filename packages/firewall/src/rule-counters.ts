import type { PacketCount } from './backend';
import type { Iptables, RuleCount } from './iptables';
import { Chain, type Family } from './names';

type QueueRuleCounts = Readonly<Record<Family, readonly RuleCount[]>>;

/** What our rules have counted. Rules that are written anew count from zero: what they had counted is kept here. */
export class RuleCounters {
  /** What our queue rules had counted before they were written anew. */
  private readonly before = { 4: 0, 6: 0 };

  constructor(
    private readonly iptables: Iptables,
    private readonly families: readonly Family[],
  ) {}

  /** What the queue rules that stand now have counted; to be read before they are changed. */
  async queueRules(): Promise<QueueRuleCounts> {
    const chains = [Chain.main, Chain.unassigned, Chain.queue, Chain.takenUp];
    const [ipv4, ipv6] = await Promise.all(
      ([4, 6] as const).map(async (family) =>
        this.families.includes(family)
          ? this.iptables.counters(family, 'mangle', chains, / -j NFQUEUE /)
          : [],
      ),
    );
    return { 4: ipv4 as RuleCount[], 6: ipv6 as RuleCount[] };
  }

  /** These stand no more. */
  retire(family: Family, counts: readonly RuleCount[]): void {
    this.before[family] += packetsOf(counts);
  }

  /** Of all queue rules there ever were. Not while they are being written: what was counted would be missing or twice. */
  async queued(): Promise<PacketCount> {
    const now = await this.queueRules();
    return { ipv4: this.before[4] + packetsOf(now[4]), ipv6: this.before[6] + packetsOf(now[6]) };
  }

  /** Of the rules that drop what comes from banned addresses, or goes towards them. */
  async dropped(): Promise<{ packets: number; bytes: number }> {
    const places = [
      ['raw', [Chain.main, Chain.out]],
      ['mangle', [Chain.ban]],
    ] as const;
    let packets = 0;
    let bytes = 0;
    for (const family of this.families) {
      for (const [table, chains] of places) {
        for (const count of await this.iptables.counters(family, table, chains, / -j DROP$/)) {
          packets += count.packets;
          bytes += count.bytes;
        }
      }
    }
    return { packets, bytes };
  }
}

const packetsOf = (counts: readonly RuleCount[]): number =>
  counts.reduce((sum, { packets }) => sum + packets, 0);
