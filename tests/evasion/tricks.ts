/**
 * The tricks of the literature, each a change of a plan. What can be combined is: a way to cut, an order, decoys, a way
 * of the packets.
 */
import type { SeededRandom } from '@portcullis/testkit';
import { TcpFlag } from '@portcullis/wire';
import { eachSegment, isSegment, type Plan, type Segment, type Step, WAIT } from './plan';

export interface Trick {
  readonly name: string;
  /** What no honest sender does: bytes sent twice and not the same. */
  readonly conflicting: boolean;
  /** For short streams only: makes very many packets of long ones, or one that is too large. */
  readonly small?: boolean;
  apply(plan: Plan, random: SeededRandom): Plan;
}

const ACK = TcpFlag.ACK;
const DATA = TcpFlag.PSH | TcpFlag.ACK;

const EMPTY = new Uint8Array(0);

/** Letters only: nothing that a protocol or a rule would make something of. */
export function noise(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.between(0x61, 0x7a));
}

function honest(name: string, apply: Trick['apply']): Trick {
  return { name, conflicting: false, apply };
}

function deceiving(name: string, apply: Trick['apply']): Trick {
  return { name, conflicting: true, apply };
}

/** Each segment of real data in pieces whose lengths `next` says. */
function cut(plan: Plan, next: (left: number) => number): Plan {
  return eachSegment(plan, (segment) => {
    const pieces: Segment[] = [];
    for (let start = 0; start < segment.bytes.length; ) {
      const length = Math.min(segment.bytes.length - start, next(segment.bytes.length - start));
      pieces.push({
        ...segment,
        at: segment.at + start,
        bytes: segment.bytes.subarray(start, start + length),
      });
      start += length;
    }
    return pieces;
  });
}

export const CUTS: readonly Trick[] = [
  { ...honest('segments of one byte', (plan) => cut(plan, () => 1)), small: true },
  {
    ...honest('segments of random length', (plan, random) => cut(plan, () => random.between(1, 12))),
    small: true,
  },
  honest('two segments', (plan, random) => {
    let first = true;
    return cut(plan, (left) => {
      if (!first) return left;
      first = false;
      return random.between(1, Math.max(1, left - 1));
    });
  }),
  honest('one byte, then the rest', (plan) => {
    let first = true;
    return cut(plan, (left) => {
      const length = first ? 1 : left;
      first = false;
      return length;
    });
  }),
];

const reordered =
  (order: (segments: Segment[], random: SeededRandom) => Segment[]): Trick['apply'] =>
  (plan, random) => ({ ...plan, steps: order(plan.steps.filter(isSegment), random) });

export const ORDERS: readonly Trick[] = [
  honest(
    'reversed',
    reordered((segments) => segments.toReversed()),
  ),
  honest(
    'shuffled',
    reordered((segments, random) => random.shuffled(segments)),
  ),
  honest(
    'interleaved',
    reordered((segments) => [
      ...segments.filter((_, index) => index % 2 === 1),
      ...segments.filter((_, index) => index % 2 === 0),
    ]),
  ),
  honest(
    'the first one last',
    reordered(([first, ...rest]) => (first ? [...rest, first] : [])),
  ),
  honest('every segment twice', (plan) => eachSegment(plan, (segment) => [segment, segment])),
  {
    ...honest('all again in one piece, at once', (plan) => ({
      ...plan,
      steps: [...plan.steps, { at: 0, bytes: plan.stream, decoy: true }],
    })),
    small: true,
  },
  honest('empty segments between', (plan) =>
    eachSegment(plan, (segment) => [
      segment,
      { at: segment.at + segment.bytes.length, bytes: EMPTY, decoy: true },
    ]),
  ),
  honest('each again once all are acknowledged', (plan) => ({
    ...plan,
    steps: [...plan.steps, WAIT, ...plan.steps.filter(isSegment)],
  })),
];

/** How an interval lies to another one (J. F. Allen 1983), as where it begins and ends. */
const RELATIONS: Readonly<Record<string, (start: number, end: number) => readonly [number, number]>> = {
  precedes: (start) => [start - 6, start - 2],
  meets: (start) => [start - 4, start],
  overlaps: (start, end) => [start - 3, Math.min(end - 1, start + 3)],
  'is finished by': (start, end) => [start - 3, end],
  contains: (start, end) => [start - 3, end + 3],
  starts: (start, end) => [start, Math.max(start + 1, end - 2)],
  equals: (start, end) => [start, end],
  'is started by': (start, end) => [start, end + 3],
  during: (start, end) => [start + 1, Math.max(start + 2, end - 1)],
  finishes: (start, end) => [Math.min(start + 2, end - 1), end],
  'is overlapped by': (start, end) => [Math.min(start + 2, end - 1), end + 3],
  'is met by': (_, end) => [end, end + 4],
  'is preceded by': (_, end) => [end + 2, end + 6],
};

/** One of the segments of real data, and a second one that lies so to it, before or behind it in time. */
function overlapping(relation: string, first: 'decoy' | 'data', bytesOf: 'same' | 'other'): Trick {
  const apply: Trick['apply'] = (plan, random) => {
    const real = plan.steps.filter((step): step is Segment => isSegment(step) && !step.decoy);
    // Everything may have gone with the SYN.
    if (real.length === 0) return plan;
    const chosen = random.pick(real);
    const interval = RELATIONS[relation] as (start: number, end: number) => readonly [number, number];
    const [start, end] = interval(chosen.at, chosen.at + chosen.bytes.length);
    const bytes = noise(random, end - start);
    if (bytesOf === 'same') {
      for (let at = Math.max(0, start); at < Math.min(end, plan.stream.length); at++)
        bytes[at - start] = plan.stream[at] as number;
    }
    // Honest senders send nothing outside of their stream.
    const from = bytesOf === 'same' ? Math.max(0, start) : start;
    const to = bytesOf === 'same' ? Math.min(end, plan.stream.length) : end;
    if (to <= from) return plan;
    const extra: Segment = { at: from, bytes: bytes.subarray(from - start, to - start), decoy: true };
    return eachSegment(plan, (segment) =>
      segment !== chosen ? [segment] : first === 'decoy' ? [extra, segment] : [segment, extra],
    );
  };
  const name = `${relation}, ${bytesOf} bytes, ${first} first`;
  return bytesOf === 'same' ? honest(name, apply) : deceiving(name, apply);
}

export const OVERLAPS: readonly Trick[] = Object.keys(RELATIONS).flatMap((relation) =>
  (['decoy', 'data'] as const).flatMap((first) => [
    overlapping(relation, first, 'same'),
    overlapping(relation, first, 'other'),
  ]),
);

/** Every segment of real data as it is, but for its header. */
function oddly(name: string, odd: (random: SeededRandom) => Partial<Segment>): Trick {
  return honest(name, (plan, random) => eachSegment(plan, (segment) => [{ ...segment, ...odd(random) }]));
}

/** Before each segment of real data one in its place that no receiver takes. */
function misleading(name: string, odd: (segment: Segment, random: SeededRandom) => Partial<Segment>): Trick {
  return deceiving(name, (plan, random) =>
    eachSegment(plan, (segment) => [
      { ...segment, bytes: noise(random, segment.bytes.length), decoy: true, ...odd(segment, random) },
      segment,
    ]),
  );
}

/** The same, once at a random place. */
function inserted(
  name: string,
  make: (plan: Plan, random: SeededRandom) => Segment,
  conflicting = true,
): Trick {
  return {
    name,
    conflicting,
    apply: (plan, random) => {
      const steps: Step[] = [...plan.steps];
      steps.splice(random.below(steps.length), 0, { ...make(plan, random), decoy: true });
      return { ...plan, steps };
    },
  };
}

/** TCP MD5 signature (RFC 2385): a host that has agreed on none drops the segment. */
const MD5_SIGNATURE = Uint8Array.of(19, 18, ...new Uint8Array(16), 1, 1);
const WINDOW = 65_535;

const tooOld = misleading('timestamp too old', () => ({ age: 100_000 }));

export const DECOYS: readonly Trick[] = [
  // Without timestamps on both sides nothing is too old.
  { ...tooOld, apply: (plan, random) => tooOld.apply({ ...plan, timestamps: true }, random) },
  misleading('wrong checksum', () => ({ checksums: 'wrong' })),
  misleading('time to live too short', () => ({ ttl: 1 })),
  misleading('without ACK', () => ({ flags: TcpFlag.PSH })),
  misleading('no flags at all', () => ({ flags: 0 })),
  misleading('acknowledges what was never sent', () => ({ acknowledges: 1_000_000 })),
  // Linux: older than the largest window below what is acknowledged (tcp_ack).
  misleading('acknowledges what is long past', () => ({ acknowledges: -1_000_000 })),
  misleading('signed with MD5', () => ({ options: MD5_SIGNATURE })),
  misleading('with SYN', () => ({ flags: TcpFlag.SYN | ACK })),
  misleading('with RST, beyond the window', (segment) => ({
    flags: TcpFlag.RST | ACK,
    at: segment.at + 10 * WINDOW,
  })),
  misleading('beyond the window', (segment) => ({ at: segment.at + 10 * WINDOW })),
  inserted('below the initial sequence number', (_, random) => ({ at: -40, bytes: noise(random, 40) })),
  inserted('RST beyond the window', () => ({ at: 10 * WINDOW, bytes: EMPTY, flags: TcpFlag.RST })),
  inserted('RST within the window, not at its edge', () => ({ at: 5000, bytes: EMPTY, flags: TcpFlag.RST })),
  inserted('RST with a wrong checksum', () => ({
    at: 0,
    bytes: EMPTY,
    flags: TcpFlag.RST | ACK,
    checksums: 'wrong',
  })),
  inserted('RST that ends on the way', () => ({ at: 0, bytes: EMPTY, flags: TcpFlag.RST | ACK, ttl: 1 })),
  inserted('RST signed with MD5', () => ({
    at: 0,
    bytes: EMPTY,
    flags: TcpFlag.RST | ACK,
    options: MD5_SIGNATURE,
  })),
  inserted('FIN that ends on the way', () => ({ at: 0, bytes: EMPTY, flags: TcpFlag.FIN | ACK, ttl: 1 })),
  inserted('FIN that acknowledges what was never sent', () => ({
    at: 0,
    bytes: EMPTY,
    flags: TcpFlag.FIN | ACK,
    acknowledges: 1_000_000,
  })),
  inserted('FIN beyond the window', () => ({ at: 10 * WINDOW, bytes: EMPTY, flags: TcpFlag.FIN | ACK })),
  inserted('FIN with a wrong checksum', () => ({
    at: 0,
    bytes: EMPTY,
    flags: TcpFlag.FIN | ACK,
    checksums: 'wrong',
  })),
  inserted('SYN within the connection', (_, random) => ({
    at: random.between(100, 60_000),
    bytes: EMPTY,
    flags: TcpFlag.SYN,
  })),
  deceiving('sent again with other bytes, before the ACK', (plan, random) =>
    eachSegment(plan, (segment) => [
      segment,
      { ...segment, bytes: noise(random, segment.bytes.length), decoy: true },
    ]),
  ),
  deceiving('sent again with other bytes, after the ACK', (plan, random) =>
    eachSegment(plan, (segment) => [
      segment,
      WAIT,
      { ...segment, bytes: noise(random, segment.bytes.length), decoy: true },
    ]),
  ),
  deceiving('a byte of another kind to keep the connection alive', (plan, random) =>
    eachSegment(plan, (segment) => [
      segment,
      { at: segment.at + segment.bytes.length - 1, bytes: noise(random, 1), flags: ACK, decoy: true },
    ]),
  ),
  inserted('data behind a FIN that lies ahead', (plan, random) => ({
    at: plan.stream.length + 5,
    bytes: noise(random, 3),
    flags: TcpFlag.FIN | DATA,
  })),
];

export const PATHS: readonly Trick[] = [
  honest('IP fragments', (plan, random) =>
    eachSegment(plan, (segment) => [
      { ...segment, fragments: { size: 8 * random.between(1, 4), order: 'forward' } },
    ]),
  ),
  honest('IP fragments, the last first', (plan, random) =>
    eachSegment(plan, (segment) => [
      { ...segment, fragments: { size: 8 * random.between(1, 4), order: 'backward' } },
    ]),
  ),
  honest('IP fragments, shuffled', (plan, random) =>
    eachSegment(plan, (segment) => [
      { ...segment, fragments: { size: 8 * random.between(1, 4), order: 'shuffled' } },
    ]),
  ),
  honest('IP fragments, each twice', (plan, random) =>
    eachSegment(plan, (segment) => [
      { ...segment, fragments: { size: 8 * random.between(1, 4), order: 'forward', copies: 'same' } },
    ]),
  ),
  deceiving('IP fragments, each again with other bytes', (plan, random) =>
    eachSegment(plan, (segment) => [
      { ...segment, fragments: { size: 8 * random.between(1, 4), order: 'forward', copies: 'other' } },
    ]),
  ),
  honest('IP options or extension headers', (plan) =>
    eachSegment(plan, (segment) => [{ ...segment, wrapped: true }]),
  ),
];

/** Headers that are odd, of segments that receivers take. */
export const HEADERS: readonly Trick[] = [
  oddly('without PSH', () => ({ flags: ACK })),
  oddly('with the bits of congestion', () => ({ flags: DATA | TcpFlag.ECE | TcpFlag.CWR })),
  oddly('windows of no size', () => ({ window: 0 })),
  oddly('windows of random size', (random) => ({ window: random.below(65_536) })),
  oddly('unknown options', (random) => ({ options: Uint8Array.of(253, 6, ...noise(random, 4), 1, 1) })),
  oddly('options that end in the middle', () => ({ options: Uint8Array.of(1, 1, 253, 40) })),
  oddly('options of no length', () => ({ options: Uint8Array.of(1, 1, 253, 0) })),
  honest('the last bytes with a FIN', (plan) =>
    eachSegment(plan, (segment) =>
      segment.at + segment.bytes.length === plan.stream.length
        ? [{ ...segment, flags: DATA | TcpFlag.FIN }]
        : [segment],
    ),
  ),
];

/**
 * What makes a gateway's connection tracking forget the connection half-way, and begin another one. The victim takes none of it: a RST
 * that does not get to it ends the connection for whoever forwards it, and a SYN is answered by an ACK that changes nothing
 * (RFC 5961 section 4).
 */
export const FORGOTTEN: readonly Trick[] = [
  deceiving('forgotten half-way: a RST that ends on the way, and a SYN', (plan, random) => {
    const long = plan.steps.filter((step) => isSegment(step) && !step.decoy && step.bytes.length > 1);
    if (long.length === 0) return plan;
    const chosen = random.pick(long);
    return eachSegment(plan, (segment) => {
      if (segment !== chosen) return [segment];
      const half = random.between(1, segment.bytes.length - 1);
      const at = segment.at + half;
      return [
        { ...segment, bytes: segment.bytes.subarray(0, half) },
        WAIT,
        { at, bytes: EMPTY, flags: TcpFlag.RST | ACK, ttl: 1, decoy: true },
        { at: at + random.between(100, 60_000), bytes: EMPTY, flags: TcpFlag.SYN, decoy: true },
        { ...segment, at, bytes: segment.bytes.subarray(half) },
      ];
    });
  }),
];

export const BEGINNINGS: readonly Trick[] = [
  honest('sequence numbers that wrap', (plan, random) => ({
    ...plan,
    initial: (0x1_0000_0000 - random.between(2, 30)) >>> 0,
  })),
  honest('timestamps', (plan) => ({ ...plan, timestamps: true })),
  deceiving('data in the SYN', (plan, random) => ({
    ...plan,
    synData: noise(random, random.between(1, 40)),
  })),
  deceiving('an urgent byte, which the application does not get', (plan, random) => {
    const [only] = plan.steps;
    if (plan.steps.length !== 1 || only === undefined || !isSegment(only)) return plan;
    const place = random.between(1, plan.stream.length - 1);
    const [extra] = noise(random, 1);
    const bytes = Uint8Array.of(
      ...plan.stream.subarray(0, place),
      extra as number,
      ...plan.stream.subarray(place),
    );
    // The pointer is to the byte behind the urgent one (as hosts have it, not as RFC 1122 does).
    const flags = DATA | TcpFlag.URG;
    return {
      ...plan,
      steps: [
        { at: 0, bytes: bytes.subarray(0, place + 1), flags, urgentPointer: place + 1 },
        { at: place + 1, bytes: bytes.subarray(place + 1) },
      ],
    };
  }),
];

/** Every trick alone, by name. */
export const TRICKS: readonly Trick[] = [
  ...CUTS,
  ...ORDERS,
  ...OVERLAPS,
  ...DECOYS,
  ...HEADERS,
  ...PATHS,
  ...BEGINNINGS,
  ...FORGOTTEN,
];

/** Several that go together, in the order in which they apply. */
export function combination(random: SeededRandom): Trick[] {
  const perhaps = (tricks: readonly Trick[], probability: number) =>
    random.chance(probability) ? [random.pick(tricks)] : [];
  return [
    ...perhaps(BEGINNINGS, 0.3),
    ...perhaps(CUTS, 0.7),
    ...perhaps(OVERLAPS, 0.4),
    ...perhaps(DECOYS, 0.5),
    ...perhaps(ORDERS, 0.4),
    ...perhaps(DECOYS, 0.2),
    ...perhaps(HEADERS, 0.2),
    ...perhaps(PATHS, 0.2),
    ...perhaps(FORGOTTEN, 0.05),
  ];
}
