import { join } from 'node:path';
import { NfQueueError } from './errors';

declare const handleBrand: unique symbol;
/** An external of the addon. */
export interface Handle {
  readonly [handleBrand]: true;
}

/** Positions in the settings of {@link Addon.open} (addon.c, SETTING_*). */
export const Setting = {
  QUEUE: 0,
  COPY_RANGE: 1,
  MAX_LENGTH: 2,
  RECEIVE_BUFFER: 3,
  MAX_HELD: 4,
  FAIL_OPEN: 5,
  GSO: 6,
  SLOTS: 7,
  SLOT_SIZE: 8,
  COUNT: 9,
} as const;

/** Positions in the state that {@link Addon.readState} writes (addon.c, STATE_*). */
export const State = {
  FAIL_OPEN: 0,
  GSO: 1,
  MAX_LENGTH: 2,
  COPY_RANGE: 3,
  RECEIVE_BUFFER: 4,
  FD: 5,
  PORT_ID: 6,
  STAGE: 7,
  HELD: 8,
  COUNT: 9,
} as const;

/** Where opening failed (queue.h, enum queue_stage). */
export const Stage = { NONE: 0, SOCKET: 1, CAPABILITY: 2, BIND: 3, MEMORY: 4 } as const;

/** queue.h and checksum.h, enum checksum_status. */
export const ChecksumStatus = { OK: 0, NONE_PRESENT: 1, WRONG: 2, UNKNOWN: 3, MALFORMED: 4 } as const;

/** The functions of addon.c. Errors are errno numbers: positive, but negative from `receive`. */
export interface Addon {
  open(
    settings: Uint32Array,
    arena: ArrayBuffer,
    fields: readonly ArrayBufferView[],
    counters: Float64Array,
    state: Uint32Array,
  ): Handle | number;
  receive(queue: Handle, timeoutMs: number): number;
  finalize(queue: Handle): void;
  decide(queue: Handle, packetId: number, verdict: number, mark: number, payload: Uint8Array | null): number;
  verifyChecksum(queue: Handle, index: number): number;
  setMaxLength(queue: Handle, maxLength: number): number;
  readState(queue: Handle, state: Uint32Array): void;
  close(queue: Handle): void;
  abandon(fd: number, portId: number): number;
  slotSize(copyRange: number): number;
  rawOpen(mark: number): Handle | number;
  rawSend(sender: Handle, bytes: Uint8Array, offset: number, length: number, interfaceIndex: number): number;
  rawClose(sender: Handle): void;
  /** Rows of the sockets whose state is in the mask (bit 1 << state); see socket_diag.h. */
  listTcpSockets(states: number): ArrayBuffer | number;
  /** How many of the rows were destroyed, or a negative errno. */
  destroyTcpSockets(rows: Uint8Array): number;
  /** A file descriptor, or a negative errno. */
  listenTransparently(ipv6: boolean, backlog: number): number;
  /** Does not return, but with an errno; see rights.h. */
  restart(kept: bigint, argv: readonly string[]): number;
  /** An errno, of thread_slice.h. */
  threadSlice(microseconds: number): number;
  /** Bytes in front of the first cache line; see huge_pages.h. */
  hugePages(bytes: Uint8Array): number;
  /** The functions of ip_set_addon.c; their errors may be numbers of the kernel's own for sets. */
  setsOpen(networkNamespace: string | null): Handle | number;
  setsChange(sets: Handle, command: number, set: string, line: string): number;
  /** The error that there is one already is EXIST. */
  setsAddNew(sets: Handle, set: string, line: string): number;
  setsCommand(sets: Handle, command: number, set: string, other: string | null): number;
  setsCreate(sets: Handle, set: string, ipv6: boolean, capacity: number, timeout: number): number;
  setsChangeMany(sets: Handle, command: number, set: string, lines: string): Promise<number>;
  setsCopy(sets: Handle, from: string, to: string): Promise<number>;
  setsList(sets: Handle, set: string): number;
  setsListNext(sets: Handle): Promise<string | number>;
  setsCount(sets: Handle, set: string): Promise<number>;
  setsGeneration(sets: Handle): number;
  setsClose(sets: Handle): void;
  /** For tests: reads one netlink message that ends at an inaccessible page. */
  parseMessage(bytes: Uint8Array, queue: number, result: Float64Array): number;
  /** For tests: verifies or writes the checksums of a packet that ends at an inaccessible page. */
  checksum(packet: Uint8Array, write: boolean): number;
}

/** Where the build puts its products; the same seen from `src` and from `dist`. */
export const productDirectory = join(__dirname, '..', 'build', 'Release');

let loaded: Addon | undefined;

/** Loads the addon at the first use, so that importing the package never fails. */
export function loadAddon(): Addon {
  if (loaded !== undefined) return loaded;
  const file = join(productDirectory, 'nfqueue.node');
  try {
    loaded = require(file) as Addon;
  } catch (cause) {
    throw new NfQueueError(
      'NATIVE_NOT_BUILT',
      `the NFQUEUE addon cannot be loaded: build it with "npm run build:native -w @portcullis/nfqueue-binding" (${
        cause instanceof Error ? cause.message.split('\n')[0] : file
      })`,
    );
  }
  return loaded;
}
