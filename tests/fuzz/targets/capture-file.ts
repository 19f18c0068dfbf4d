import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CaptureError, CaptureFileSource } from '@portcullis/capture';
import { PcapWriter } from '@portcullis/testkit';
import { PacketView } from '@portcullis/wire';
import { smallCaptures } from '../conversations';
import { packetSeeds } from '../packet-seeds';
import { claim, type FuzzTarget } from '../target';

const SMALL = 3000;
const MOST_SEEDS = 120;
/** What a small file may unpack to. */
const MOST_UNPACKED = 1 << 20;

/** One block of pcapng. */
function block(type: number, body: Buffer): Buffer {
  const length = 12 + ((body.length + 3) & ~3);
  const out = Buffer.alloc(length);
  out.writeUInt32LE(type, 0);
  out.writeUInt32LE(length, 4);
  body.copy(out, 8);
  out.writeUInt32LE(length, length - 4);
  return out;
}

function pcapng(packet: Uint8Array): Buffer {
  const section = Buffer.from('4d3c2b1a01000000ffffffffffffffff', 'hex');
  const link = Buffer.from('650000000000000009000100060000000000000000', 'hex');
  const head = Buffer.alloc(20);
  head.writeUInt32LE(packet.length, 12);
  head.writeUInt32LE(packet.length, 16);
  return Buffer.concat([
    block(0x0a0d0d0a, section),
    block(1, link),
    block(6, Buffer.concat([head, packet])),
    block(3, Buffer.concat([Buffer.from([packet.length, 0, 0, 0]), packet])),
  ]);
}

function seeds(): Uint8Array[] {
  const packets = packetSeeds().slice(0, 3);
  const writer = new PcapWriter();
  for (const packet of packets) writer.add({ bytes: packet, time: 1e15 });
  const classic = writer.toBuffer();
  const own = [classic, ...packets.map(pcapng), gzipSync(classic)];
  return [
    ...own,
    ...smallCaptures(SMALL)
      .slice(0, MOST_SEEDS)
      .map((path) => readFileSync(path)),
  ];
}

export function captureFileTargets(): readonly FuzzTarget[] {
  return [
    {
      name: 'capture/file',
      shape: 'bytes',
      weight: 0.15,
      seeds,
      start: () => {
        const folder = mkdtempSync(join(tmpdir(), 'portcullis-fuzz-'));
        const path = join(folder, 'capture');
        const view = new PacketView();
        return {
          run: (input) => {
            writeFileSync(path, input);
            let source: CaptureFileSource;
            try {
              source = new CaptureFileSource(path, { maxUnpacked: MOST_UNPACKED, everyFrame: true });
            } catch (error) {
              if (!(error instanceof CaptureError)) throw error;
              claim(error.message !== '', 'an error that says nothing');
              return;
            }
            const { batch } = source;
            let packets = 0;
            for (let count = source.receive(0); count >= 0; count = source.receive(0)) {
              claim(count > 0, 'a batch without packets before the end');
              for (let place = 0; place < count; place++) {
                const start = batch.offset[place] as number;
                const length = batch.length[place] as number;
                claim(start >= 0 && start + length <= batch.bytes.length, 'a packet outside of the batch');
                claim((batch.wireLength[place] as number) >= length, 'longer than on the wire');
                view.decode(batch.bytes, start, start + length);
                packets++;
              }
              source.finalize();
            }
            claim(packets <= source.frames, 'more packets than frames');
            source.close();
          },
          close: () => rmSync(folder, { recursive: true }),
        };
      },
    },
  ];
}
