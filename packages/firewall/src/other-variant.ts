import type { CommandRunner } from './command';
import { Iptables, type IptablesVariant, legacyTablesInUse, variantOf } from './iptables';
import { Chain, type Family, TABLES } from './names';
import { NOTHING } from './ruleset';
import type { FirewallState } from './table-state';

/** The iptables variant that is not in use: an engine that ran with it and was killed may have left its rules there. */
export class OtherVariant {
  private readonly iptables: Iptables;
  private readonly variant: IptablesVariant;

  constructor(
    private readonly runner: CommandRunner,
    inUse: IptablesVariant,
    private readonly families: readonly Family[],
  ) {
    this.variant = inUse === 'nft' ? 'legacy' : 'nft';
    this.iptables = new Iptables(runner, this.variant);
  }

  /** Objects of ours, each with its table. */
  async leftovers(): Promise<string[]> {
    const { iptables } = this;
    const found: string[] = [];
    for (const family of this.families) {
      const name = iptables.name(family);
      if ((await variantOf(this.runner, name)) === undefined) continue;
      // Listing the legacy tables would make them.
      if (this.variant === 'legacy' && !(await legacyTablesInUse(this.runner, family))) continue;
      const state = await iptables.state(family);
      for (const table of TABLES) {
        const { chains, jumps, bypass } = state[table];
        for (const chain of chains.keys()) found.push(`${name} ${table}: chain ${chain}`);
        if (bypass) found.push(`${name} ${table}: chain ${Chain.bypass}`);
        for (const [hook, rules] of jumps)
          for (const rule of rules) found.push(`${name} ${table}: rule of ${hook}: ${rule}`);
      }
    }
    return found;
  }

  /** Takes them away, the administrator's bypass chain too. */
  async purge(): Promise<void> {
    if ((await this.leftovers()).length === 0) return;
    for (const family of this.families) {
      await emptyBypass(this.runner, this.iptables, family, await this.iptables.state(family));
      await this.iptables.apply(family, NOTHING);
    }
  }
}

/** A chain with rules cannot be deleted. */
export async function emptyBypass(
  runner: CommandRunner,
  iptables: Iptables,
  family: Family,
  state: FirewallState,
): Promise<void> {
  if ((state.mangle.bypass?.length ?? 0) === 0) return;
  await runner.run(iptables.name(family), ['-w', '10', '-t', 'mangle', '-F', Chain.bypass]);
}
