import { DecodeStatus, PacketView } from '@portcullis/wire';
import type { Choices } from '../random.fixture';
import { FragmentReassembler } from './fragment-reassembler';
import { OVERLAP_POLICIES, type OverlapPolicy } from './overlap-policy';

export interface Piece {
  offset: number;
  more: boolean;
  data: Uint8Array;
  id?: number;
}

/** For experiments (RFC 3692): nothing is asked of what follows. */
export const PROTOCOL = 253;

export function ipv4({ offset, more, data, id = 7 }: Piece): Uint8Array {
  const packet = new Uint8Array(20 + data.length);
  const total = packet.length;
  packet.set([0x45, 0, total >> 8, total & 255, id >> 8, id & 255]);
  const field = (offset >> 3) | (more ? 0x2000 : 0);
  packet.set([field >> 8, field & 255, 64, PROTOCOL, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 6);
  packet.set(data, 20);
  return packet;
}

/** With destination options before the fragment header. */
export function ipv6({ offset, more, data, id = 7 }: Piece): Uint8Array {
  const payload = 8 + 8 + data.length;
  const packet = new Uint8Array(40 + payload);
  packet.set([0x60, 0, 0, 0, payload >> 8, payload & 255, 60, 64, 0xfd]);
  packet[23] = 1;
  packet[24] = 0xfd;
  packet[39] = 2;
  packet.set([44, 0, 1, 4, 0, 0, 0, 0], 40);
  const field = offset | (more ? 1 : 0);
  packet.set([PROTOCOL, 0, field >> 8, field & 255, 0, 0, id >> 8, id & 255], 48);
  packet.set(data, 56);
  return packet;
}

export const view = new PacketView();

export function decode(packet: Uint8Array): PacketView {
  // Surrounded by other bytes, as in an arena.
  const arena = new Uint8Array(packet.length + 6).fill(0xee);
  arena.set(packet, 3);
  view.events.clear();
  const status = view.decode(arena, 3, 3 + packet.length);
  if (status !== DecodeStatus.OK) throw new Error(`decode ${status}`);
  return view;
}

/** Byte for byte, by asking every fragment. */
function twin(pieces: readonly Piece[], policy: OverlapPolicy): string | null {
  const ends = pieces.filter(({ more }) => !more).map(({ offset, data }) => offset + data.length);
  if (ends.length === 0) return null;
  const bytes: number[] = [];
  for (let at = 0; at < Math.min(...ends); at++) {
    let winner: Piece | null = null;
    for (const piece of pieces) {
      if (at < piece.offset || at >= piece.offset + piece.data.length) continue;
      const range = ({ offset, data }: Piece) => ({ offset, end: offset + data.length });
      if (winner === null || OVERLAP_POLICIES[policy](range(piece), range(winner))) winner = piece;
    }
    if (winner === null) return null;
    bytes.push(winner.data[at - winner.offset]);
  }
  return Buffer.from(bytes).toString('latin1');
}

/** Fragments at random, or as a fuzzer likes: they come to what the slow twin says. @returns datagrams that were complete */
export function randomFragments(random: Choices, rounds: number): number {
  const policies = Object.keys(OVERLAP_POLICIES) as OverlapPolicy[];
  let complete = 0;
  for (let round = 0; round < rounds && !random.exhausted; round++) {
    const policy = policies[random.below(policies.length)];
    const make = random.chance(0.5) ? ipv4 : ipv6;
    const size = random.between(2, 8);
    const pieces: Piece[] = [];
    let whole: string | null = null;
    let expected: string | null = null;
    const fragments = new FragmentReassembler({ ipv4Policy: policy, ipv6Policy: policy });
    while (expected === null && pieces.length < 30) {
      const first = random.below(size);
      const more = random.chance(0.75);
      const length = more ? 8 * random.between(1, size - first) : random.between(1, 20);
      const piece = { offset: 8 * first, more, data: random.bytes(length) };
      pieces.push(piece);
      const done = fragments.add(decode(make(piece)), round);
      if (done > 0) {
        const header = make === ipv4 ? 20 : 48;
        whole = Buffer.from(fragments.bytes.subarray(header, done)).toString('latin1');
      }
      expected = twin(pieces, policy);
      if (whole !== expected) throw new Error(`round ${round}, ${policy}: ${whole} for ${expected}`);
    }
    if (expected !== null) complete++;
  }
  return complete;
}
