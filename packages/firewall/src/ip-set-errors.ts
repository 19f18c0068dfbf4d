import { IpSetError } from '@portcullis/nfqueue-binding';
import { FirewallError } from './errors';

const CODES = {
  SET_MISSING: 'SET_MISSING',
  SET_FULL: 'SET_FULL',
  SET_BUSY: 'SET_IN_USE',
  PERMISSION: 'NOT_PERMITTED',
  ENTRY_INVALID: 'IPSET_FAILED',
  SET_EXISTS: 'IPSET_FAILED',
  SYSTEM: 'IPSET_FAILED',
} as const;

/** What went wrong with a set, in words that a user can act on. */
export function explained(error: unknown): FirewallError {
  if (error instanceof FirewallError) return error;
  if (!(error instanceof IpSetError)) {
    const why = error instanceof Error ? error.message : String(error);
    return new FirewallError('IPSET_FAILED', `the ban sets could not be changed: ${why}.`, { cause: error });
  }
  const advice =
    error.code === 'PERMISSION' ? ' Run as root, or give the process CAP_NET_ADMIN and CAP_NET_RAW.' : '';
  return new FirewallError(CODES[error.code], `${error.message}.${advice}`, { cause: error });
}

/** @throws FirewallError for what the question throws */
export function asked<T>(question: () => T): T {
  try {
    return question();
  } catch (error) {
    throw explained(error);
  }
}

/** The same of a question whose answer comes later. */
export async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw explained(error);
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof IpSetError && error.code === 'SET_MISSING';
}
