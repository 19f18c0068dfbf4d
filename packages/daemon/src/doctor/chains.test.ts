import {
  circumstances,
  defaultConfiguration,
  engineFacts,
  firewallFacts,
  NO_ENGINE,
  NOTHING_STANDS,
} from '../../testing/fake-host';
import { checkBanRule, checkBypassChain, checkLeftovers, checkQueueRules, removalCommands } from './chains';

/** The rules of one family with a line changed. */
const inFamily = (which: 4 | 6, from: string, to: string) =>
  firewallFacts({
    tables: (text, family) => {
      if (family !== which) return text;
      expect(text).toContain(from);
      return text.replace(from, to);
    },
  });
const TOWARDS_BANNED = '-m set --match-set portcullis_ban6 dst ! --update-counters -j portcullis_ban';
const unreadable = { problem: 'iptables is not installed' } as const;

describe('the bypass chain', () => {
  test('is entered first', () => {
    expect(checkBypassChain(circumstances())).toMatchObject({
      state: 'ok',
      seen: 'entered first in FORWARD, INPUT, OUTPUT (IPv4, IPv6); empty',
    });
  });

  test('holds rules of the administrator', () => {
    const firewall = inFamily(4, 'COMMIT\n*mangle', 'COMMIT\n*mangle\n-A portcullis_bypass -p udp -j ACCEPT');
    expect(checkBypassChain(circumstances({ firewall })).seen).toMatch(
      /holds rules of the administrator's: 1$/,
    );
  });

  test.each([
    ['-A INPUT -j portcullis_bypass\n', '', 'ip6tables-nft mangle INPUT does not enter portcullis_bypass'],
    [
      '-A FORWARD -j portcullis_bypass',
      '-A FORWARD -s 192.0.2.1/32 -j ACCEPT\n-A FORWARD -j portcullis_bypass',
      "ip6tables-nft mangle FORWARD: '-s 192.0.2.1/32 -j ACCEPT' stands before portcullis_bypass",
    ],
    [
      '-A OUTPUT -j portcullis_bypass\n-A OUTPUT -j portcullis\n',
      '-A OUTPUT -j portcullis\n-A OUTPUT -j portcullis_bypass\n',
      "ip6tables-nft mangle OUTPUT: '-j portcullis' stands before portcullis_bypass",
    ],
  ])('fails with %j instead of %j', (from, to, seen) => {
    const running = checkBypassChain(circumstances({ firewall: inFamily(6, from, to) }));
    expect(running).toMatchObject({ state: 'failed', seen });
    expect(running.mend).toMatch(/puts its rules back/);
    const dead = checkBypassChain(circumstances({ firewall: inFamily(6, from, to), engine: NO_ENGINE }));
    expect(dead).toMatchObject({ state: 'failed', seen, mend: expect.stringMatching(/start the engine/) });
  });

  test('only counts where packets are queued', () => {
    const firewall = inFamily(4, '-A FORWARD -j portcullis_bypass\n', '');
    const configuration = defaultConfiguration('protect.networks=[]');
    expect(checkBypassChain(circumstances({ firewall, configuration })).state).toBe('ok');
  });

  test('is unknown where none is to be, or the tables cannot be read', () => {
    for (const changes of [
      { engine: NO_ENGINE, firewall: firewallFacts(NOTHING_STANDS) },
      { engine: engineFacts({ state: 'disabled' }), firewall: firewallFacts(NOTHING_STANDS) },
      { firewall: unreadable },
    ]) {
      expect(checkBypassChain(circumstances(changes)).state).toBe('unknown');
      expect(checkQueueRules(circumstances(changes)).state).toBe('unknown');
    }
  });

  test('fails where an engine runs and nothing stands', () => {
    const { state, seen } = checkBypassChain(circumstances({ firewall: firewallFacts(NOTHING_STANDS) }));
    expect([state, seen]).toEqual(['failed', expect.stringContaining('chain portcullis_bypass is gone')]);
  });
});

describe('the rules for queueing', () => {
  test('lead to every queue', () => {
    expect(checkQueueRules(circumstances())).toMatchObject({
      state: 'ok',
      seen: 'lead to queues 0, 1 (IPv4, IPv6), passing where nobody is bound (--queue-bypass)',
    });
  });

  test.each([
    ['-A INPUT -j portcullis\n', '', 'iptables-nft mangle INPUT does not enter portcullis'],
    ['--queue-num 1 ', '--queue-num 11 ', 'iptables-nft mangle: no rule leads to queue 1'],
    [
      '--queue-num 0 --queue-bypass',
      '--queue-num 0',
      'iptables-nft mangle: the rule for queue 0 fails closed, configured is open',
    ],
  ])('fail with %j instead of %j', (from, to, seen) => {
    const finding = checkQueueRules(circumstances({ firewall: inFamily(4, from, to) }));
    expect(finding).toMatchObject({ state: 'failed', seen });
  });

  test('fail open in Monitoring mode, whatever is configured', () => {
    const configuration = defaultConfiguration('nfqueue.fail-open=false');
    expect(checkQueueRules(circumstances({ configuration })).seen).toMatch(
      /fails open, configured is closed/,
    );
    expect(checkQueueRules(circumstances({ configuration, mode: 'monitoring' })).state).toBe('ok');
  });
});

describe('the ban rule', () => {
  test('stands in raw', () => {
    expect(checkBanRule(circumstances())).toMatchObject({
      state: 'ok',
      seen: 'first in raw PREROUTING (IPv4, IPv6), 3 banned',
    });
  });

  test.each([
    ['-A PREROUTING -j portcullis\n', '', /raw PREROUTING does not enter portcullis;/],
    [
      '-A PREROUTING -j portcullis\n',
      '-A PREROUTING -i eth0 -j ACCEPT\n-A PREROUTING -j portcullis\n',
      /raw PREROUTING: '-i eth0 -j ACCEPT' stands before portcullis;/,
    ],
    ['src -j DROP', 'src -j ACCEPT', /raw portcullis does not drop;/],
    ['-A OUTPUT -j portcullis_out\n', '', /raw OUTPUT does not enter portcullis_out;/],
    [`-A FORWARD ${TOWARDS_BANNED}\n`, '', /mangle FORWARD does not enter portcullis_ban;/],
  ])('fails with %j instead of %j', (from, to, seen) => {
    const finding = checkBanRule(circumstances({ firewall: inFamily(6, from, to) }));
    expect(finding).toMatchObject({ state: 'failed', seen: expect.stringMatching(seen) });
    expect(finding.seen).toMatch(/^ip6tables-nft .*; 3 banned devices are not kept out$/);
  });

  test('is wanted for bans that have outlived the engine', () => {
    const sets = (text: string) => text.slice(0, text.indexOf('Name: portcullis_ports'));
    const left = firewallFacts({ tables: () => '', sets });
    expect(checkBanRule(circumstances({ engine: NO_ENGINE, firewall: left })).state).toBe('failed');
    const none = firewallFacts(NOTHING_STANDS);
    expect(checkBanRule(circumstances({ engine: NO_ENGINE, firewall: none })).state).toBe('unknown');
  });

  test('is not wanted in Monitoring mode', () => {
    const firewall = firewallFacts(NOTHING_STANDS);
    expect(checkBanRule(circumstances({ mode: 'monitoring', firewall })).state).toBe('ok');
    expect(checkBanRule(circumstances({ firewall: unreadable })).state).toBe('unknown');
  });
});

describe('leftovers of the other variant', () => {
  test('none', async () => {
    expect(await checkLeftovers(circumstances())).toMatchObject({
      state: 'ok',
      seen: 'none in iptables-legacy',
    });
    expect((await checkLeftovers(circumstances({ firewall: unreadable }))).state).toBe('unknown');
  });

  test('are named, with the commands that remove them', async () => {
    const found = [
      'iptables-legacy mangle: chain portcullis',
      'iptables-legacy mangle: rule of FORWARD: -j portcullis',
    ];
    const finding = await checkLeftovers(circumstances({ firewall: firewallFacts({}, found) }));
    expect(finding).toMatchObject({ state: 'failed', seen: found.join('; ') });
    expect(finding.mend?.split(' && ')).toEqual([
      'iptables-legacy -w -t mangle -D FORWARD -j portcullis',
      'iptables-legacy -w -t mangle -F portcullis',
      'iptables-legacy -w -t mangle -X portcullis',
    ]);
    expect(removalCommands(['something else'])).toEqual([]);
  });
});
