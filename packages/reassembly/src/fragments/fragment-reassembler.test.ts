import { DecodeStatus, PacketView, verifyHeaderChecksum } from '@portcullis/wire';
import { Random, seeds } from '../random.fixture';
import { type FragmentOptions, FragmentReassembler } from './fragment-reassembler';
import { OVERLAP_POLICIES, type OverlapPolicy } from './overlap-policy';

interface Piece {
  offset: number;
  more: boolean;
  data: Uint8Array;
  id?: number;
}

/** For experiments (RFC 3692): nothing is asked of what follows. */
const PROTOCOL = 253;

function ipv4({ offset, more, data, id = 7 }: Piece): Uint8Array {
  const packet = new Uint8Array(20 + data.length);
  const total = packet.length;
  packet.set([0x45, 0, total >> 8, total & 255, id >> 8, id & 255]);
  const field = (offset >> 3) | (more ? 0x2000 : 0);
  packet.set([field >> 8, field & 255, 64, PROTOCOL, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 6);
  packet.set(data, 20);
  return packet;
}

/** With destination options before the fragment header. */
function ipv6({ offset, more, data, id = 7 }: Piece): Uint8Array {
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

const view = new PacketView();

function decode(packet: Uint8Array): PacketView {
  // Surrounded by other bytes, as in an arena.
  const arena = new Uint8Array(packet.length + 6).fill(0xee);
  arena.set(packet, 3);
  view.events.clear();
  expect(view.decode(arena, 3, 3 + packet.length)).toBe(DecodeStatus.OK);
  return view;
}

const text = (value: string) => Uint8Array.from(Buffer.from(value, 'latin1'));
/** Eight bytes of each letter. */
const units = (letters: string) => text([...letters].map((letter) => letter.repeat(8)).join(''));

/** The data of the datagram that the pieces come to; null while something is missing. */
function assemble(
  pieces: readonly Piece[],
  options: Partial<FragmentOptions> = {},
  make = ipv4,
): string | null {
  const fragments = new FragmentReassembler(options);
  let whole: string | null = null;
  for (const piece of pieces) {
    const length = fragments.add(decode(make(piece)), 1);
    if (length === 0) continue;
    const datagram = new PacketView();
    expect(datagram.decode(fragments.bytes, 0, length)).toBe(DecodeStatus.OK);
    expect(datagram).toMatchObject({
      moreFragments: false,
      fragmentOffset: 0,
      protocol: PROTOCOL,
      end: length,
    });
    expect(verifyHeaderChecksum(datagram)).toBe(true);
    whole = Buffer.from(fragments.bytes.subarray(datagram.transport, length)).toString('latin1');
    expect(fragments.heldBytes).toBe(0);
  }
  return whole;
}

describe.each([
  ['IPv4', ipv4],
  ['IPv6', ipv6],
] as const)('%s', (_name, make) => {
  const parts: Piece[] = [
    { offset: 0, more: true, data: units('\x00b') },
    { offset: 16, more: true, data: units('cd') },
    { offset: 32, more: false, data: text('end') },
  ];
  const whole = `${'\x00'.repeat(8)}${'b'.repeat(8)}${'c'.repeat(8)}${'d'.repeat(8)}end`;

  test.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 2, 0]], [[0, 0, 2, 2, 1]]])('in the order %p', (order) => {
    expect(
      assemble(
        order.map((part) => parts[part]),
        {},
        make,
      ),
    ).toBe(whole);
  });

  test('a missing part', () => {
    expect(assemble([parts[0], parts[2]], {}, make)).toBeNull();
    expect(assemble([parts[1], parts[2]], {}, make)).toBeNull();
    expect(assemble([parts[0], parts[1]], {}, make)).toBeNull();
  });

  test('datagrams are told apart by their numbers', () => {
    const fragments = new FragmentReassembler();
    expect(fragments.add(decode(make({ ...parts[0], id: 1 })), 1)).toBe(0);
    expect(fragments.add(decode(make({ offset: 16, more: false, data: text('x'), id: 2 })), 1)).toBe(0);
    expect(fragments.size).toBe(2);
    expect(
      fragments.add(decode(make({ offset: 16, more: false, data: text('x'), id: 1 })), 1),
    ).toBeGreaterThan(0);
    expect(fragments.size).toBe(1);
    expect(fragments.add(decode(make({ ...parts[0], id: 2 })), 1, 4094)).toBe(0);
  });

  test('overlaps are told', () => {
    const fragments = new FragmentReassembler();
    const v = make === ipv4 ? 'ipv4' : 'ipv6';
    fragments.add(decode(make(parts[1])), 1);
    expect(view.events.names()).toEqual([]);
    fragments.add(decode(make(parts[0])), 1);
    expect(view.events.names()).toEqual([]);
    fragments.add(decode(make({ offset: 24, more: true, data: units('x') })), 1);
    expect(view.events.names()).toEqual([`${v}.frag_overlap`]);
  });

  test('age and memory', () => {
    const fragments = new FragmentReassembler({ memcap: 2000, maxDatagrams: 3, timeoutMicros: 1000 });
    const big = new Uint8Array(600);
    for (let id = 0; id < 10; id++) {
      fragments.add(decode(make({ offset: 0, more: true, data: big, id })), 10 + id);
      expect(fragments.heldBytes).toBeLessThanOrEqual(2000);
    }
    expect([fragments.size, fragments.evicted]).toEqual([2, 8]);
    // Old parts are not joined to new ones.
    expect(fragments.add(decode(make({ offset: 600, more: false, data: big, id: 9 })), 5000)).toBe(0);
    expect([fragments.size, fragments.timedOut]).toEqual([1, 2]);
    fragments.clear();
    expect([fragments.size, fragments.heldBytes]).toEqual([0, 0]);
    const none = new FragmentReassembler({ memcap: 100 });
    none.add(decode(make({ offset: 0, more: true, data: big })), 1);
    expect(view.events.names()).toEqual([make === ipv4 ? 'ipv4.frag_ignored' : 'ipv6.frag_ignored']);
    const many = new FragmentReassembler({ maxDatagrams: 2 });
    for (let id = 0; id < 5; id++) many.add(decode(make({ offset: 0, more: true, data: big, id })), 1);
    expect(many.size).toBe(2);
  });
});

test('a datagram as large as they may be; no fragment leads beyond', () => {
  const pieces: Piece[] = [];
  for (let offset = 0; offset < 65_512; offset += 1480)
    pieces.push({ offset, more: true, data: new Uint8Array(Math.min(1480, 65_512 - offset)) });
  expect(assemble([...pieces, { offset: 65_512, more: false, data: text('end') }])?.length).toBe(65_515);
  const tooLong = ipv4({ offset: 65_512, more: false, data: text('endx') });
  expect(view.decode(tooLong, 0, tooLong.length)).toBe(DecodeStatus.FRAGMENT_TOO_LONG);
});

test('the captured part of a fragment is not taken for all of it', () => {
  const fragments = new FragmentReassembler();
  const packet = ipv4({ offset: 0, more: false, data: units('ab') });
  packet[7] = 0;
  packet[6] = 0x20;
  const cut = packet.subarray(0, 28);
  expect(view.decode(cut, 0, cut.length)).toBe(DecodeStatus.OK);
  expect(fragments.add(view, 1)).toBe(0);
  expect(fragments.size).toBe(0);
});

/** The model of Novak's paper: fragments of units, of which some overlap. */
test.each<[OverlapPolicy, string]>([
  ['bsd', '111442333666'],
  ['linux', '111442555666'],
  ['windows', '111422333666'],
  ['solaris', '111422333666'],
  ['first', '111422333666'],
  ['last', '144442555666'],
  ['bsd-right', '144422555666'],
])('%s', (policy, expected) => {
  const piece = (letter: string, first: number, last: number): Piece => ({
    offset: 8 * first,
    more: last < 11,
    data: units(letter.repeat(last - first + 1)),
  });
  const pieces = [
    piece('1', 0, 2),
    piece('2', 4, 5),
    piece('3', 6, 8),
    piece('4', 1, 4),
    piece('5', 6, 8),
    piece('6', 9, 11),
  ];
  const whole = assemble(pieces, { ipv4Policy: policy });
  expect(whole?.replace(/(.)\1{7}/g, '$1')).toBe(expected);
});

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

test('random fragments come to what a slow twin says', () => {
  for (const seed of seeds(3)) {
    const random = new Random(seed);
    let complete = 0;
    for (let round = 0; round < 40; round++) {
      const policies = Object.keys(OVERLAP_POLICIES) as OverlapPolicy[];
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
        if (whole !== expected)
          throw new Error(`seed ${seed}, round ${round}, ${policy}: ${whole} for ${expected}`);
      }
      if (expected !== null) complete++;
    }
    expect(complete).toBeGreaterThan(10);
  }
});
