import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { loadAddon } from './addon';

/** Numbers of linux/capability.h. */
export const Capability = { DAC_OVERRIDE: 1, NET_ADMIN: 12, NET_RAW: 13 } as const;

/** Capabilities that this process can use or get back, as bits 1 << CAP_* (proc_pid_status(5): CapPrm, CapBnd). */
export function possibleCapabilities(): bigint {
  const status = readFileSync('/proc/self/status', 'latin1');
  const mask = (set: string) => BigInt(`0x${new RegExp(`^${set}:\\s*(\\w+)`, 'm').exec(status)?.[1] ?? '0'}`);
  return mask('CapPrm') | mask('CapBnd');
}

/**
 * Starts this program anew in the same process, with the same command line and environment, and of what it can do now with
 * these capabilities only: so no thread keeps more, and nothing that it starts gets more.
 * @returns the name of the error where that cannot be; all is as it was then
 */
export function restartWithCapabilities(numbers: readonly number[]): string {
  const kept = numbers.reduce((mask, number) => mask | (1n << BigInt(number)), 0n);
  const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const errno = loadAddon().restart(kept, argv);
  const known = Object.entries(constants.errno).find(([, number]) => number === errno);
  return known?.[0] ?? `error ${errno}`;
}
