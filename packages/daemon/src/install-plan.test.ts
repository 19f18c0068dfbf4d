import { type Configuration, loadConfiguration } from '@portcullis/configuration';
import type { RuleSummary } from '@portcullis/engine';
import { installPlan } from './install-plan';

const rules: RuleSummary = {
  loaded: 1,
  failed: [],
  disabled: 0,
  seconds: 0,
  ports: { ranges: [{ first: 25, last: 25 }], anyPortRules: [], named: [{ first: 25, last: 25 }] },
  datagrams: ['icmp'],
  replyPayload: true,
};
const web = [53, 80, 443].map((port) => ({ first: port, last: port }));
const LIST = { name: 'a', file: 'a', format: 'hosts', category: 'c' };

function plan(settings: object) {
  const overrides = Object.entries({ protect: { networks: ['10.0.0.0/8'] }, ...settings }).map(
    ([key, value]) => `${key}=${JSON.stringify(value)}`,
  );
  const configuration: Configuration = loadConfiguration({ file: null, overrides });
  return installPlan(configuration, {
    on: true,
    mode: 'standard',
    generation: 1,
    rules,
    decoyListeners: null,
  });
}

test('of what the protected side asks for nothing is queued unless something needs it', () => {
  expect(plan({})).not.toHaveProperty('outbound');
  expect(plan({ 'network-activity': { malware: 'ignore' } })).not.toHaveProperty('outbound');
});

test('lists of web addresses need the ports where they are asked for', () => {
  const { outbound, ports, protocols } = plan({ 'web-addresses': { lists: [LIST] } });
  expect(outbound).toEqual({ tcp: web, udp: web });
  expect(ports).toEqual([{ first: 25, last: 25 }, ...web]);
  expect(protocols).toEqual(['tcp', 'icmp']);
  const both = plan({ 'web-addresses': { lists: [LIST] }, scan: { direction: 'both' } });
  expect(both.protocols).toEqual(['tcp', 'icmp', 'udp']);
});

test.each([
  ['a category', { 'network-activity': { malware: 'notify' } }],
  ['the kind', { 'action-on-detect': { 'network-activity': 'drop' } }],
])('network activity, by %s, needs the ports of the rules', (_, settings) => {
  expect(plan(settings).outbound).toEqual({ tcp: [{ first: 25, last: 25 }], icmp: 'any' });
  expect(plan({ ...settings, 'web-addresses': { lists: [LIST] } }).outbound).toEqual({
    tcp: [{ first: 25, last: 25 }, ...web],
    udp: web,
    icmp: 'any',
  });
});
