/** One large capture made of many small ones: their packets as they are, with other addresses each time. */
import { closeSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CaptureFileSource } from '@portcullis/capture';
import { SeededRandom } from '@portcullis/testkit';

export interface LargeCapture {
  readonly path: string;
  readonly packets: number;
  readonly bytes: number;
  /** Captures it was made of, repetitions counted. */
  readonly captures: number;
}

const LINK_TYPE_RAW = 101;
const SNAP_LENGTH = 262_144;
const GLOBAL_HEADER = 24;
const PACKET_HEADER = 16;
const CHUNK = 4 << 20;
/** Between two captures, microseconds. */
const PAUSE = 1000;
/** What is longer by the clock than this is taken for a jump of it. */
const LONGEST_WAIT = 1_000_000;

/** Captures below a folder, in a stable order. */
export function capturesIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => /\.(pcap|pcapng|cap|trace)$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** Writes packets of one or more captures in the pcap format; too large for memory. */
class CaptureFile {
  packets = 0;
  bytes = 0;
  private readonly descriptor: number;
  private readonly chunk = Buffer.alloc(CHUNK);
  private used = 0;

  constructor(path: string) {
    this.descriptor = openSync(path, 'w');
    for (const [at, word] of [0xa1b2c3d4, 0x00040002, 0, 0, SNAP_LENGTH, LINK_TYPE_RAW].entries())
      this.chunk.writeUInt32LE(word, at * 4);
    this.used = GLOBAL_HEADER;
  }

  add(packet: Uint8Array, time: number, wireLength: number): void {
    if (this.used + PACKET_HEADER + packet.length > CHUNK) this.flush();
    const seconds = Math.floor(time / 1e6);
    this.used = this.chunk.writeUInt32LE(seconds, this.used);
    this.used = this.chunk.writeUInt32LE(Math.floor(time - seconds * 1e6), this.used);
    this.used = this.chunk.writeUInt32LE(packet.length, this.used);
    this.used = this.chunk.writeUInt32LE(wireLength, this.used);
    this.chunk.set(packet, this.used);
    this.used += packet.length;
    this.packets++;
    this.bytes += packet.length;
  }

  close(): void {
    this.flush();
    closeSync(this.descriptor);
  }

  private flush(): void {
    writeSync(this.descriptor, this.chunk, 0, this.used);
    this.used = 0;
  }
}

/**
 * Makes the capture: the sources in seeded order, each with the lower half of its addresses changed by a number of its
 * own, so that repetitions are connections of their own. Checksums stay as they were; a replay does not look at them.
 * @param least bytes of packets
 */
export function makeLargeCapture(
  path: string,
  sources: readonly string[],
  { least, seed }: { least: number; seed: number },
): LargeCapture {
  if (sources.length === 0) throw new Error('there are no captures to make a large one of');
  const random = new SeededRandom(seed);
  const temporary = `${path}.next`;
  const file = new CaptureFile(temporary);
  let captures = 0;
  let clock = 1_700_000_000_000_000;
  try {
    while (file.bytes < least) {
      const before = file.bytes;
      for (const source of random.shuffled(sources)) {
        if (file.bytes >= least) break;
        clock = append(file, source, random.next(), clock) + PAUSE;
        captures++;
      }
      if (file.bytes === before) throw new Error('none of the captures has a packet');
    }
  } catch (error) {
    file.close();
    rmSync(temporary, { force: true });
    throw error;
  }
  file.close();
  renameSync(temporary, path);
  return { path, packets: file.packets, bytes: file.bytes, captures };
}

/** @returns the time of its last packet */
function append(file: CaptureFile, path: string, mask: number, start: number): number {
  let source: CaptureFileSource;
  try {
    source = new CaptureFileSource(path);
  } catch {
    // Some of the public captures are broken on purpose.
    return start;
  }
  let clock = start;
  let last = 0;
  const { batch } = source;
  for (let count = source.receive(0); count >= 0; count = source.receive(0)) {
    for (let place = 0; place < count; place++) {
      const time = batch.time[place] as number;
      if (last > 0) clock += Math.min(Math.max(time - last, 0), LONGEST_WAIT);
      last = time;
      const begin = batch.offset[place] as number;
      const packet = batch.bytes.subarray(begin, begin + (batch.length[place] as number));
      changeAddresses(packet, mask);
      file.add(packet, clock, batch.wireLength[place] as number);
    }
    source.finalize();
  }
  source.close();
  return clock;
}

/** Changes the lower half of both addresses alike in every packet of a capture. */
export function changeAddresses(packet: Uint8Array, mask: number): void {
  const version = (packet[0] as number) >> 4;
  const [first, size] = version === 4 ? [12, 4] : [8, 16];
  if ((version !== 4 && version !== 6) || packet.length < first + 2 * size) return;
  for (let end = first + size; end <= first + 2 * size; end += size) {
    packet[end - 2] = (packet[end - 2] as number) ^ ((mask >>> 8) & 0xff);
    packet[end - 1] = (packet[end - 1] as number) ^ (mask & 0xff);
  }
}
