import { DEFAULT_DETECTION_POLICY, type DetectionPolicySettings, type Exemption } from '@portcullis/engine';
import { HostChanges } from './host-changes';
import { Turns } from './turns';

class FakeProtection {
  policy: DetectionPolicySettings | null = DEFAULT_DETECTION_POLICY;
  addresses: string[] = [];
  exemptions: Exemption[] = [];
  installError: Error | null = null;
  /** What was done, in order. */
  readonly done: string[] = [];
  readonly turns = new Turns();
  readonly changes = new HostChanges({
    log: { error: (text) => this.done.push(text), info: (text) => this.done.push(text) },
    turns: this.turns,
    inForce: () => this.policy,
    hostPolicy: () => ({
      protectedNetworks: this.addresses,
      protectedInterfaces: [],
      exemptions: this.exemptions,
    }),
    setPolicy: (policy) => {
      this.policy = policy;
      this.done.push(`policy ${policy.protectedNetworks}`);
    },
    installRules: async () => {
      if (this.installError) throw this.installError;
      this.done.push('rules');
    },
  });
}

const vlan = (...interfaces: number[]): Exemption => ({ vlan: { id: 5, interfaces }, scan: false });

test('the workers are told of addresses, once', async () => {
  const host = new FakeProtection();
  await host.changes.look();
  host.addresses = ['192.0.2.1'];
  await host.changes.look();
  await host.changes.look();
  expect(host.done).toEqual(['policy 192.0.2.1']);
  expect(host.policy).toEqual({ ...DEFAULT_DETECTION_POLICY, protectedNetworks: ['192.0.2.1'] });
});

test('where there are no workers there is nothing to do', async () => {
  const host = new FakeProtection();
  host.policy = null;
  host.addresses = ['192.0.2.1'];
  await host.changes.look();
  expect(host.done).toEqual([]);
});

test('what a reload has brought meanwhile is not brought again', async () => {
  const host = new FakeProtection();
  host.addresses = ['192.0.2.1'];
  void host.turns.take(async () => {
    host.policy = { ...DEFAULT_DETECTION_POLICY, protectedNetworks: host.addresses };
  });
  await host.changes.look();
  expect(host.done).toEqual([]);
});

test('another interface of an excluded VLAN: the rules first, then the workers', async () => {
  const host = new FakeProtection();
  host.exemptions = [{ source: '192.0.2.9', scan: true }];
  await host.changes.look();
  host.exemptions = [...host.exemptions, vlan(3)];
  await host.changes.look();
  host.exemptions = [...host.exemptions.slice(0, 1), vlan(3, 4)];
  await host.changes.look();
  expect(host.done).toEqual(['policy ', 'rules', 'policy ', 'rules', 'policy ']);
});

test('rules that cannot be installed are told of once, and tried until they can', async () => {
  const host = new FakeProtection();
  host.exemptions = [vlan(3)];
  host.installError = new Error('iptables is missing');
  await host.changes.look();
  await host.changes.look();
  host.installError = null;
  await host.changes.look();
  expect(host.done).toEqual([
    'the firewall rules do not follow the VLANs of this host: iptables is missing',
    'rules',
    'policy ',
    'the firewall rules follow the VLANs of this host again',
  ]);
});
