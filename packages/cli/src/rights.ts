import { setPriority } from 'node:os';
import { Capability, possibleCapabilities, restartWithCapabilities } from '@portcullis/nfqueue-binding';

/**
 * What an engine needs that somebody starts by hand: queues, sets and tables; packets of its own; and configuration, rules,
 * state and logs wherever they are kept, also in a folder that is not root's. The systemd unit leaves the first two.
 */
const NEEDED: readonly number[] = [Capability.NET_ADMIN, Capability.NET_RAW, Capability.DAC_OVERRIDE];
/** As in the systemd unit: it takes a capability (CAP_SYS_NICE) that the engine does not keep. */
const NICE = -10;

/**
 * Begins the program anew without the rights of root that the engine has no use for, where it has such. Whoever may not
 * give them up (a container without CAP_SETPCAP) goes on as it is.
 */
export function giveUpRights(): void {
  if (process.getuid?.() !== 0) return;
  const needed = NEEDED.reduce((mask, number) => mask | (1n << BigInt(number)), 0n);
  if ((possibleCapabilities() & ~needed) === 0n) return;
  try {
    setPriority(0, NICE);
  } catch {
    // Bans are only a little later on a busy machine.
  }
  restartWithCapabilities(NEEDED);
}
