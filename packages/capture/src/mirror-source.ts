import { LinkStatus, LinkStatusNames, LinkView } from '@portcullis/wire';
import { CaptureBatch, HARDWARE_STRIDE } from './batch';
import { PacketRing } from './packet-ring';
import { PacketInfo, type PacketSource } from './source';

export interface MirrorSourceOptions {
  /** Most packets in one batch. */
  readonly batchSize?: number;
}

const DEFAULT_BATCH = 256;

/**
 * The IP packets that a {@link MirrorCapture} of this process writes into its ring. The capture needs the event
 * loop of its thread, `receive` blocks the thread that calls it: use them in two threads, or call `receive(0)`
 * between turns of the event loop. Verdicts are taken and forgotten: a mirror only watches.
 */
export class MirrorSource implements PacketSource {
  readonly batch: CaptureBatch;
  /** Frames read, IP packets or not. */
  frames = 0;
  /** Frames that were passed over, by `LinkStatus`. */
  readonly skipped = new Float64Array(LinkStatusNames.length);
  private readonly ring: PacketRing;
  private readonly link = new LinkView();
  private ended = false;

  /** @param shared `MirrorCapture.shared`. */
  constructor(shared: SharedArrayBuffer, options: MirrorSourceOptions = {}) {
    this.ring = new PacketRing(shared);
    this.batch = new CaptureBatch(this.ring.bytes, options.batchSize ?? DEFAULT_BATCH);
  }

  /** Frames lost because this source was too slow. */
  get lost(): number {
    return this.ring.lost;
  }

  receive(timeoutMs: number): number {
    this.finalize();
    if (this.ended) return -1;
    const closed = this.ring.closed;
    this.fill();
    if (this.batch.count === 0 && timeoutMs > 0 && !closed) {
      this.ring.wait(timeoutMs);
      this.fill();
    }
    if (this.batch.count > 0) return this.batch.count;
    // Only a ring found closed before it was found empty is at its end.
    return closed ? -1 : 0;
  }

  finalize(): void {
    this.batch.count = 0;
    this.ring.free();
  }

  close(): void {
    this.finalize();
    this.ended = true;
  }

  private fill(): void {
    const { batch, ring, link } = this;
    const { linkType, interfaceIndex } = ring;
    if (batch.inInterface[0] !== interfaceIndex) batch.inInterface.fill(interfaceIndex);
    while (batch.count < batch.capacity && ring.read()) {
      this.frames++;
      const end = ring.frameStart + ring.frameLength;
      const status = link.decode(linkType, batch.bytes, ring.frameStart, end);
      if (status !== LinkStatus.OK) {
        this.skipped[status]++;
        continue;
      }
      const packet = batch.count++;
      const network = link.network;
      const captured = end - network;
      const onWire = ring.frameWireLength - (network - ring.frameStart);
      batch.offset[packet] = network;
      batch.length[packet] = captured;
      batch.wireLength[packet] = Math.max(onWire, captured);
      // On the sending host a mirror sees packets before the network card has filled in the checksum.
      batch.info[packet] = PacketInfo.CHECKSUM_NOT_READY | (onWire > captured ? PacketInfo.TRUNCATED : 0);
      batch.time[packet] = ring.frameTime;
      batch.frame[packet] = this.frames;
      batch.vlan[packet] = link.vlan;
      batch.innerVlan[packet] = link.innerVlan;
      batch.hardwareLength[packet] = link.hardwareLength;
      const to = packet * HARDWARE_STRIDE;
      for (let at = 0; at < link.hardwareLength; at++)
        batch.hardware[to + at] = batch.bytes[link.hardware + at];
    }
  }
}
