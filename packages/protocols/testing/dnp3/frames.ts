/** For tests: DNP3 frames put together. */

import { checksum } from '../../src/dnp3/frames';

function summed(bytes: Buffer): Buffer {
  const sum = checksum(bytes, 0, bytes.length);
  return Buffer.concat([bytes, Buffer.from([sum & 255, sum >> 8])]);
}

/** A frame around a segment, whose first byte is the transport header. */
export function frame(segment: Buffer, control = 0xc4, source = 3, destination = 4): Buffer {
  const header = Buffer.from([0x05, 0x64, 5 + segment.length, control, destination, 0, source, 0]);
  const blocks: Buffer[] = [];
  for (let at = 0; at < segment.length; at += 16) blocks.push(summed(segment.subarray(at, at + 16)));
  return Buffer.concat([summed(header), ...blocks]);
}

/** An application's message in as many frames as it takes. */
export function message(application: readonly number[] | Buffer, control = 0xc4): Buffer {
  const bytes = Buffer.from(application);
  const frames: Buffer[] = [];
  const most = 249;
  for (let at = 0, sequence = 0; at === 0 || at < bytes.length; at += most, sequence++) {
    const transport = (at === 0 ? 0x40 : 0) | (at + most >= bytes.length ? 0x80 : 0) | (sequence & 0x3f);
    frames.push(frame(Buffer.concat([Buffer.from([transport]), bytes.subarray(at, at + most)]), control));
  }
  return Buffer.concat(frames);
}
