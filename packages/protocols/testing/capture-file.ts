/** For tests over captures: TCP payloads of a classic pcap file, in order. No overlaps worth speaking of, no limits. */

import type { Piece } from './recorder';

interface Flow {
  readonly next: (number | null)[];
  readonly waiting: [number, Buffer][][];
  readonly pieces: Piece[];
}

/** Start of the IP packet for the link types the corpora have, or -1. */
export function networkOffset(link: number, frame: Buffer): number {
  if (link === 101 || link === 12) return 0;
  if (link === 113) return 16;
  if (link !== 1 || frame.length < 14) return -1;
  let at = 12;
  while (at + 2 <= frame.length && frame.readUInt16BE(at) === 0x8100) at += 4;
  return at + 2;
}

/** Conversations of the capture, each from the side that spoke first or sent the SYN. */
export function readFlows(file: Buffer): Piece[][] {
  const flows = new Map<string, [Flow, 0 | 1]>();
  const all: Flow[] = [];
  const little = file.readUInt32LE(0) === 0xa1b2c3d4 || file.readUInt32LE(0) === 0xa1b23c4d;
  const word = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const link = word(20);
  for (let at = 24; at + 16 <= file.length; ) {
    const frame = file.subarray(at + 16, at + 16 + word(at + 8));
    at += 16 + word(at + 8);
    const ip = networkOffset(link, frame);
    if (ip < 0 || frame.length < ip + 40 || frame[ip] >> 4 !== 4 || frame[ip + 9] !== 6) continue;
    const tcp = ip + (frame[ip] & 15) * 4;
    const end = Math.min(frame.length, ip + frame.readUInt16BE(ip + 2));
    if (tcp + 20 > end) continue;
    const source = `${frame.toString('hex', ip + 12, ip + 16)}:${frame.readUInt16BE(tcp)}`;
    const target = `${frame.toString('hex', ip + 16, ip + 20)}:${frame.readUInt16BE(tcp + 2)}`;
    const flags = frame[tcp + 13];
    let known = flows.get(`${source} ${target}`);
    if (known === undefined || (flags & 0x12) === 2) {
      const flow: Flow = { next: [null, null], waiting: [[], []], pieces: [] };
      all.push(flow);
      const reply = (flags & 0x12) === 0x12;
      flows.set(`${source} ${target}`, [flow, reply ? 1 : 0]);
      flows.set(`${target} ${source}`, [flow, reply ? 0 : 1]);
      known = [flow, reply ? 1 : 0];
    }
    const [flow, direction] = known;
    const sequence = frame.readUInt32BE(tcp + 4);
    if ((flags & 2) !== 0) flow.next[direction] = (sequence + 1) >>> 0;
    const payload = frame.subarray(tcp + (frame[tcp + 12] >> 4) * 4, end);
    if (payload.length === 0) continue;
    flow.next[direction] ??= sequence;
    flow.waiting[direction].push([sequence, payload]);
    deliver(flow, direction);
  }
  return all.map(({ pieces }) => pieces);
}

function deliver(flow: Flow, direction: 0 | 1): void {
  const waiting = flow.waiting[direction];
  for (;;) {
    const next = flow.next[direction] as number;
    const index = waiting.findIndex(([sequence]) => ((next - sequence) | 0) >= 0);
    if (index < 0) return;
    const [[sequence, payload]] = waiting.splice(index, 1);
    const known = (next - sequence) | 0;
    if (known >= payload.length) continue;
    flow.pieces.push([direction, payload.subarray(known)]);
    flow.next[direction] = (next + payload.length - known) >>> 0;
  }
}
