/**
 * A ring of frames in shared memory, from one writing thread to one reading thread. Frames stay where they were
 * written until the reader frees them, so they can be inspected in place. A full ring loses new frames and
 * counts them.
 *
 *     data:  │ freed ░░░│ read ▓▓▓▓ written │ free … │      positions count bytes, modulo 2³²
 *     frame: │ length u32 │ wire length u32 │ time f64 │ bytes … │ up to 16 bytes of padding │
 */

/** Words of the header in front of the data. */
const Header = {
  WRITTEN: 0,
  FREED: 1,
  LOST: 2,
  CLOSED: 3,
  LINK_TYPE: 4,
  CAPTURED: 5,
  INTERFACE: 6,
  WORDS: 16,
} as const;

const HEADER_BYTES = Header.WORDS * 4;
const FRAME_HEADER = 16;
const ALIGNMENT = 16;
/** Instead of a frame's length: the rest up to the end of the ring is empty. */
const WRAP = 0xffffffff;

const MIN_CAPACITY = 1 << 18;
const MAX_CAPACITY = 1 << 30;

export class PacketRing {
  readonly shared: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  private readonly header: Int32Array;
  private readonly words: Uint32Array;
  private readonly times: Float64Array;
  private readonly capacity: number;
  private readonly mask: number;
  /** The reader's position: frames before it have been lent out. */
  private position: number;

  // Of the frame `read` stands on.
  frameStart = 0;
  frameLength = 0;
  frameWireLength = 0;
  frameTime = 0;

  /** @param capacity in bytes; rounded up to a power of two of 256 KiB to 1 GiB. */
  static create(capacity: number): PacketRing {
    let size = MIN_CAPACITY;
    while (size < capacity && size < MAX_CAPACITY) size *= 2;
    return new PacketRing(new SharedArrayBuffer(HEADER_BYTES + size));
  }

  /** Attaches to the memory of a ring, also in another thread. */
  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.header = new Int32Array(shared, 0, Header.WORDS);
    this.bytes = new Uint8Array(shared, HEADER_BYTES);
    this.words = new Uint32Array(shared, HEADER_BYTES);
    this.times = new Float64Array(shared, HEADER_BYTES);
    this.capacity = this.bytes.length;
    this.mask = this.capacity - 1;
    this.position = Atomics.load(this.header, Header.FREED) >>> 0;
  }

  get linkType(): number {
    return Atomics.load(this.header, Header.LINK_TYPE);
  }

  set linkType(linkType: number) {
    Atomics.store(this.header, Header.LINK_TYPE, linkType);
  }

  /** Index of the interface that frames come from; 0 where it is not known. */
  get interfaceIndex(): number {
    return Atomics.load(this.header, Header.INTERFACE);
  }

  set interfaceIndex(index: number) {
    Atomics.store(this.header, Header.INTERFACE, index);
  }

  /** Frames that found the ring full. Wraps at 2³². */
  get lost(): number {
    return Atomics.load(this.header, Header.LOST) >>> 0;
  }

  /** Frames written. Wraps at 2³². */
  get captured(): number {
    return Atomics.load(this.header, Header.CAPTURED) >>> 0;
  }

  /** Whether `close` was called; frames may still be there to read. */
  get closed(): boolean {
    return Atomics.load(this.header, Header.CLOSED) !== 0;
  }

  /** Writer: copies a frame in. @returns whether there was room. */
  write(frame: Uint8Array, length: number, wireLength: number, time: number): boolean {
    const { header, words, mask, capacity } = this;
    let written = Atomics.load(header, Header.WRITTEN) >>> 0;
    const used = (written - (Atomics.load(header, Header.FREED) >>> 0)) >>> 0;
    const size = (FRAME_HEADER + length + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    const untilEnd = capacity - (written & mask);
    const needed = size > untilEnd ? untilEnd + size : size;
    if (size > capacity || used + needed > capacity) {
      Atomics.add(header, Header.LOST, 1);
      return false;
    }
    if (size > untilEnd) {
      words[(written & mask) >>> 2] = WRAP;
      written = (written + untilEnd) >>> 0;
    }
    const at = written & mask;
    words[at >>> 2] = length;
    words[(at >>> 2) + 1] = wireLength;
    this.times[(at >>> 3) + 1] = time;
    this.bytes.set(length === frame.length ? frame : frame.subarray(0, length), at + FRAME_HEADER);
    Atomics.add(header, Header.CAPTURED, 1);
    Atomics.store(header, Header.WRITTEN, (written + size) | 0);
    Atomics.notify(header, Header.WRITTEN);
    return true;
  }

  /** Writer: no frames will follow. */
  close(): void {
    Atomics.store(this.header, Header.CLOSED, 1);
    Atomics.notify(this.header, Header.WRITTEN);
  }

  /** Reader: moves to the next frame and sets the `frame…` fields. @returns false when there is none yet. */
  read(): boolean {
    const { words, mask } = this;
    const written = Atomics.load(this.header, Header.WRITTEN) >>> 0;
    if (this.position === written) return false;
    if (words[(this.position & mask) >>> 2] === WRAP)
      this.position = (this.position + this.capacity - (this.position & mask)) >>> 0;
    const at = this.position & mask;
    const length = words[at >>> 2];
    this.frameStart = at + FRAME_HEADER;
    this.frameLength = length;
    this.frameWireLength = words[(at >>> 2) + 1];
    this.frameTime = this.times[(at >>> 3) + 1];
    this.position = (this.position + ((FRAME_HEADER + length + ALIGNMENT - 1) & ~(ALIGNMENT - 1))) >>> 0;
    return true;
  }

  /** Reader: gives back all frames that were read. */
  free(): void {
    Atomics.store(this.header, Header.FREED, this.position | 0);
  }

  /** Reader: blocks its thread until there is something to read, the ring is closed, or the time is up. */
  wait(timeoutMs: number): void {
    const written = Atomics.load(this.header, Header.WRITTEN);
    if (written >>> 0 !== this.position || this.closed) return;
    Atomics.wait(this.header, Header.WRITTEN, written, timeoutMs);
  }
}
