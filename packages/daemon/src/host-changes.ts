import { isDeepStrictEqual } from 'node:util';
import type { DetectionPolicySettings } from '@portcullis/engine';
import type { HostPolicy } from './host-policy';
import type { Logger } from './logger';
import { StandingTrouble } from './standing-trouble';
import type { Turns } from './turns';

export interface HostChangesParts {
  readonly log: Pick<Logger, 'error' | 'info'>;
  readonly turns: Turns;
  /** What the workers go by; null: there are none. */
  inForce(): DetectionPolicySettings | null;
  /** What the host's addresses and interfaces come to now. */
  hostPolicy(): HostPolicy;
  setPolicy(policy: DetectionPolicySettings): void;
  /** Brings the firewall rules, which name the interfaces of VLANs, to what the host is now. */
  installRules(): Promise<void>;
}

/** Addresses come and go, and an interface that is set up anew has another index: the workers and the kernel are told. */
export class HostChanges {
  private readonly trouble: StandingTrouble;

  constructor(private readonly parts: HostChangesParts) {
    this.trouble = new StandingTrouble(parts.log);
  }

  /** To be called now and then. Resolves when what has changed is in force; never rejects. */
  async look(): Promise<void> {
    if (this.changes() === null) return;
    // A reload brings a policy of its own: by its turn there may be nothing left to do.
    await this.parts.turns.take(() => this.follow()).catch((error: Error) => this.failed(error));
  }

  private async follow(): Promise<void> {
    const changed = this.changes();
    if (changed === null) return;
    const { before, now } = changed;
    const vlans = (policy: HostPolicy) => policy.exemptions.flatMap(({ vlan }) => vlan ?? []);
    if (!isDeepStrictEqual(vlans(before), vlans(now))) await this.parts.installRules();
    this.parts.setPolicy(now);
    this.trouble.ends('the firewall rules follow the VLANs of this host again');
  }

  private failed({ message }: Error): void {
    this.trouble.begins(`the firewall rules do not follow the VLANs of this host: ${message}`);
  }

  private changes(): { before: DetectionPolicySettings; now: DetectionPolicySettings } | null {
    const before = this.parts.inForce();
    if (before === null) return null;
    const now = { ...before, ...this.parts.hostPolicy() };
    return isDeepStrictEqual(now, before) ? null : { before, now };
  }
}
