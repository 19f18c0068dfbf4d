import { CaptureBatch, HARDWARE_STRIDE, NO_HOOK } from './batch';
import type { PacketSource } from './source';

/** One packet for a {@link MemorySource}. */
export interface MemoryPacket {
  /** From the IP header on. */
  readonly bytes: Uint8Array;
  /** Microseconds since 1970. */
  readonly time?: number;
  readonly wireLength?: number;
  /** Bits of `PacketInfo`. */
  readonly info?: number;
  readonly mark?: number;
  readonly inInterface?: number;
  readonly outInterface?: number;
  readonly hook?: number;
  /** At most 8 bytes. */
  readonly hardware?: Uint8Array;
  readonly vlan?: number;
  /** VLAN id of the second tag; 0 by default. */
  readonly innerVlan?: number;
}

/** What became of a packet: the verdict as given, and its bytes as they stood then. */
export interface MemoryVerdict {
  readonly verdict: number;
  /** The mark given with it; meaningful with `Verdict.MARK`. */
  readonly mark: number;
  readonly bytes: Uint8Array;
}

export interface MemorySourceOptions {
  readonly batchSize?: number;
  /** Return 0 (time-out) instead of -1 when there are no packets, until `end` is called. */
  readonly open?: boolean;
}

const DEFAULT_BATCH = 64;
const NO_VERDICT = 0xff;

/**
 * A packet source for tests: gives the packets of a list and records the verdicts. Every packet gets bytes of its
 * own in the arena, which are overwritten after `finalize`, so that keeping borrowed bytes shows.
 */
export class MemorySource implements PacketSource {
  readonly batch: CaptureBatch;
  /** One for each packet handed out and finalized, in order. */
  readonly verdicts: MemoryVerdict[] = [];
  private readonly packets: MemoryPacket[];
  private next = 0;
  private frames = 0;
  private open: boolean;
  private readonly arenaSize: number;

  constructor(packets: Iterable<MemoryPacket | Uint8Array>, options: MemorySourceOptions = {}) {
    this.packets = [...packets].map(asPacket);
    this.open = options.open ?? false;
    const largest = this.packets.reduce((max, packet) => Math.max(max, packet.bytes.length), 65_535);
    const capacity = options.batchSize ?? DEFAULT_BATCH;
    this.arenaSize = Math.max(largest, 2048 * capacity);
    this.batch = new CaptureBatch(new Uint8Array(this.arenaSize), capacity);
  }

  /** Adds a packet behind those waiting; at most as long as the arena. */
  push(packet: MemoryPacket | Uint8Array): void {
    const added = asPacket(packet);
    if (added.bytes.length > this.arenaSize)
      throw new RangeError(`a packet of ${added.bytes.length} bytes does not fit ${this.arenaSize}`);
    this.packets.push(added);
  }

  /** No packets will follow: an open source then ends like any other. */
  end(): void {
    this.open = false;
  }

  receive(_timeoutMs: number): number {
    const { batch } = this;
    batch.count = 0;
    let used = 0;
    while (batch.count < batch.capacity && this.next < this.packets.length) {
      const packet = this.packets[this.next];
      if (used + packet.bytes.length > this.arenaSize) break;
      this.put(batch.count++, packet, used);
      used += packet.bytes.length;
      this.next++;
    }
    if (batch.count > 0 || this.open) return batch.count;
    return -1;
  }

  finalize(): void {
    const { batch } = this;
    for (let packet = 0; packet < batch.count; packet++) {
      const from = batch.offset[packet];
      this.verdicts.push({
        verdict: batch.verdict[packet],
        mark: batch.verdictMark[packet],
        bytes: batch.bytes.slice(from, from + batch.length[packet]),
      });
    }
    batch.bytes.fill(0xdb);
    batch.count = 0;
  }

  close(): void {
    this.next = this.packets.length;
    this.open = false;
  }

  private put(place: number, packet: MemoryPacket, at: number): void {
    const { batch } = this;
    batch.bytes.set(packet.bytes, at);
    batch.offset[place] = at;
    batch.length[place] = packet.bytes.length;
    batch.wireLength[place] = packet.wireLength ?? packet.bytes.length;
    batch.info[place] = packet.info ?? 0;
    batch.mark[place] = packet.mark ?? 0;
    batch.inInterface[place] = packet.inInterface ?? 0;
    batch.outInterface[place] = packet.outInterface ?? 0;
    batch.hook[place] = packet.hook ?? NO_HOOK;
    batch.time[place] = packet.time ?? 0;
    batch.vlan[place] = packet.vlan ?? 0;
    batch.innerVlan[place] = packet.innerVlan ?? 0;
    batch.frame[place] = ++this.frames;
    const hardware = packet.hardware?.subarray(0, HARDWARE_STRIDE);
    batch.hardwareLength[place] = hardware?.length ?? 0;
    if (hardware !== undefined) batch.hardware.set(hardware, place * HARDWARE_STRIDE);
    batch.verdict[place] = NO_VERDICT;
    batch.verdictMark[place] = 0;
  }
}

function asPacket(packet: MemoryPacket | Uint8Array): MemoryPacket {
  return packet instanceof Uint8Array ? { bytes: packet } : packet;
}
