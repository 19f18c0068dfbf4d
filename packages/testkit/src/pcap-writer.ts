import { writeFileSync } from 'node:fs';
import { LinkType } from '@portcullis/wire';
import type { Side } from './conversation';

export interface PcapWriterOptions {
  /** `LinkType.ETHERNET` (default) or `LinkType.RAW`. */
  readonly linkType?: typeof LinkType.ETHERNET | typeof LinkType.RAW;
  /** Time stamps in nanoseconds; default microseconds. */
  readonly nanoseconds?: boolean;
  readonly bigEndian?: boolean;
}

/** A packet to be written; a `ConversationPacket` is one. */
export interface CapturedPacket {
  /** From the IP header on. */
  readonly bytes: Uint8Array;
  /** Microseconds since 1970. */
  readonly time: number;
  /** Chooses the hardware addresses; default `client`. */
  readonly from?: Side;
  /** VLAN ids, outermost first; Ethernet only. */
  readonly vlans?: readonly number[];
}

/** Locally administered addresses. */
const CLIENT_HARDWARE = Uint8Array.of(2, 0, 0, 0, 0, 1);
const SERVER_HARDWARE = Uint8Array.of(2, 0, 0, 0, 0, 2);

const SNAP_LENGTH = 262_144;

/** Writes capture files in the pcap format. */
export class PcapWriter {
  private readonly chunks: Buffer[] = [];
  private readonly linkType: number;

  constructor(private readonly options: PcapWriterOptions = {}) {
    this.linkType = options.linkType ?? LinkType.ETHERNET;
    this.words(options.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
    // Version 2.4: major in the first half of the word as the file is read.
    this.words(options.bigEndian ? 0x00020004 : 0x00040002, 0, 0, SNAP_LENGTH, this.linkType);
  }

  add(packet: CapturedPacket): this {
    const frame =
      this.linkType === LinkType.ETHERNET
        ? ethernetFrame(packet.bytes, packet.from ?? 'client', packet.vlans ?? [])
        : packet.bytes;
    return this.addFrame(frame, packet.time);
  }

  addAll(packets: Iterable<CapturedPacket>): this {
    for (const packet of packets) this.add(packet);
    return this;
  }

  /** A frame as it is, also a wrong one; `wireLength` says more than was captured. */
  addFrame(frame: Uint8Array, time: number, wireLength = frame.length): this {
    const seconds = Math.floor(time / 1e6);
    const fraction = Math.floor(time - seconds * 1e6);
    this.words(seconds, this.options.nanoseconds ? fraction * 1000 : fraction, frame.length, wireLength);
    this.chunks.push(Buffer.from(frame));
    return this;
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.chunks);
  }

  writeFile(path: string): void {
    writeFileSync(path, this.toBuffer());
  }

  private words(...words: number[]): void {
    const chunk = Buffer.alloc(words.length * 4);
    words.forEach((word, index) => {
      if (this.options.bigEndian) chunk.writeUInt32BE(word, index * 4);
      else chunk.writeUInt32LE(word, index * 4);
    });
    this.chunks.push(chunk);
  }
}

/** An IP packet in an Ethernet frame with the test's hardware addresses. */
export function ethernetFrame(packet: Uint8Array, from: Side, vlans: readonly number[] = []): Uint8Array {
  const [source, destination] =
    from === 'client' ? [CLIENT_HARDWARE, SERVER_HARDWARE] : [SERVER_HARDWARE, CLIENT_HARDWARE];
  const tags = vlans.map((vlan, index) => {
    // The outer ones of several tags are 802.1ad.
    const type = index < vlans.length - 1 ? 0x88a8 : 0x8100;
    return Uint8Array.of(type >> 8, type & 0xff, vlan >> 8, vlan & 0xff);
  });
  const type = packet[0] >> 4 === 6 ? Uint8Array.of(0x86, 0xdd) : Uint8Array.of(0x08, 0x00);
  return Buffer.concat([destination, source, ...tags, type, packet]);
}
