/** How a command ends (see docs/contract.md). */
export const Exit = {
  DONE: 0,
  /** The thing asked for is not so: a rule failed, an address is not banned. */
  NOT_SO: 1,
  /** Wrong use or configuration. */
  USAGE: 2,
  /** The engine cannot be reached. */
  UNREACHABLE: 3,
  PERMISSION: 4,
} as const;

/** Each exit code, as help and the manual page explain it. */
export const EXIT_MEANINGS: readonly (readonly [number, string])[] = [
  [Exit.DONE, 'done'],
  [Exit.NOT_SO, 'the answer is no (not banned, a rule failed, a check failed)'],
  [Exit.USAGE, 'wrong usage or configuration'],
  [Exit.UNREACHABLE, 'the engine cannot be reached'],
  [Exit.PERMISSION, 'permission denied'],
];

/** Ends a command with a sentence for the user and an exit code. */
export class CommandError extends Error {
  constructor(
    readonly exitCode: number,
    message: string,
  ) {
    super(message);
    this.name = 'CommandError';
  }
}

const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  CONFIGURATION_INVALID: Exit.USAGE,
  RULE_FILE_UNREADABLE: Exit.USAGE,
  ADDRESS_INVALID: Exit.USAGE,
  DURATION_INVALID: Exit.USAGE,
  PLAN_INVALID: Exit.USAGE,
  PORTS_INVALID: Exit.USAGE,
  MARK_MASK_INVALID: Exit.USAGE,
  SOCKET_PATH: Exit.USAGE,
  ENGINE_UNREACHABLE: Exit.UNREACHABLE,
  PERMISSION: Exit.PERMISSION,
  NFQUEUE_PERMISSION: Exit.PERMISSION,
  EACCES: Exit.PERMISSION,
  EPERM: Exit.PERMISSION,
};

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  const code = (error as { code?: unknown } | null)?.code;
  return (typeof code === 'string' && EXIT_OF_CODE[code]) || Exit.NOT_SO;
}
