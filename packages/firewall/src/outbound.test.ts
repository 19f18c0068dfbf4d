import { outboundRules } from './outbound';
import type { InstallPlan } from './plan';
import { ruleset } from './ruleset';

const PLAN: InstallPlan = {
  queues: { first: 0, last: 0 },
  failOpen: true,
  markMask: 0x00f00000,
  generation: 0,
  hooks: { forward: true, input: true, output: true },
  ports: [{ first: 80, last: 80 }],
  excludedInterfaces: [],
  monitoring: false,
  inbound: { networks: ['10.0.0.0/8', 'fd00::/8'], interfaces: ['lan0'] },
};
const port = (number: number) => ({ first: number, last: number });

test('nothing is asked for, no rules', () => {
  expect(outboundRules(PLAN, 4, 'source')).toEqual([]);
  expect(
    outboundRules({ ...PLAN, inbound: undefined as never, outbound: { tcp: 'any' } }, 4, 'source'),
  ).toEqual([]);
});

test('what the protected side asks for, and the answers, by port; datagrams from others are left alone', () => {
  const plan = { ...PLAN, outbound: { tcp: [port(80)], udp: [port(53), { first: 440, last: 443 }] } };
  expect(outboundRules(plan, 4, 'source')).toEqual([
    '-s 10.0.0.0/8 -p tcp -m multiport --dports 80 -j portcullis_queue',
    '-i lan0 -p tcp -m multiport --dports 80 -j portcullis_queue',
    '-m addrtype --src-type LOCAL -p tcp -m multiport --dports 80 -j portcullis_queue',
    '-s 10.0.0.0/8 -p udp -m multiport --dports 53,440:443 -j portcullis_queue',
    '-i lan0 -p udp -m multiport --dports 53,440:443 -j portcullis_queue',
    '-m addrtype --src-type LOCAL -p udp -m multiport --dports 53,440:443 -j portcullis_queue',
    '-p udp -j RETURN',
  ]);
  const answers = outboundRules(plan, 6, 'destination');
  expect(answers[0]).toBe('-d fd00::/8 -p tcp -m multiport --sports 80 -j portcullis_queue');
  expect(answers[1]).toBe('-o lan0 -p tcp -m multiport --sports 80 -j portcullis_queue');
  const { chains } = ruleset(plan, 4).mangle;
  expect(chains.get('portcullis_in')?.slice(0, 7)).toEqual(outboundRules(plan, 4, 'source'));
  expect(chains.get('portcullis_queue')?.some((rule) => rule.startsWith('-p udp '))).toBe(true);
});

test('more ports than one match takes', () => {
  const ports = Array.from({ length: 16 }, (_, number) => port(1000 + 2 * number));
  const rules = outboundRules({ ...PLAN, outbound: { tcp: ports } }, 4, 'source');
  expect(rules).toHaveLength(6);
  expect(rules[3]).toContain('--dports 1030 ');
});

test('protocols that are looked at in both directions are not sent away', () => {
  const rules = outboundRules(
    { ...PLAN, protocols: ['tcp', 'udp'], outbound: { udp: 'any', icmp: 'any' } },
    6,
    'source',
  );
  expect(rules.filter((rule) => rule.endsWith('RETURN'))).toEqual(['-p ipv6-icmp -j RETURN']);
});
