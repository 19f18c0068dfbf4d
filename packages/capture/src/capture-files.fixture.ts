import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaptureFileSource } from './capture-file-source';

/** An IPv4 packet of UDP with a payload of `length` bytes that all are `fill`. */
export function ipv4Packet(length: number, fill = 0): Buffer {
  const packet = Buffer.alloc(28 + length, fill);
  packet.fill(0, 0, 28);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  packet[8] = 64;
  packet[9] = 17;
  packet.writeUInt32BE(0x0a000001, 12);
  packet.writeUInt32BE(0x0a000002, 16);
  packet.writeUInt16BE(8 + length, 24);
  return packet;
}

export function ethernet(packet: Uint8Array, type = 0x0800): Buffer {
  return Buffer.concat([Uint8Array.of(2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, type >> 8, type & 0xff), packet]);
}

/** Writes numbers in one byte order. */
export class Bytes {
  constructor(readonly littleEndian: boolean) {}

  u16(...values: number[]): Buffer {
    const bytes = Buffer.alloc(values.length * 2);
    values.forEach((value, index) => {
      if (this.littleEndian) bytes.writeUInt16LE(value, index * 2);
      else bytes.writeUInt16BE(value, index * 2);
    });
    return bytes;
  }

  u32(...values: number[]): Buffer {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => {
      if (this.littleEndian) bytes.writeUInt32LE(value, index * 4);
      else bytes.writeUInt32BE(value, index * 4);
    });
    return bytes;
  }
}

const directory = mkdtempSync(join(tmpdir(), 'portcullis-capture-'));
let files = 0;

/** Puts bytes into a file of their own, which is removed after the tests. */
export function captureFile(...parts: Uint8Array[]): string {
  const path = join(directory, `capture-${++files}`);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

afterAll(() => rmSync(directory, { recursive: true, force: true }));

export interface TakenPacket {
  bytes: Buffer;
  time: number;
  frame: number;
  wireLength: number;
  info: number;
  vlan: number;
}

/** Reads a source to its end; packets are copied out. */
export function takeAll(source: CaptureFileSource): TakenPacket[] {
  const taken: TakenPacket[] = [];
  while (source.receive(0) >= 0) {
    const { batch } = source;
    if (batch.count === 0) throw new Error('a file has no time-outs');
    for (let index = 0; index < batch.count; index++) {
      const from = batch.offset[index];
      taken.push({
        bytes: Buffer.from(batch.bytes.slice(from, from + batch.length[index])),
        time: batch.time[index],
        frame: batch.frame[index],
        wireLength: batch.wireLength[index],
        info: batch.info[index],
        vlan: batch.vlan[index],
      });
    }
    source.finalize();
  }
  return taken;
}
