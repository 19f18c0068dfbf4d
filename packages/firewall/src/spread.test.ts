import { SeededRandom } from '@portcullis/testkit';
import { LONGEST_PROGRAM } from './classic-bpf';
import { EXTENSION_HEADERS_FOLLOWED, ofQueue } from './spread';

type Program = readonly (readonly [code: number, yes: number, no: number, k: number])[];

function programOf(condition: string): Program {
  const [, text = ''] = /^-m bpf --bytecode "(.*)"$/.exec(condition) ?? [];
  const [count, ...lines] = text.split(',');
  if (lines.length !== Number(count) || lines.length > LONGEST_PROGRAM) throw new Error(text);
  return lines.map((line) => line.split(' ').map(Number) as [number, number, number, number]);
}

/** The language of linux/bpf_common.h, as far as it is used; what is not known ends the test. */
function matches(program: Program, packet: Uint8Array): boolean {
  const memory = [0, 0];
  let a = 0;
  let x = 0;
  const read = (at: number, bytes: number): number | undefined => {
    if (at + bytes > packet.length) return undefined;
    let value = 0;
    for (let i = at; i < at + bytes; i++) value = ((value << 8) | (packet[i] as number)) >>> 0;
    return value;
  };
  for (let at = 0; at < program.length; at++) {
    const [code, yes, no, k] = program[at] as Program[number];
    const size = { 0: 4, 8: 2, 16: 1 }[code & 0x18] as number;
    const kind = code & ~0x18;
    if (kind === 0x20 || kind === 0x40) {
      const value = read((kind === 0x40 ? x : 0) + k, size);
      if (value === undefined) return false;
      a = value;
    } else if (code === 0xb1) x = 4 * ((read(k, 1) as number) & 15);
    else if (code === 0x01) x = k;
    else if (code === 0x02) memory[k] = a;
    else if (code === 0x61) x = memory[k] as number;
    else if (code === 0x07) x = a;
    else if (code === 0x0c) a = (a + x) >>> 0;
    else if (code === 0xac) a = (a ^ x) >>> 0;
    else if (code === 0x04) a = (a + k) >>> 0;
    else if (code === 0x24) a = Math.imul(a, k) >>> 0;
    else if (code === 0x64) a = (a << k) >>> 0;
    else if (code === 0x74) a >>>= k;
    else if (code === 0x94) a %= k;
    else if (code === 0x15) at += a === k ? yes : no;
    else if (code === 0x06) return k !== 0;
    else throw new Error(`instruction ${code}`);
  }
  throw new Error('runs over the end');
}

interface Ends {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly ports: readonly [number, number];
}

const backwards = ({ from, to, ports: [source, destination] }: Ends): Ends => ({
  from: to,
  to: from,
  ports: [destination, source],
});

const word = (value: number): number[] => [value >> 8, value & 255];

/** Enough of a packet: addresses, what tells where the ports are, ports. */
function packet(
  { from, to, ports }: Ends,
  extensions: readonly [type: number, units: number][] = [],
): Uint8Array {
  const transport = [...word(ports[0]), ...word(ports[1]), 1, 2, 3, 4];
  if (from.length === 4) {
    const options = extensions.length;
    return Uint8Array.of(
      0x45 + options,
      ...Array<number>(11).fill(9),
      ...from,
      ...to,
      ...Array<number>(4 * options).fill(1),
      ...transport,
    );
  }
  const types = [...extensions.map(([type]) => type), 6];
  const headers = extensions.flatMap(([, units], index) => [
    types[index + 1] as number,
    units,
    ...Array<number>(6 + 8 * units).fill(7),
  ]);
  return Uint8Array.of(0x60, 0, 0, 0, 0, 0, types[0] as number, 64, ...from, ...to, ...headers, ...transport);
}

describe.each([4, 6] as const)('the queue of a packet of IPv%i', (family) => {
  const random = new SeededRandom();
  const address = () => Uint8Array.from({ length: family === 4 ? 4 : 16 }, () => random.below(256));
  const ends = (): Ends => ({
    from: address(),
    to: address(),
    ports: [random.below(65_536), random.below(65_536)],
  });
  const extensions = (): [number, number][] =>
    Array.from({ length: random.below(EXTENSION_HEADERS_FOLLOWED + 1) }, () => [
      random.pick([0, 43, 60]),
      random.below(4),
    ]);
  const programs = new Map<string, Program[]>();
  const queueOf = (protocol: 'tcp' | 'udp' | 'icmp', bytes: Uint8Array, queues: number): number => {
    const key = `${protocol} ${queues}`;
    const each =
      programs.get(key) ??
      Array.from({ length: queues }, (_, index) => programOf(ofQueue(family, protocol, index, queues)));
    programs.set(key, each);
    const hit = each.flatMap((program, index) => (matches(program, bytes) ? [index] : []));
    if (hit.length !== 1) throw new Error(`${random.hint}: queues ${hit}`);
    return hit[0] as number;
  };

  test.each(['tcp', 'udp', 'icmp'] as const)(
    'is the same one in both directions, whatever stands between: %s',
    (protocol) => {
      for (let round = 0; round < 200; round++) {
        const queues = random.between(2, 9);
        const there = ends();
        const queue = queueOf(protocol, packet(there), queues);
        expect([
          random.hint,
          queueOf(protocol, packet(backwards(there)), queues),
          queueOf(protocol, packet(there, extensions()), queues),
        ]).toEqual([random.hint, queue, queue]);
      }
    },
  );

  test.each([2, 3, 4, 8])('%i queues get about the same, from one client to one server too', (queues) => {
    const { from, to } = ends();
    const first = random.between(1024, 50_000);
    const counts = Array<number>(queues).fill(0);
    // Linux gives a client every other port.
    for (let index = 0; index < 4000; index++)
      counts[queueOf('tcp', packet({ from, to, ports: [first + 2 * index, 443] }), queues)]++;
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.4);
  });

  test('clients get different ones', () => {
    const to = address();
    const counts = [0, 0, 0];
    for (let index = 0; index < 3000; index++)
      counts[queueOf('icmp', packet({ from: address(), to, ports: [0, 0] }), 3)]++;
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.4);
  });

  test('what ends before its ports goes to none of those that are asked', () => {
    const whole = packet(ends());
    for (let length = family === 4 ? 20 : 40; length < whole.length - 4; length++)
      for (let index = 0; index < 2; index++)
        expect(matches(programOf(ofQueue(family, 'tcp', index, 2)), whole.subarray(0, length))).toBe(false);
  });
});
