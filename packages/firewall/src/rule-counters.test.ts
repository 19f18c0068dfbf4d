import type { Iptables } from './iptables';
import type { Family } from './names';
import { RuleCounters } from './rule-counters';

let standing: Record<Family, number>;
const iptables = {
  counters: async (family: Family, table: string, chains: readonly string[]) =>
    chains.map((chain, position) => ({
      chain: `${table} ${chain}`,
      position,
      packets: position === 0 ? standing[family] : 0,
      bytes: 100 * standing[family],
    })),
} as unknown as Iptables;

beforeEach(() => {
  standing = { 4: 5, 6: 3 };
});

test('what rules had counted before they were written anew goes on being counted', async () => {
  const counters = new RuleCounters(iptables, [4, 6]);
  expect(await counters.queued()).toEqual({ ipv4: 5, ipv6: 3 });
  counters.retire(4, (await counters.queueRules())[4]);
  standing = { 4: 2, 6: 4 };
  expect(await counters.queued()).toEqual({ ipv4: 7, ipv6: 4 });
});

test('a family that the kernel has not is not asked for', async () => {
  const counters = new RuleCounters(iptables, [4]);
  expect(await counters.queued()).toEqual({ ipv4: 5, ipv6: 0 });
  expect(await counters.dropped()).toEqual({ packets: 10, bytes: 1500 });
});
