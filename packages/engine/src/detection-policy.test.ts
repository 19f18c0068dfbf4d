import type { CompiledRule } from '@portcullis/matcher';
import { NameTable } from '@portcullis/matcher';
import { createProtocols } from '@portcullis/protocols';
import { parseAddress } from '@portcullis/wire';
import { ruleSource } from '../testing/inspection';
import {
  DEFAULT_DETECTION_POLICY,
  DetectionPolicy,
  type DetectionPolicySettings,
  type KindRow,
} from './detection-policy';
import { loadRules } from './rule-loading';

const TO_SERVER = 0;
const TO_CLIENT = 1;

/** Compiles rules without their databases. */
function compiled(text: string): readonly CompiledRule[] {
  const steps = loadRules(ruleSource(text), createProtocols(), new NameTable());
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value.ruleset.rules.all();
  }
}

function rule(action: string, options: string): CompiledRule {
  const [only] = compiled(`${action} tcp any any -> any any (msg:"m"; ${options} content:"x"; sid:1;)`);
  return only as CompiledRule;
}

function decide(
  one: CompiledRule,
  { direction = TO_SERVER as 0 | 1, byProtected = false, kinds = [] as readonly KindRow[] } = {},
): string {
  const policy = new DetectionPolicy(
    { ...DEFAULT_DETECTION_POLICY, kinds: [...kinds, ...DEFAULT_DETECTION_POLICY.kinds] },
    1,
  );
  const { kind, response } = policy.decide(one, direction, byProtected);
  return `${kind} ${response}`;
}

describe('unless the configuration says otherwise', () => {
  test.each([
    ['drop', '', 'attack block'],
    ['reject', 'classtype:not-suspicious;', 'attack block'],
    ['alert', '', 'information notify'],
    ['alert', 'classtype:attempted-admin;', 'attack block'],
    ['alert', 'classtype:web-application-attack; flow:to_server,established;', 'attack block'],
    ['alert', 'classtype:policy-violation;', 'information notify'],
    ['alert', 'classtype:attempted-recon;', 'information notify'],
    ['alert', 'classtype:trojan-activity;', 'network-activity notify'],
    [
      'alert',
      'classtype:trojan-activity; metadata:former_category EXPLOIT, signature_severity Major;',
      'attack block',
    ],
    [
      'alert',
      'classtype:trojan-activity; metadata:former_category EXPLOIT, signature_severity Informational;',
      'network-activity notify',
    ],
    ['alert', 'classtype:attempted-admin; target:src_ip;', 'information notify'],
    ['alert', 'classtype:attempted-admin; flowbits:set,a; flowbits:noalert;', 'information notify'],
  ])('%s with %p is: %s', (action, options, outcome) => {
    expect(decide(rule(action, options))).toBe(outcome);
  });

  test('an answer is no attempt to get in', () => {
    expect(decide(rule('alert', 'classtype:attempted-admin;'), { direction: TO_CLIENT })).toBe(
      'information notify',
    );
    expect(decide(rule('drop', ''), { direction: TO_CLIENT })).toBe('attack block');
  });

  test('what comes from the protected side is network activity', () => {
    expect(decide(rule('alert', 'classtype:attempted-admin;'), { byProtected: true })).toBe(
      'network-activity notify',
    );
    expect(decide(rule('drop', ''), { byProtected: true })).toBe('network-activity drop');
  });
});

test('rows of the configuration come first, the first that fits counts, and its response stands for that of its kind', () => {
  const one = rule('alert', 'classtype:attempted-admin; priority:2; metadata:tag Log4Shell;');
  const rows = (row: Partial<KindRow>): { kinds: readonly KindRow[] } => ({
    kinds: [
      { kind: 'network-activity', ...row },
      { kind: 'information', response: 'ignore' },
    ],
  });
  expect(decide(one, rows({}))).toBe('network-activity notify');
  expect(decide(one, rows({ response: 'drop' }))).toBe('network-activity drop');
  expect(decide(one, rows({ priority: { low: 1, high: 2 } }))).toBe('network-activity notify');
  expect(decide(one, rows({ priority: { low: 3, high: 9 } }))).toBe('information ignore');
  expect(decide(one, rows({ metadata: { TAG: ['other', 'log4shell'] } }))).toBe('network-activity notify');
  expect(decide(one, rows({ metadata: { tag: ['other'] } }))).toBe('information ignore');
  expect(decide(one, rows({ metadata: { tag: ['log4shell'], cve: ['x'] } }))).toBe('information ignore');
  expect(decide(one, rows({ direction: 'to_client' }))).toBe('information ignore');
  expect(decide(one, rows({ action: ['drop'] }))).toBe('information ignore');
  expect(decide(one, rows({ class: ['a', 'attempted-admin'] }))).toBe('network-activity notify');
  expect(decide(one, rows({ target: 'dest_ip' }))).toBe('information ignore');
});

test('the protected side is known by address and by interface', () => {
  const policy = new DetectionPolicy(
    { ...DEFAULT_DETECTION_POLICY, protectedNetworks: ['192.0.2.0/24'], protectedInterfaces: [7] },
    0,
  );
  const address = (text: string) => parseAddress(text) as Uint32Array;
  expect(policy.protects(address('192.0.2.9'), 3)).toBe(true);
  expect(policy.protects(address('198.51.100.1'), 7)).toBe(true);
  expect(policy.protects(address('198.51.100.1'), 3)).toBe(false);
});

describe('network activity', () => {
  const decided = (
    one: CompiledRule,
    activityResponses: NonNullable<DetectionPolicySettings['activityResponses']>,
    within = false,
  ) => {
    const policy = new DetectionPolicy({ ...DEFAULT_DETECTION_POLICY, activityResponses }, 1);
    const { kind, response, category } = policy.decide(one, TO_SERVER, within);
    return `${kind} ${category} ${response}`;
  };

  test.each([
    ['command-and-control', 'network-activity malware drop'],
    ['pup-activity', 'network-activity adware notify'],
    ['coin-mining', 'network-activity coin-mining isolate'],
    ['credential-theft', 'network-activity phishing notify'],
    ['policy-violation', 'information null notify'],
  ])('rules of class %s are %s', (name, want) => {
    const responses = { malware: 'drop', 'coin-mining': 'isolate' } as const;
    expect(decided(rule('alert', `classtype:${name};`), responses)).toBe(want);
  });

  test('attacks from within have a category of their own, or that of their class', () => {
    const responses = { attacks: 'isolate', adware: 'notify' } as const;
    expect(decided(rule('alert', 'classtype:attempted-admin;'), responses, true)).toBe(
      'network-activity attacks isolate',
    );
    expect(decided(rule('drop', 'classtype:attempted-admin;'), responses, true)).toBe(
      'network-activity attacks isolate',
    );
    expect(decided(rule('drop', 'classtype:pup-activity;'), responses, true)).toBe(
      'network-activity adware drop',
    );
    expect(decided(rule('drop', ''), {}, true)).toBe('network-activity attacks drop');
  });
});

test('web addresses have the response of their category, else that of their kind', () => {
  const policy = new DetectionPolicy(
    { ...DEFAULT_DETECTION_POLICY, webAddressResponses: { ads: 'ignore' } },
    0,
  );
  expect(['ads', 'malware', 'constructor'].map((name) => policy.webAddressResponse(name))).toEqual([
    'ignore',
    'block',
    'block',
  ]);
});
