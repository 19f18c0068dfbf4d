import { getSystemErrorName } from 'node:util';

/** Stable codes of {@link NfQueueError}. */
export type NfQueueErrorCode =
  /** The addon has not been built. */
  | 'NATIVE_NOT_BUILT'
  /** The process lacks CAP_NET_ADMIN (queues, marks) or CAP_NET_RAW (raw sockets). */
  | 'NFQUEUE_PERMISSION'
  /** Another socket has the queue. */
  | 'NFQUEUE_BUSY'
  /** The kernel has no NFQUEUE support. */
  | 'NFQUEUE_UNSUPPORTED'
  /** An option or argument is out of its range. */
  | 'NFQUEUE_OPTION'
  /** Another thread took the queue away with `NfQueue.abandon`. */
  | 'NFQUEUE_ABANDONED'
  /** The queue or sender has been closed. */
  | 'NFQUEUE_CLOSED'
  /** `receive` was called before `finalize`. */
  | 'NFQUEUE_NOT_FINALIZED'
  /** `decide` was given the id of a packet that is not held. */
  | 'NFQUEUE_NOT_HELD'
  /** Any other refusal of the kernel; `errno` names it. */
  | 'NFQUEUE_SYSTEM';

export class NfQueueError extends Error {
  override readonly name = 'NfQueueError';
  constructor(
    readonly code: NfQueueErrorCode,
    message: string,
    /** Name of the kernel's error, e.g. `EPERM`; absent where the kernel was not asked. */
    readonly errno?: string,
  ) {
    super(message);
  }
}

/** `errno` is the positive number. */
export function errnoName(errno: number): string {
  return getSystemErrorName(-errno);
}
