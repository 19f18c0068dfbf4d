import type { Configuration } from '@portcullis/configuration';
import { KernelFirewall, type RemovalReport } from '@portcullis/firewall';
import { EngineLock } from './engine-lock';
import { Registration } from './registration';
import { removeState } from './traces';

export interface Unregistered {
  /** Whether it was registered, or only left traces. */
  was_registered: boolean;
  /** Bans that stay in force until their time is up. */
  bans_left: number;
  /** The administrator's bypass chain holds rules and was left in place. */
  bypass_kept: boolean;
}

/**
 * Takes away what registering and running created: firewall objects and the registration; with `purge` also the bans, all
 * that is kept in the state directory, and the administrator's chain. Events stay.
 * @throws ControlError ENGINE_RUNNING, FirewallError
 */
export async function unregister(configuration: Configuration, purge: boolean): Promise<Unregistered> {
  const directory = configuration['state-dir'];
  const registration = new Registration(directory);
  return withoutEngine(async () => {
    const registered = isRegistered(registration);
    const { bansLeft, bypassKept } = await removeFirewall(configuration.firewall.backend, purge);
    registration.remove();
    if (purge) removeState(directory);
    return { was_registered: registered, bans_left: bansLeft, bypass_kept: bypassKept };
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
    await removeFirewall('auto', true);
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
  purge: boolean,
): Promise<RemovalReport> {
  const firewall = await KernelFirewall.open({ backend });
  return firewall.remove({ purge }).finally(() => firewall.close());
}

/** A damaged registration is one too. */
function isRegistered(registration: Registration): boolean {
  try {
    return registration.read() !== null;
  } catch {
    return true;
  }
}
