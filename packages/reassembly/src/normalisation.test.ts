import { cheatingSender } from './cheating-sender.fixture';
import { LinuxReceiver } from './linux-receiver.fixture';
import { Random, seeds } from './random.fixture';
import { Connection, type Segment } from './segment.fixture';

test.each(seeds(process.env.PORTCULLIS_LONG ? 25 : 8))(
  'the receiver gets what was inspected (SEED=%i)',
  (seed) => {
    cheatingSender(new Random(seed), 250);
  },
);

/** An honest sender over a path that loses, doubles, reorders and cuts anew: nothing is in its way. */
test.each(seeds(process.env.PORTCULLIS_LONG ? 8 : 3))(
  'an honest connection is not disturbed (SEED=%i)',
  (seed) => {
    const random = new Random(seed);
    const shift = random.chance(0.5) ? random.below(8) : undefined;
    const window = random.between(shift === undefined ? 2000 : 200, 65_535);
    const connection = new Connection(
      { memcap: 8 << 20 },
      {
        clientIsn: 2 ** 32 - random.below(20_000) - 1,
        serverIsn: random.word(),
        ...(shift === undefined ? {} : { shift }),
        ...(random.chance(0.5) ? { timestamp: 1000 } : {}),
        window,
      },
    ).open();
    const scaled = window * 2 ** (shift ?? 0);
    const timestamps = connection.shape.timestamp !== undefined;
    const receiver = new LinuxReceiver(
      connection.clientOrigin,
      scaled,
      'first',
      connection.serverOrigin,
      connection.serverOrigin,
    );
    const size = random.between(1, 40_000);
    const data = random.bytes(size);
    const path: Segment[] = [];
    let acknowledged = 0;
    let edge = window;
    let sent = 0;
    let clock = 1000;
    let finished = false;
    for (let round = 0; round < 20_000 && !finished; round++) {
      if (random.chance(0.5)) {
        clock += random.below(2);
        // Something new, or once more from what is not acknowledged, cut anew.
        const again = sent > acknowledged && random.chance(sent >= Math.min(size, edge) ? 0.9 : 0.1);
        const start = again
          ? random.chance(0.5)
            ? acknowledged
            : acknowledged + random.below(sent - acknowledged)
          : sent;
        const limit = Math.min(size, edge);
        const end = Math.min(limit, start + random.between(1, random.chance(0.1) ? 20_000 : 1460));
        if (end > start || start === size) {
          sent = Math.max(sent, end);
          path.push(
            connection.segment('client', start, data.slice(start, end), {
              flags: end === size ? 'FA' : 'PA',
              ...(timestamps ? { timestamp: clock } : {}),
            }),
          );
        }
      }
      while (path.length > 0 && random.chance(0.5)) {
        const index = random.chance(0.3) ? random.below(path.length) : 0;
        const segment = random.chance(0.05) ? path[index] : path.splice(index, 1)[0];
        if (random.chance(0.05)) continue;
        const verdict = connection.send(segment);
        // An old duplicate is dropped by its timestamp at the receiver, too.
        if (verdict !== 'accept' && verdict !== 'drop paws') throw new Error(`round ${round}: ${verdict}`);
        if (verdict === 'accept' && random.chance(0.95)) receiver.receive(segment);
        if (random.chance(0.6)) {
          const ack = receiver.acknowledge();
          // Also late and twice.
          const answer = connection.from('server', 0, '', { flags: 'A', ack, window });
          if (answer !== 'accept') throw new Error(`round ${round}: acknowledgment: ${answer}`);
          if (random.chance(0.8)) {
            acknowledged = Math.max(acknowledged, Math.min(ack, size));
            edge = Math.max(edge, ack + scaled);
          }
          finished = receiver.finished;
        }
      }
    }
    expect(receiver.finished).toBe(true);
    expect(Buffer.compare(Uint8Array.from(connection.recorder.streams[0]), data)).toBe(0);
    expect(Buffer.compare(Uint8Array.from(receiver.stream), data)).toBe(0);
    expect(connection.counter('gaps')).toBe(0);
    expect(connection.reassembler.heldBytes).toBe(0);
  },
);

/** An honest sender, and a queue that overruns: the kernel passes packets on that the engine never sees. */
test.each(seeds(process.env.PORTCULLIS_LONG ? 8 : 3))(
  'what goes past unseen is a gap, and the rest is inspected (SEED=%i)',
  (seed) => {
    const random = new Random(seed);
    const window = 65_535;
    const connection = new Connection({ memcap: 8 << 20 }, { clientIsn: random.word(), window }).open();
    const receiver = new LinuxReceiver(
      connection.clientOrigin,
      window,
      'first',
      connection.serverOrigin,
      connection.serverOrigin,
    );
    const size = random.between(1000, 100_000);
    const data = random.bytes(size);
    const unseen = new Uint8Array(size);
    let overrun = 0;
    let refused = 0;
    for (let round = 0; round < 3000 && receiver.stream.length < size; round++) {
      if (random.chance(0.05)) overrun = random.below(20);
      const start = receiver.stream.length;
      // A flight of segments, in order or not.
      const flight: Segment[] = [];
      for (let at = start; at < Math.min(size, start + random.between(1, 8) * 1000); ) {
        const end = Math.min(size, at + random.between(1, 1460));
        flight.push(connection.segment('client', at, data.slice(at, end)));
        at = end;
      }
      while (flight.length > 0) {
        const segment = flight.splice(random.chance(0.3) ? random.below(flight.length) : 0, 1)[0];
        if (overrun-- > 0) {
          const at = (segment.sequence - connection.clientOrigin) | 0;
          unseen.fill(1, at, at + (segment.data?.length ?? 0));
          receiver.receive(segment);
        } else {
          const verdict = connection.send(segment);
          if (verdict === 'accept') receiver.receive(segment);
          else refused++;
        }
        if (random.chance(0.5)) {
          const ack = receiver.acknowledge();
          if (!(overrun-- > 0)) connection.from('server', 0, '', { flags: 'A', ack, window });
        }
      }
    }
    expect(receiver.stream.length).toBe(size);
    // The last acknowledgment, and one more byte, settle what is still open.
    connection.from('server', 0, '', { flags: 'A', ack: receiver.acknowledge(), window });
    connection.from('client', size, 'x');
    const inspected = connection.recorder.streams[0];
    expect(inspected.length).toBe(size + 1);
    for (let offset = 0; offset < size; offset++) {
      if (inspected[offset] === -1 ? unseen[offset] !== 1 : inspected[offset] !== data[offset])
        throw new Error(`byte ${offset}: ${inspected[offset]}`);
    }
    expect(refused).toBeLessThan(40);
  },
);
