import { type Addon, type Handle, loadAddon } from './addon';
import { errnoName, NfQueueError } from './errors';

/** Results of {@link RawSender.send}. */
export const SendStatus = {
  SENT: 0,
  /** Not one complete IP packet, or its stated length is not the length given. */
  MALFORMED: 1,
  /** No route, or the destination's interface is down. */
  NO_ROUTE: 2,
  /** Larger than the route's MTU. */
  TOO_LARGE: 3,
  /** Refused by a firewall rule of this host. */
  REFUSED: 4,
  /** No room in the send buffer now. */
  NO_BUFFER: 5,
  /** The host has no IPv6. */
  NO_FAMILY: 6,
  CLOSED: 7,
  OTHER: 8,
} as const;
export type SendStatusValue = (typeof SendStatus)[keyof typeof SendStatus];

const statusOfErrno: Readonly<Record<string, SendStatusValue>> = {
  EINVAL: SendStatus.MALFORMED,
  ENETUNREACH: SendStatus.NO_ROUTE,
  EHOSTUNREACH: SendStatus.NO_ROUTE,
  ENETDOWN: SendStatus.NO_ROUTE,
  EADDRNOTAVAIL: SendStatus.NO_ROUTE,
  EMSGSIZE: SendStatus.TOO_LARGE,
  EPERM: SendStatus.REFUSED,
  EACCES: SendStatus.REFUSED,
  ENOBUFS: SendStatus.NO_BUFFER,
  EAGAIN: SendStatus.NO_BUFFER,
  ENOMEM: SendStatus.NO_BUFFER,
  EAFNOSUPPORT: SendStatus.NO_FAMILY,
  EBADF: SendStatus.CLOSED,
};

export interface RawSenderOptions {
  /** Mark of every packet sent (SO_MARK), so that firewall rules do not queue it again. */
  mark: number;
}

/**
 * Sends complete IPv4 and IPv6 packets, for injected resets and replies. The kernel completes the IPv4 header
 * (checksum, identification 0); transport checksums are the caller's.
 */
export class RawSender {
  readonly #addon: Addon;
  readonly #handle: Handle;

  private constructor(addon: Addon, handle: Handle) {
    this.#addon = addon;
    this.#handle = handle;
  }

  /** @throws NfQueueError NFQUEUE_PERMISSION, NFQUEUE_SYSTEM, NATIVE_NOT_BUILT */
  static open(options: RawSenderOptions): RawSender {
    const addon = loadAddon();
    const handle = addon.rawOpen(options.mark >>> 0);
    if (typeof handle !== 'number') return new RawSender(addon, handle);
    const name = errnoName(handle);
    if (name === 'EPERM' || name === 'EACCES') {
      throw new NfQueueError(
        'NFQUEUE_PERMISSION',
        'sending packets of our own needs CAP_NET_RAW and CAP_NET_ADMIN: run as root, or give the program both capabilities',
        name,
      );
    }
    throw new NfQueueError('NFQUEUE_SYSTEM', `the raw socket cannot be opened: ${name}`, name);
  }

  /**
   * Sends the packet `bytes[offset … offset + length)`. Never blocks.
   * @param interfaceIndex scope of a link-local IPv6 destination
   * @returns one of {@link SendStatus}
   */
  send(bytes: Uint8Array, offset: number, length: number, interfaceIndex = 0): SendStatusValue {
    const errno = this.#addon.rawSend(this.#handle, bytes, offset, length, interfaceIndex);
    return errno === 0 ? SendStatus.SENT : (statusOfErrno[errnoName(errno)] ?? SendStatus.OTHER);
  }

  close(): void {
    this.#addon.rawClose(this.#handle);
  }
}
