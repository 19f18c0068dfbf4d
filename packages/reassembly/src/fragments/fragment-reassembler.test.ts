import { DecodeStatus, PacketView, verifyHeaderChecksum } from '@portcullis/wire';
import { Random, seeds } from '../random.fixture';
import { type FragmentOptions, FragmentReassembler } from './fragment-reassembler';
import { decode, ipv4, ipv6, type Piece, PROTOCOL, randomFragments, view } from './fragments.fixture';
import type { OverlapPolicy } from './overlap-policy';

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

test.each(seeds(3))('random fragments come to what a slow twin says (SEED=%i)', (seed) => {
  expect(randomFragments(new Random(seed), 40)).toBeGreaterThan(10);
});
