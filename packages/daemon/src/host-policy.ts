import type { Configuration } from '@portcullis/configuration';
import type { DetectionPolicySettings } from '@portcullis/engine';
import { exemptions } from './exclusions';
import { interfaceIndex, localAddresses } from './interfaces';

/** What of the policy depends on the host's addresses and on the indexes of its interfaces, both of which change. */
export type HostPolicy = Pick<
  DetectionPolicySettings,
  'protectedNetworks' | 'protectedInterfaces' | 'exemptions'
>;

/** As the host is now. */
export function hostPolicy({ protect, exclusions }: Configuration): HostPolicy {
  return {
    protectedNetworks: [...protect.networks, ...(protect.host ? localAddresses() : [])],
    protectedInterfaces: protect.interfaces.flatMap((name) => interfaceIndex(name) ?? []),
    exemptions: exemptions(exclusions),
  };
}
