import type { Choices } from './random.fixture';
import { Bench, Recorder, type Side } from './segment.fixture';
import { SegmentResult } from './segment-result';
import { StreamAction } from './stream-sink';

/** Keeps positions only: a gap may be of a gigabyte. */
class Positions extends Recorder {
  private readonly next = new Map<number, [number, number]>();

  override flowStarted(slot: number): void {
    if (this.next.has(slot)) throw new Error(`slot ${slot} started twice`);
    this.next.set(slot, [0, 0]);
  }

  override data(
    slot: number,
    direction: 0 | 1,
    bytes: Uint8Array,
    start: number,
    end: number,
    offset: number,
  ) {
    if (end <= start || start < 0 || end > bytes.length) throw new Error(`data ${start} to ${end}`);
    this.advance(slot, direction, offset, end - start);
    return this.answer(direction, '', offset);
  }

  override gap(slot: number, direction: 0 | 1, offset: number, length: number): void {
    if (length <= 0) throw new Error(`gap of ${length}`);
    this.advance(slot, direction, offset, length);
  }

  override ended(slot: number): void {
    if (!this.next.has(slot)) throw new Error(`slot ${slot} did not start`);
  }

  override flowEnded(slot: number): void {
    this.next.delete(slot);
  }

  private advance(slot: number, direction: 0 | 1, offset: number, length: number): void {
    const next = this.next.get(slot);
    if (next === undefined) throw new Error(`slot ${slot} did not start`);
    if (next[direction] !== offset) throw new Error(`at ${offset}, expected ${next[direction]}`);
    next[direction] += length;
  }
}

/**
 * Anything at all, in both directions of a few connections, in too little memory. The recorder throws when a
 * stream has a hole or a double, a flow starts twice, or tells something before it starts.
 */
export function chaos(random: Choices, rounds: number): void {
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)];
  const policy = () => pick(['open', 'closed'] as const);
  const bench = new Bench(
    {
      maxFlows: random.between(1, 12),
      memcap: random.between(1, 40) * 2048,
      memcapPerDirection: random.between(1, 40) * 2048,
      depth: pick([1, 100, 3000, 1 << 20, Number.MAX_SAFE_INTEGER]),
      inline: random.chance(0.7),
      midstream: random.chance(0.5),
      asyncOneside: random.chance(0.5),
      replyPayload: random.chance(0.8),
      urgent: pick(['clear', 'drop'] as const),
      policy: {
        memcap: policy(),
        flowTable: policy(),
        gap: policy(),
        midstream: policy(),
        decode: policy(),
      },
      seed: random.word(),
    },
    new Positions(),
  );
  const { reassembler, recorder } = bench;
  recorder.answer = () =>
    random.chance(0.01)
      ? pick([StreamAction.DROP_PACKET, StreamAction.STOP_INSPECTING, StreamAction.STOP_DIRECTION])
      : StreamAction.CONTINUE;
  const bytes = random.bytes(20_000);
  // What each side of each connection has sent at most, by sequence number.
  const top = new Map<string, number>();
  for (let round = 0; round < rounds && !random.exhausted; round++) {
    bench.now += random.chance(0.01) ? random.below(400) * 1e6 : random.below(1000);
    const from: Side = random.chance(0.5) ? 'client' : 'server';
    const to: Side = from === 'client' ? 'server' : 'client';
    const clientPort = 1 + random.below(4);
    const own = top.get(`${from}${clientPort}`) ?? pick([0, 2 ** 32 - 1000, random.word()]);
    const other = top.get(`${to}${clientPort}`) ?? random.word();
    const flags = pick(['S', 'SA', 'A', 'A', 'A', 'PA', 'PA', 'PA', 'PA', 'FA', 'RA', 'R', 'UA', '', 'SF']);
    const length = random.chance(0.5) ? 0 : random.chance(0.05) ? random.below(9000) : random.below(300);
    const near = random.chance(0.85);
    const sequence = near ? own + (random.chance(0.6) ? 0 : random.between(-300, 600)) : random.word();
    const start = random.below(bytes.length - length);
    const same = random.chance(0.7) ? (sequence >>> 0) % 10_000 : start;
    const result = bench.process({
      from,
      clientPort,
      sequence: sequence >>> 0,
      acknowledgment:
        (random.chance(0.9) ? other - random.below(3) * random.below(300) : random.word()) >>> 0,
      flags,
      data: bytes.subarray(same, same + length),
      window: random.chance(0.8) ? 65_535 : random.below(500),
      cut: random.chance(0.05) ? random.below(length + 1) : 0,
      ...(flags.includes('S') && random.chance(0.7)
        ? { mss: random.below(2000), shift: random.below(15) }
        : {}),
      ...(random.chance(0.3) ? { timestamp: random.chance(0.9) ? round : random.word() } : {}),
    });
    if ((result & SegmentResult.DROP) === 0 && near) {
      const syn = flags.includes('S') ? 1 : 0;
      const fin = flags.includes('F') ? 1 : 0;
      const end = (sequence + length + syn + fin) >>> 0;
      if (((end - own) | 0) > 0 || syn === 1) top.set(`${from}${clientPort}`, end);
    }
    if (result < 0 || result > 7) throw new Error(`result ${result}`);
    if (random.chance(0.2)) reassembler.tick(bench.now, random.below(20));
    const slot = reassembler.slot;
    if (slot >= 0 && random.chance(0.005)) reassembler.block(slot);
    if (slot >= 0 && random.chance(0.005)) reassembler.stopInspecting(slot, random.chance(0.5) ? 0 : 1);
    if (reassembler.heldBytes > 40 * 2048 || reassembler.table.count > 12) throw new Error('over the limit');
  }
  reassembler.close();
  const { table, heldBytes, heldDirections } = reassembler;
  const left = [heldBytes, heldDirections, table.count, table.unconfirmed, table.oldestUnconfirmed()];
  if (left.join() !== '0,0,0,0,-1') throw new Error(`left over: ${left.join()}`);
}
