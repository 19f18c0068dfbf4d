import type { LoadOptions } from '@portcullis/configuration';
import type { Mode } from '@portcullis/control';
import { Registration } from '../registration';
import { checkBanRule, checkBypassChain, checkLeftovers, checkQueueRules } from './chains';
import type { Circumstances } from './circumstances';
import { checkConfiguration, checkRegistration, checkRules } from './configured';
import { askForFacts, checkEngine, checkProtection, checkRepairs } from './engine-answer';
import { type Finding, unknown } from './finding';
import { type Host, SystemHost } from './host';
import { checkClock, checkKernelModules, checkNodeVersion, checkPermission } from './machine';
import { checkMetrics } from './metrics-endpoint';
import { checkConntrackTable, checkReceiveBuffer, checkReversePath, checkTcpLoose } from './network';
import { checkEveFile, checkLogDirectory, checkStateDirectory } from './places';
import { checkIpset, checkIptables, readFirewall } from './programs';
import { checkQueueDrops, checkQueues, checkWorkers } from './queues';
import { checkBanSets, checkPortSet } from './sets';

export interface DiagnoseOptions {
  readonly load: LoadOptions;
  /** Of the installed command. */
  readonly version: string;
  readonly host?: Host;
}

/** Looks at everything that inspection depends on. Works without an engine, and then checks what can be checked. */
export async function diagnose({
  load,
  version,
  host = new SystemHost(),
}: DiagnoseOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  const add = async (
    name: string,
    check: () => Finding | readonly Finding[] | Promise<Finding | readonly Finding[]>,
  ): Promise<void> => {
    try {
      findings.push(...[await check()].flat());
    } catch (error) {
      findings.push(unknown(name, (error as Error).message));
    }
  };
  await add('permission', () => checkPermission(host));
  await add('Node.js', () => checkNodeVersion(host));
  await add('kernel modules', () => checkKernelModules(host));
  await add('ipset', () => checkIpset(host));

  const { configuration: configured, findings: read } = checkConfiguration(load);
  findings.push(...read);
  if (configured !== null) {
    const { engine, configuration } = await askForFacts(host, configured);
    const firewall = await readFirewall(host, configuration, engine);
    const mode = engine.status?.mode ?? registeredMode(configuration['state-dir']);
    const here: Circumstances = { host, configuration, mode, engine, firewall };
    try {
      await add('registration', () => checkRegistration(configuration['state-dir']));
      await add('rules', () => checkRules(configuration, load.file, engine));
      await add('iptables', () => checkIptables(host, configuration, engine));
      await add('engine', () => checkEngine(engine, version));
      await add('protection', () => checkProtection(engine));
      await add('workers', () => checkWorkers(here));
      await add('queues', () => checkQueues(here));
      await add('queue drops', () => checkQueueDrops(here));
      await add('queue rules', () => checkQueueRules(here));
      await add('bypass chain', () => checkBypassChain(here));
      await add('ban rule', () => checkBanRule(here));
      await add('ban sets', () => checkBanSets(here));
      await add('ports set', () => checkPortSet(here));
      await add('leftovers', () => checkLeftovers(here));
      await add('firewall repairs', () => checkRepairs(engine));
      await add('state directory', () => checkStateDirectory(here));
      await add('log directory', () => checkLogDirectory(here));
      let metrics: string | null = null;
      await add('metrics', async () => {
        const { finding, text } = await checkMetrics(here);
        metrics = text;
        return finding;
      });
      await add('EVE file', () => checkEveFile(here, metrics));
      await add('clock', () => checkClock(here));
      await add('receive buffer', () => checkReceiveBuffer(here));
    } finally {
      if (firewall.problem === null) await firewall.view.close();
    }
  }
  await add('conntrack table', () => checkConntrackTable(host));
  await add('nf_conntrack_tcp_loose', () => checkTcpLoose(host));
  await add('rp_filter', () => checkReversePath(host));
  return findings;
}

/** A damaged registration is told by its own check. */
function registeredMode(stateDirectory: string): Mode {
  try {
    return new Registration(stateDirectory).mode;
  } catch {
    return 'standard';
  }
}
