import type { Configuration } from '@portcullis/configuration';
import { KernelFirewall, type RemovalOptions, type RemovalReport } from '@portcullis/firewall';
import { EngineLock } from './engine-lock';
import { Registration } from './registration';
import { removeState } from './traces';

export interface Unregistered {
  /** Whether it was registered, or only left traces. */
  was_registered: boolean;
  /** The administrator's bypass chain holds rules and was left in place. */
  bypass_kept: boolean;
}

/**
 * Takes away what registering and running created: firewall objects and the registration; with `purge` also all that is
 * kept in the state directory, the ledger of the bans among it, and the administrator's chain. Without, bans that have time
 * left are in force again with the next start of an engine. Events stay.
 * @throws ControlError ENGINE_RUNNING, FirewallError
 */
export async function unregister(configuration: Configuration, purge: boolean): Promise<Unregistered> {
  const directory = configuration['state-dir'];
  const registration = new Registration(directory);
  return withoutEngine(async () => {
    const registered = isRegistered(registration);
    const { bypassKept } = await removeFirewall(configuration.firewall.backend, { purge, lift: true });
    registration.remove();
    if (purge) removeState(directory);
    return { was_registered: registered, bypass_kept: bypassKept };
  });
}

/**
 * Takes every chain, rule and set of ours out of the kernel, whichever iptables made them, and the administrator's
 * chain too. Files stay: bans that have time left are in force again with the next start. Needs no configuration,
 * because this has to work where that is broken.
 * @throws ControlError ENGINE_RUNNING, FirewallError
 */
export function clearFirewall(): Promise<void> {
  return withoutEngine(async () => {
    await removeFirewall('auto', { purge: true });
  });
}

async function withoutEngine<T>(action: () => Promise<T>): Promise<T> {
  const lock = new EngineLock();
  await lock.acquire();
  try {
    return await action();
  } finally {
    await lock.release();
  }
}

async function removeFirewall(
  backend: Configuration['firewall']['backend'],
  options: RemovalOptions,
): Promise<RemovalReport> {
  const firewall = await KernelFirewall.open({ backend });
  return firewall.remove(options).finally(() => firewall.close());
}

/** A damaged registration is one too. */
function isRegistered(registration: Registration): boolean {
  try {
    return registration.read() !== null;
  } catch {
    return true;
  }
}
