import type { PacketBatch } from '@portcullis/capture';
import {
  DecodeStatus,
  IpProtocol,
  PacketView,
  verifyHeaderChecksum,
  verifyTransportChecksum,
} from '@portcullis/wire';

/**
 * `ignore`: packets are taken as they are. `verify`: those with a wrong checksum are not inspected, as their receiver
 * throws them away. `auto`: verified, until a capture turns out to have many wrong ones: it was taken on the sending
 * host, whose network card fills them in.
 */
export type ChecksumPolicy = 'ignore' | 'verify' | 'auto';

/** Packets after which `auto` decides, and the least share of wrong ones (one in so many), both as Suricata has them. */
const SAMPLE = 1000;
const ONE_IN = 10;

/** Verifies the checksums of captured packets. */
export class CaptureChecksums {
  private readonly view = new PacketView();
  private verifying: boolean;
  private seen = 0;
  private wrong = 0;

  constructor(private readonly policy: ChecksumPolicy) {
    this.verifying = policy !== 'ignore';
    this.view.acceptsMapped = true;
  }

  /** Before each capture. */
  restart(): void {
    this.verifying = this.policy !== 'ignore';
    this.seen = 0;
    this.wrong = 0;
  }

  /** Whether packet `place` is to be believed. */
  accepts(batch: PacketBatch, place: number): boolean {
    if (!this.verifying) return true;
    const { view } = this;
    const start = batch.offset[place];
    if (view.decode(batch.bytes, start, start + batch.length[place]) !== DecodeStatus.OK) return true;
    // As in Suricata it is the stream that must not take what its receiver did not; datagrams are looked at all the same.
    if (view.protocol !== IpProtocol.TCP) return true;
    const right = verifyHeaderChecksum(view) && verifyTransportChecksum(view);
    if (this.policy === 'auto') {
      this.seen++;
      if (!right) this.wrong++;
      if (this.seen === SAMPLE && this.wrong * ONE_IN > SAMPLE) this.verifying = false;
    }
    return right;
  }
}
