import type { Configuration } from '@portcullis/configuration';
import type { EngineFacts, FirewallFacts } from './circumstances';
import { type Finding, failed, ok, unknown, warning } from './finding';
import type { FirewallView, Host } from './host';
import { parseSets } from './kernel-sets';
import { readTables } from './kernel-tables';

/** Reads what stands in the kernel, with the programs that the engine uses, or would use. */
export async function readFirewall(
  host: Host,
  configuration: Configuration,
  engine: EngineFacts,
): Promise<FirewallFacts> {
  const running = /^iptables-(nft|legacy)$/.exec(engine.status?.firewall ?? '')?.[1];
  let view: FirewallView | undefined;
  try {
    view = await host.openFirewall(
      (running as 'nft' | 'legacy' | undefined) ?? configuration.firewall.backend,
    );
    const tables = await readTables(host, view.variant);
    const sets = await host.run('ipset', ['list', '-terse']);
    if (sets?.exitCode !== 0) throw new Error(`ipset: ${sets?.stderr.trim() || 'is not installed'}`);
    return { view, tables, sets: parseSets(sets.stdout), problem: null };
  } catch (error) {
    await view?.close();
    return { problem: (error as Error).message };
  }
}

export async function checkIptables(
  host: Host,
  configuration: Configuration,
  { status }: EngineFacts,
): Promise<Finding> {
  const name = 'iptables';
  let view: FirewallView;
  try {
    view = await host.openFirewall(configuration.firewall.backend);
  } catch (error) {
    return failed(name, (error as Error).message, 'apt-get install iptables');
  }
  await view.close();
  const version = (await host.run(view.name, ['--version']))?.stdout.trim();
  if (status !== null && status.firewall !== view.name)
    return warning(
      name,
      `the engine uses ${status.firewall}, this system has changed to ${view.name}`,
      'restart the engine: it takes its rules along',
    );
  return ok(name, `${view.name}${version ? ` (${version})` : ''}`);
}

export async function checkIpset(host: Host): Promise<Finding> {
  const output = await host.run('ipset', ['--version']);
  if (output === null) return failed('ipset', 'is not installed or not in PATH', 'apt-get install ipset');
  const version = output.stdout.trim().split('\n')[0] ?? '';
  if (output.exitCode !== 0) return unknown('ipset', output.stderr.trim());
  return ok('ipset', version);
}
