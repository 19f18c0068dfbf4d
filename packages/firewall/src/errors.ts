/** Stable names of what can go wrong here; scripts may rely on them. */
export type FirewallErrorCode =
  | 'IPTABLES_MISSING'
  | 'IPSET_MISSING'
  | 'NOT_PERMITTED'
  | 'COMMAND_FAILED'
  | 'COMMAND_TIMEOUT'
  | 'INSTALL_FAILED'
  | 'SET_IN_USE'
  | 'UNDO_FAILED'
  | 'NOT_INSTALLED'
  | 'PLAN_INVALID'
  | 'PORTS_INVALID'
  | 'MARK_MASK_INVALID'
  | 'ADDRESS_INVALID'
  | 'DURATION_INVALID'
  | 'BAN_REFUSED'
  | 'BAN_FAILED'
  | 'SET_CONFLICT'
  | 'SET_FULL'
  | 'SET_MISSING'
  | 'IPSET_FAILED'
  | 'LEDGER_IO'
  | 'LEDGER_CLOSED'
  | 'CLOSED';

export interface FirewallErrorDetail {
  /** The command line that failed, as it was run. */
  command?: string;
  /** What that command wrote to stderr, cut to 4 KiB. */
  stderr?: string;
  /** For BAN_REFUSED: why, as a stable word (`multicast`, `own-address`, …). */
  reason?: string;
  cause?: unknown;
}

/** One error type: a stable `code`, a sentence a user can act on, and the command that failed where there is one. */
export class FirewallError extends Error {
  readonly code: FirewallErrorCode;
  readonly command: string | undefined;
  readonly stderr: string | undefined;
  readonly reason: string | undefined;

  constructor(code: FirewallErrorCode, message: string, detail: FirewallErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'FirewallError';
    this.code = code;
    this.command = detail.command;
    this.stderr = detail.stderr?.slice(0, 4096);
    this.reason = detail.reason;
  }
}

/** With which shells end for a program that is not there. */
const NO_SUCH_PROGRAM = 127;

/** What kind of failure a command's stderr tells of, and what to do about it. */
export function explainCommandFailure(
  command: string,
  stderr: string,
  exitCode: number | null,
): FirewallError {
  const said = stderr.trim().split('\n').slice(0, 3).join(' / ');
  const detail = { command, stderr };
  if (/permission denied|operation not permitted|you must be root|kernel support.*permission/i.test(stderr)) {
    return new FirewallError(
      'NOT_PERMITTED',
      `"${command}" was not permitted (${said}). Run as root, or give the process CAP_NET_ADMIN and CAP_NET_RAW.`,
      detail,
    );
  }
  if (exitCode === NO_SUCH_PROGRAM) {
    return new FirewallError(
      'IPTABLES_MISSING',
      `"${command}" could not be run: the program is gone (${said || 'no such file'}). Install iptables again.`,
      detail,
    );
  }
  if (/xtables lock/i.test(stderr)) {
    return new FirewallError(
      'COMMAND_FAILED',
      `"${command}" could not get the xtables lock in time (${said}). Another program keeps changing the firewall: try again when it has finished.`,
      detail,
    );
  }
  return new FirewallError(
    'COMMAND_FAILED',
    `"${command}" ended with ${exitCode ?? 'a signal'}: ${said || 'it said nothing'}.`,
    detail,
  );
}
