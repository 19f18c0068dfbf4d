import { type Addon, ChecksumStatus, type Handle, loadAddon, Setting, Stage, State } from './addon';
import { type Arena, createArena, type NfQueueBatch, PacketInfo, queueCounterCount } from './batch';
import { errnoName, NfQueueError } from './errors';
import { findHolder } from './queue-holder';

/** Largest number of bytes the kernel copies of one packet (NFQNL_MAX_COPY_RANGE). */
export const maxCopyRange = 65_531;

/** Receive buffers are not made larger than this by default, in bytes. */
const defaultReceiveBufferCap = 128 * 1024 * 1024;

export interface NfQueueOptions {
  /** Queue number, 0 … 65535. */
  queue: number;
  /** Bytes of each packet to be copied, 64 … 65531; default 65531. */
  copyRange?: number;
  /** Packets the kernel keeps waiting for a verdict, 1 … 1048576; default 8192. */
  maxLength?: number;
  /**
   * Bytes of messages the socket holds, as the kernel accounts them (a limit, not an allocation). The default
   * holds `maxLength` packets of the largest size, but not more than 128 MiB.
   */
  receiveBuffer?: number;
  /** Let packets pass when the queue or the receive buffer is full; default true. */
  failOpen?: boolean;
  /** Take super-segments as they are instead of having the kernel cut and checksum them; default true. */
  gso?: boolean;
  /** Packets taken by one `receive`, 1 … 1024; default 64. The arena takes batchSize times copyRange bytes. */
  batchSize?: number;
  /** Packets that may be held at a time, 0 … 65536; default 1024. */
  maxHeld?: number;
}

/** What the kernel acknowledged. */
export interface EffectiveSettings {
  failOpen: boolean;
  gso: boolean;
  maxLength: number;
  copyRange: number;
  receiveBuffer: number;
}

function integerOption(name: string, value: number, minimum: number, maximum: number): number {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new NfQueueError('NFQUEUE_OPTION', `${name} must be a whole number from ${minimum} to ${maximum}`);
  }
  return value;
}

function openError(queue: number, errno: number, stage: number): NfQueueError {
  const name = errnoName(errno);
  if (name === 'EPERM' && stage === Stage.BIND) {
    const holder = findHolder(queue);
    return new NfQueueError(
      'NFQUEUE_BUSY',
      `queue ${queue} belongs to ${holder ?? 'another program'}: stop it or choose another queue number`,
      name,
    );
  }
  if (name === 'EPERM' || name === 'EACCES') {
    return new NfQueueError(
      'NFQUEUE_PERMISSION',
      'netfilter queues need CAP_NET_ADMIN: run as root, or give the program that capability (AmbientCapabilities=CAP_NET_ADMIN in a systemd unit, --cap-add NET_ADMIN in a container)',
      name,
    );
  }
  const missingFamily = stage === Stage.SOCKET && (name === 'EPROTONOSUPPORT' || name === 'EAFNOSUPPORT');
  if (missingFamily || (stage === Stage.CAPABILITY && (name === 'EINVAL' || name === 'EOPNOTSUPP'))) {
    return new NfQueueError(
      'NFQUEUE_UNSUPPORTED',
      'this kernel has no netfilter queues: load the module with "modprobe nfnetlink_queue", or use a kernel with CONFIG_NETFILTER_NETLINK_QUEUE',
      name,
    );
  }
  return new NfQueueError('NFQUEUE_SYSTEM', `queue ${queue} cannot be opened: ${name}`, name);
}

/**
 * One netfilter queue. Belongs to the thread that opened it; a thread that ends, however it ends, releases its
 * queues. Both address families come through the same queue.
 */
export class NfQueue {
  readonly batch: NfQueueBatch;
  /**
   * Indexed by {@link QueueCounter}; only ever grows. Lies in a SharedArrayBuffer, so that another thread can
   * read it while this one blocks in `receive`.
   */
  readonly counters: Float64Array;
  readonly queue: number;
  /** Descriptor of the socket, for {@link NfQueue.abandon}. */
  readonly fd: number;
  /** Netlink port of the socket, chosen at random: no other queue of this process has it, now or later. */
  readonly portId: number;

  readonly #addon: Addon;
  readonly #handle: Handle;
  readonly #state: Uint32Array;
  #closed = false;

  private constructor(
    addon: Addon,
    handle: Handle,
    queue: number,
    arena: Arena,
    counters: Float64Array,
    state: Uint32Array,
  ) {
    this.#addon = addon;
    this.#handle = handle;
    this.#state = state;
    this.queue = queue;
    this.batch = arena.batch;
    this.counters = counters;
    this.fd = state[State.FD];
    this.portId = state[State.PORT_ID];
  }

  /**
   * Binds a queue. Flags the kernel refuses are left off and reported in {@link NfQueue.effective}.
   * @throws NfQueueError NFQUEUE_PERMISSION, NFQUEUE_BUSY, NFQUEUE_UNSUPPORTED, NFQUEUE_OPTION, NATIVE_NOT_BUILT
   */
  static open(options: NfQueueOptions): NfQueue {
    const queue = integerOption('queue', options.queue, 0, 65_535);
    const copyRange = integerOption('copyRange', options.copyRange ?? maxCopyRange, 64, maxCopyRange);
    const maxLength = integerOption('maxLength', options.maxLength ?? 8192, 1, 1_048_576);
    const slots = integerOption('batchSize', options.batchSize ?? 64, 1, 1024);
    const maxHeld = integerOption('maxHeld', options.maxHeld ?? 1024, 0, 65_536);
    const addon = loadAddon();
    const slotSize = addon.slotSize(copyRange);
    const receiveBuffer = integerOption(
      'receiveBuffer',
      options.receiveBuffer ?? Math.min(maxLength * (slotSize + 1024), defaultReceiveBufferCap),
      4096,
      2 ** 30,
    );
    const settings = new Uint32Array(Setting.COUNT);
    settings[Setting.QUEUE] = queue;
    settings[Setting.COPY_RANGE] = copyRange;
    settings[Setting.MAX_LENGTH] = maxLength;
    settings[Setting.RECEIVE_BUFFER] = receiveBuffer;
    settings[Setting.MAX_HELD] = maxHeld;
    settings[Setting.FAIL_OPEN] = (options.failOpen ?? true) ? 1 : 0;
    settings[Setting.GSO] = (options.gso ?? true) ? 1 : 0;
    settings[Setting.SLOTS] = slots;
    settings[Setting.SLOT_SIZE] = slotSize;
    const state = new Uint32Array(State.COUNT);
    const counters = new Float64Array(new SharedArrayBuffer(queueCounterCount * 8));
    const arena = createArena(slots, slotSize);
    const handle = addon.open(settings, arena.buffer, arena.fields, counters, state);
    if (typeof handle === 'number') throw openError(queue, handle, state[State.STAGE]);
    return new NfQueue(addon, handle, queue, arena, counters, state);
  }

  /**
   * From another thread: takes the descriptor of a stalled queue away. The kernel releases the queue at once
   * (what it holds is dropped) and the stalled thread's next `receive` throws NFQUEUE_ABANDONED; that thread
   * still has to `close` or to end.
   * @param portId of the queue. Give it: the stalled thread may have closed meanwhile and something else may have
   *   got its descriptor; then nothing happens
   * @returns whether the queue was taken away
   */
  static abandon(fd: number, portId = 0): boolean {
    return loadAddon().abandon(fd, portId) === 0;
  }

  /** What the kernel has acknowledged until now. */
  get effective(): EffectiveSettings {
    const state = this.#readState();
    return {
      failOpen: state[State.FAIL_OPEN] === 1,
      gso: state[State.GSO] === 1,
      maxLength: state[State.MAX_LENGTH],
      copyRange: state[State.COPY_RANGE],
      receiveBuffer: state[State.RECEIVE_BUFFER],
    };
  }

  /** Packets held now. */
  get held(): number {
    return this.#readState()[State.HELD];
  }

  /**
   * Blocks this thread until packets arrive, at most `timeoutMs`, and refills the batch.
   * @returns packets in the batch; 0 on time-out
   * @throws NfQueueError NFQUEUE_ABANDONED, NFQUEUE_CLOSED, NFQUEUE_NOT_FINALIZED
   */
  receive(timeoutMs: number): number {
    const received = this.#addon.receive(this.#handle, timeoutMs);
    if (received < 0) this.#receiveFailed(-received);
    this.batch.count = received;
    return received;
  }

  /** Hands the verdicts of the batch to the kernel, in order. The batch's bytes are no longer valid afterwards. */
  finalize(): void {
    this.#addon.finalize(this.#handle);
    this.batch.count = 0;
  }

  /**
   * Settles a packet that was held.
   * @param verdict DROP or ACCEPT, the latter with MARK or REPLACE
   * @param mark the complete new mark, for MARK
   * @param payload for REPLACE: the whole packet, as long as it was received; its checksums are written in place
   * @throws NfQueueError NFQUEUE_NOT_HELD, NFQUEUE_OPTION, NFQUEUE_SYSTEM
   */
  decide(packetId: number, verdict: number, mark = 0, payload: Uint8Array | null = null): void {
    const errno = this.#addon.decide(this.#handle, packetId, verdict, mark, payload);
    if (errno === 0) return;
    const name = errnoName(errno);
    if (name === 'ENOENT') throw new NfQueueError('NFQUEUE_NOT_HELD', `packet ${packetId} is not held`);
    if (name === 'EINVAL') {
      throw new NfQueueError(
        'NFQUEUE_OPTION',
        'decide takes ACCEPT or DROP, and with REPLACE a payload as long as the packet',
      );
    }
    throw new NfQueueError('NFQUEUE_SYSTEM', `the verdict of packet ${packetId} was not sent: ${name}`, name);
  }

  /**
   * Checks the transport checksum (TCP, UDP, ICMP, ICMPv6, IGMP) of packet `index` of the batch.
   * @returns false only where the packet's bytes contradict its checksum or its headers are malformed; true also
   *   where there is nothing to compare: not ready, cut, a fragment, no checksum sent, a transport not known here
   */
  verifyChecksum(index: number): boolean {
    const info = this.batch.info[index];
    if (info & (PacketInfo.CHECKSUM_NOT_READY | PacketInfo.TRUNCATED)) return true;
    const status = this.#addon.verifyChecksum(this.#handle, index);
    return status !== ChecksumStatus.WRONG && status !== ChecksumStatus.MALFORMED;
  }

  /** Changes the queue's length; `effective.maxLength` follows with the next `receive`. */
  setMaxLength(maxLength: number): void {
    integerOption('maxLength', maxLength, 1, 1_048_576);
    const errno = this.#addon.setMaxLength(this.#handle, maxLength);
    if (errno === 0) return;
    throw new NfQueueError(
      this.#closed ? 'NFQUEUE_CLOSED' : 'NFQUEUE_SYSTEM',
      `the length of queue ${this.queue} was not changed: ${errnoName(errno)}`,
      errnoName(errno),
    );
  }

  /** Unbinds and closes. The kernel drops what the queue still holds. May be called again. */
  close(): void {
    this.#closed = true;
    this.batch.count = 0;
    this.#addon.close(this.#handle);
  }

  #readState(): Uint32Array {
    this.#addon.readState(this.#handle, this.#state);
    return this.#state;
  }

  #receiveFailed(errno: number): never {
    this.batch.count = 0;
    if (this.#closed) throw new NfQueueError('NFQUEUE_CLOSED', `queue ${this.queue} has been closed`);
    const name = errnoName(errno);
    if (name === 'ENOTSOCK' || name === 'EBADF') {
      throw new NfQueueError('NFQUEUE_ABANDONED', `queue ${this.queue} was taken away by its supervisor`);
    }
    if (name === 'EALREADY') {
      throw new NfQueueError('NFQUEUE_NOT_FINALIZED', 'the batch before has no verdicts yet: call finalize');
    }
    throw new NfQueueError('NFQUEUE_SYSTEM', `queue ${this.queue} cannot be read: ${name}`, name);
  }
}
