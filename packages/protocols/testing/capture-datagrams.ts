/** For tests over captures: UDP payloads of a classic pcap file, by flow. */

import { networkOffset } from './capture-file';
import type { Piece } from './recorder';

/** Conversations of the capture, each from the side that spoke first. */
export function readDatagrams(file: Buffer): Piece[][] {
  const flows = new Map<string, [Piece[], 0 | 1]>();
  const all: Piece[][] = [];
  const magic = file.readUInt32LE(0);
  const little = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d;
  const word = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const link = word(20);
  for (let at = 24; at + 16 <= file.length; ) {
    const frame = file.subarray(at + 16, at + 16 + word(at + 8));
    at += 16 + word(at + 8);
    const ip = networkOffset(link, frame);
    if (ip < 0 || frame.length < ip + 28 || frame[ip] >> 4 !== 4 || frame[ip + 9] !== 17) continue;
    // A later fragment has no ports.
    if ((frame.readUInt16BE(ip + 6) & 0x3fff) !== 0) continue;
    const udp = ip + (frame[ip] & 15) * 4;
    const end = Math.min(frame.length, udp + frame.readUInt16BE(udp + 4));
    const source = `${frame.toString('hex', ip + 12, ip + 16)}:${frame.readUInt16BE(udp)}`;
    const target = `${frame.toString('hex', ip + 16, ip + 20)}:${frame.readUInt16BE(udp + 2)}`;
    let known = flows.get(`${source} ${target}`);
    if (known === undefined) {
      known = [[], 0];
      all.push(known[0]);
      flows.set(`${source} ${target}`, known);
      flows.set(`${target} ${source}`, [known[0], 1]);
    }
    known[0].push([known[1], frame.subarray(udp + 8, end)]);
  }
  return all;
}
