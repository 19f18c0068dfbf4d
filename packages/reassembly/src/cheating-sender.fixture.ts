import { LinuxReceiver } from './linux-receiver.fixture';
import type { Choices } from './random.fixture';
import { Connection, type Segment } from './segment.fixture';

/**
 * A sender that cheats in every way it can, and a receiver like Linux behind the reassembler: whatever the
 * receiver's application gets was inspected, byte by byte. Every other packet may be lost behind the reassembler,
 * as one with a short time to live would be.
 */
export function cheatingSender(random: Choices, rounds: number): void {
  const clientIsn = random.chance(0.5) ? 2 ** 32 - random.below(400) - 1 : random.word();
  const serverIsn = random.word();
  const timestamps = random.chance(0.5);
  const window = random.chance(0.5) ? 65_535 : random.between(20, 400);
  const depth = random.chance(0.3) ? random.between(1, 400) : 1 << 20;
  const closed = random.chance(0.5);
  const tight = closed && random.chance(0.5);
  const connection = new Connection(
    {
      depth,
      ...(tight ? { memcap: 4 * 2048, memcapPerDirection: 2048 } : {}),
      holesPerDirection: random.chance(0.5) ? random.between(1, 2) : 1024,
      policy: {
        memcap: closed ? 'closed' : 'open',
        flowTable: 'open',
        gap: 'open',
        midstream: 'open',
        decode: 'open',
      },
    },
    { clientIsn, serverIsn, window, ...(timestamps ? { timestamp: 1000 } : {}) },
  ).open();
  const receiver = new LinuxReceiver(
    connection.clientOrigin,
    window,
    random.chance(0.5) ? 'first' : 'last',
    connection.serverOrigin,
    connection.serverOrigin,
  );
  if (timestamps) receiver.timestamp = 1000;
  const size = random.between(50, 900);
  const versions = [random.bytes(size), random.bytes(size), random.bytes(size)];
  const loss = random.below(6) / 10;
  const finRate = random.chance(0.3) ? 0.15 : 0.01;
  let clock = 1000;

  for (let round = 0; round < rounds && !random.exhausted; round++) {
    clock += random.below(3);
    const near = random.chance(0.3)
      ? connection.reassembler.streamOffset(connection.reassembler.slot, 0)
      : receiver.stream.length;
    let start = Math.max(-5, near + random.between(-30, 60));
    if (random.chance(0.3)) start = receiver.stream.length;
    const end = Math.min(size, start + random.below(random.chance(0.2) ? 200 : 40));
    const data = new Uint8Array(Math.max(0, end - start));
    // Versions differ here and there only, so that many segments agree in their overlap.
    const version = random.chance(0.6) ? 0 : random.below(3);
    for (let index = 0; index < data.length; index++)
      data[index] = versions[random.chance(0.95) ? 0 : version][Math.max(0, start + index)];
    let flags = 'PA';
    if (random.chance(0.03)) flags = 'P';
    if (random.chance(finRate)) flags = 'FA';
    if (random.chance(0.02)) flags = 'UA';
    if (random.chance(0.01)) flags = 'R';
    if (random.chance(0.01)) flags = 'SA';
    if (random.chance(0.01)) flags = 'S';
    const segment: Segment = connection.segment('client', start, data, {
      flags,
      ...(timestamps ? { timestamp: random.chance(0.1) ? clock - random.below(500) : clock } : {}),
      ...(random.chance(0.05) ? { ack: random.between(-100_000, 100_000) } : {}),
    });
    if (timestamps && random.chance(0.05)) delete segment.timestamp;
    const result = connection.process(segment);
    if ((result & 1) === 0 && !random.chance(loss)) {
      const arrived = { ...segment, flags: segment.flags.replace('U', '') };
      for (let copy = random.chance(0.1) ? 2 : 1; copy > 0; copy--) receiver.receive(arrived);
    }
    const stream = receiver.stream;
    const inspected = connection.recorder.streams[0];
    for (let offset = 0; offset < Math.min(stream.length, depth); offset++) {
      if (stream[offset] !== inspected[offset])
        throw new Error(
          `round ${round}: the receiver has byte ${stream[offset]} at ${offset}, inspected was ${inspected[offset]}`,
        );
    }
    if (receiver.reset) break;
    if (random.chance(0.3)) {
      const ack = receiver.acknowledge();
      const answer = connection.from('server', 0, '', { flags: 'A', ack });
      if (answer.startsWith('drop')) throw new Error(`round ${round}: acknowledgment: ${answer}`);
    }
  }
  if (!tight && connection.counter('uncompared_segments') > 0 && !closed)
    throw new Error('nothing is uncomparable here');
}
