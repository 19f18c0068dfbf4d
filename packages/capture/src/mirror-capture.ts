import { LinkType } from '@portcullis/wire';
import { PacketRing } from './packet-ring';

/** What is used of the `cap` package, which comes without types. */
interface CapModule {
  readonly Cap: new () => CapSession;
  deviceList(): { name: string }[];
}

interface CapSession {
  open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
  close(): void;
  setMinBytes?(bytes: number): void;
  on(event: 'packet', listener: (length: number, truncated: boolean) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
}

/** Why an interface cannot be mirrored. */
export const MirrorErrorCode = {
  /** The native addon of `cap` is not built, or was loaded by another thread. */
  ADDON: 'MIRROR_ADDON',
  /** No such interface, no permission, or a wrong filter. */
  OPEN: 'MIRROR_OPEN',
  LINK_TYPE: 'MIRROR_LINK_TYPE',
} as const;

export type MirrorErrorCode = (typeof MirrorErrorCode)[keyof typeof MirrorErrorCode];

export class MirrorError extends Error {
  override readonly name = 'MirrorError';

  constructor(
    readonly code: MirrorErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface MirrorCaptureOptions {
  /** Name of the interface to watch. */
  readonly interface: string;
  /** Its index, for those who read; default 0: unknown. */
  readonly interfaceIndex?: number;
  /** In the language of pcap-filter(7); everything by default. */
  readonly filter?: string;
  /** Bytes for frames waiting to be inspected; a power of two from 256 KiB. */
  readonly ringSize?: number;
  /** Bytes that the kernel holds for the capture. */
  readonly kernelBuffer?: number;
}

const DEFAULT_RING = 16 << 20;
const DEFAULT_KERNEL_BUFFER = 8 << 20;
/** `cap` asks for 65 535 bytes of each frame. */
const FRAME_BUFFER = 65_536;

// The names that `cap` gives to libpcap's link types.
const LINK_TYPES: ReadonlyMap<string, number> = new Map([
  ['NULL', LinkType.NULL],
  ['ETHERNET', LinkType.ETHERNET],
  ['RAW', LinkType.RAW],
  ['LINKTYPE_LINUX_SLL', LinkType.LINUX_SLL],
]);

/**
 * `cap` leaves a poll handle in libuv's lists when a session is closed, and stops one that was never started when
 * a session could not be opened; either ends the process once the session is collected. So none ever is: a timer
 * that keeps nothing running holds them, for as long as the process lives.
 */
const sessions: CapSession[] = [];
const LONGEST_INTERVAL = 2 ** 31 - 1;

function keepForEver(session: CapSession): void {
  if (sessions.length === 0) setInterval(() => sessions.length, LONGEST_INTERVAL).unref();
  sessions.push(session);
}

/**
 * Copies every frame of an interface into a ring, from which a {@link MirrorSource} reads. `cap` runs on the
 * event loop of the thread that creates this, and loads in one thread of a process only: the main thread.
 */
export class MirrorCapture {
  /** For `new MirrorSource(shared)`, here or in a worker thread. */
  readonly shared: SharedArrayBuffer;
  private readonly ring: PacketRing;
  private session: CapSession;
  private open = true;

  /** @throws MirrorError */
  constructor(private readonly options: MirrorCaptureOptions) {
    this.ring = PacketRing.create(options.ringSize ?? DEFAULT_RING);
    this.shared = this.ring.shared;
    this.session = this.openSession(options.interfaceIndex ?? 0);
  }

  /**
   * Begins to capture anew, into the same ring: after the interface was down, or has come back as another one of that name.
   * @param interfaceIndex its index now; 0: unknown
   * @throws MirrorError; nothing is captured then until the next attempt
   */
  reopen(interfaceIndex: number): void {
    if (!this.open) return;
    this.session.close();
    this.session = this.openSession(interfaceIndex);
  }

  private openSession(interfaceIndex: number): CapSession {
    const { options } = this;
    const cap = loadCap();
    const device = options.interface;
    if (!cap.deviceList().some((entry) => entry.name === device))
      throw new MirrorError(
        MirrorErrorCode.OPEN,
        `there is no interface ${device} that can be captured from`,
      );
    const session = new cap.Cap();
    keepForEver(session);
    const frame = Buffer.alloc(FRAME_BUFFER);
    let name: string;
    try {
      const kernelBuffer = options.kernelBuffer ?? DEFAULT_KERNEL_BUFFER;
      name = session.open(device, options.filter ?? '', kernelBuffer, frame);
    } catch (cause) {
      const reason = `interface ${device} cannot be mirrored: ${(cause as Error).message}`;
      throw new MirrorError(MirrorErrorCode.OPEN, reason, { cause });
    }
    const linkType = LINK_TYPES.get(name);
    if (linkType === undefined) {
      session.close();
      const reason = `interface ${device} has link type ${name}, which cannot be inspected`;
      throw new MirrorError(MirrorErrorCode.LINK_TYPE, reason);
    }
    this.ring.linkType = linkType;
    this.ring.interfaceIndex = interfaceIndex;
    session.setMinBytes?.(0);
    // `cap` tells neither the length on the wire nor the time.
    session.on('packet', (length) => {
      this.ring.write(frame, length, length, Date.now() * 1000);
    });
    return session;
  }

  /** Frames copied into the ring. */
  get captured(): number {
    return this.ring.captured;
  }

  /** Frames that found the ring full. */
  get lost(): number {
    return this.ring.lost;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.session.close();
    this.ring.close();
  }
}

function loadCap(): CapModule {
  try {
    // Here and not at the top: only those who mirror need the addon, and libpcap with it.
    return require('cap') as CapModule;
  } catch (cause) {
    const reason =
      'the mirror needs the native addon of the npm package cap: install libpcap-dev and build it ' +
      `(npm run build), and mirror from one thread only: ${(cause as Error).message.split('\n')[0]}`;
    throw new MirrorError(MirrorErrorCode.ADDON, reason, { cause });
  }
}
