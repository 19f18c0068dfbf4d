import type { Configuration } from '@portcullis/configuration';
import type { EarlierConnectionSettings } from '@portcullis/engine';
import type { FirewallBackend, InstallPlan } from '@portcullis/firewall';
import { TcpSockets } from '@portcullis/nfqueue-binding';
import { earlierConnections, interceptedSockets } from './earlier-connections';
import { localAddresses } from './interfaces';
import type { Logger } from './logger';

/** What becomes of the connections that are there now; null: they are adopted. */
export function connectionsFromNow(
  onEnable: Configuration['on-enable'],
  log: Logger,
): EarlierConnectionSettings | null {
  return earlierConnections(onEnable, onEnable === 'reset' ? socketsOfHost(log).all : [], Date.now() * 1000);
}

/**
 * Connections of this host's own programs end at once, forwarded ones at their next packet: that is the workers' part.
 * @param plan as it is in force
 */
export async function resetOwnConnections(
  { kept }: EarlierConnectionSettings,
  plan: InstallPlan,
  firewall: FirewallBackend,
  log: Logger,
): Promise<void> {
  // What the administrator's chain takes out of inspection only the kernel knows; what it does not is reset later.
  if ((await firewall.bypassRules()) > 0) return;
  const sockets = socketsOfHost(log);
  const ended = interceptedSockets(sockets.all, plan, kept, localAddresses());
  try {
    const count = sockets.destroy(ended);
    if (count > 0) log.info(`${count} connections of this host that were there before were reset`);
  } catch (error) {
    log.warn(`connections of this host are reset at their next packet only: ${(error as Error).message}`);
  }
}

/** Where the kernel does not tell of them there are none. */
function socketsOfHost(log: Logger): Pick<TcpSockets, 'all' | 'destroy'> {
  try {
    return TcpSockets.list();
  } catch (error) {
    log.warn((error as Error).message);
    return { all: [], destroy: () => 0 };
  }
}
