import { PacketView } from '@portcullis/wire';
import { StreamAction } from './index';
import { Connection, encode, toText } from './segment.fixture';

const text = 'abcdefghijklmnopqrstuvwxyz';
const piece = (start: number, end: number) => text.slice(start, end);
const other = (start: number, end: number) => piece(start, end).toUpperCase();
const stream = (connection: Connection, direction: 0 | 1 = 0) =>
  toText(connection.recorder.streams[direction]);
const open = { memcap: 'open', flowTable: 'open', gap: 'open', midstream: 'open', decode: 'open' } as const;

/**
 * Y against X = [10, 16), in all relations of Allen's interval algebra.
 *
 * ```
 *                    10      16
 *                     ├──────┤
 * ```
 */
const relations: [string, number, number][] = [
  ['before', 2, 5],
  ['meets', 4, 10],
  ['overlaps', 6, 13],
  ['is finished by', 6, 16],
  ['contains', 6, 19],
  ['starts', 10, 13],
  ['equals', 10, 16],
  ['is started by', 10, 19],
  ['during', 12, 14],
  ['finishes', 12, 16],
  ['is overlapped by', 13, 19],
  ['is met by', 16, 19],
  ['after', 18, 22],
];

describe.each(relations)('a segment that %s one that waits', (_relation, start, end) => {
  const overlaps = start < 16 && end > 10;

  test('with the same bytes', () => {
    const connection = new Connection().open();
    expect(connection.from('client', 10, piece(10, 16))).toBe('accept');
    expect(connection.from('client', start, piece(start, end))).toBe('accept');
    expect(connection.recorder.take()).toEqual([]);
    expect(connection.from('client', 0, piece(0, 3))).toBe('accept');
    expect(connection.from('client', 3, piece(3, 26))).toBe('accept');
    expect(stream(connection)).toBe(text);
  });

  test('with other bytes', () => {
    const connection = new Connection().open();
    connection.from('client', 10, piece(10, 16));
    const verdict = connection.from('client', start, other(start, end));
    expect(verdict).toBe(overlaps ? 'drop overlap-differs' : 'accept');
    const second = overlaps ? text : text.slice(0, start) + other(start, end) + text.slice(end);
    expect(connection.from('client', 0, second)).toBe('accept');
    expect(stream(connection)).toBe(second);
  });

  test('with one other byte, wherever it is', () => {
    for (let place = start; place < end; place++) {
      const connection = new Connection().open();
      connection.from('client', 10, piece(10, 16));
      const bytes = piece(start, place) + other(place, place + 1) + piece(place + 1, end);
      const differs = place >= 10 && place < 16;
      expect(connection.from('client', start, bytes)).toBe(differs ? 'drop overlap-differs' : 'accept');
    }
  });
});

describe.each(relations)('a segment that %s what was delivered', (_relation, start, end) => {
  /** Delivered and not acknowledged: [10, 16). Acknowledged: [0, 10). */
  const delivered = () => {
    const connection = new Connection().open();
    connection.from('client', 0, piece(0, 16));
    connection.from('server', 0, '', { flags: 'A', ack: 10 });
    connection.recorder.take();
    return connection;
  };

  test('with the same bytes: only what is new is delivered', () => {
    const connection = delivered();
    expect(connection.from('client', start, piece(start, end))).toBe('accept');
    expect(stream(connection)).toBe(piece(0, start > 16 ? 16 : Math.max(16, end)));
    connection.from('client', 16, piece(16, 26));
    expect(stream(connection)).toBe(text);
  });

  test('with other bytes', () => {
    const connection = delivered();
    const overlaps = start < 16 && end > 10;
    const verdict = connection.from('client', start, other(start, end));
    expect(verdict).toBe(overlaps ? 'drop overlap-differs' : 'accept');
    if (overlaps) expect(connection.recorder.take()).toEqual([]);
    expect(stream(connection).slice(0, 16)).toBe(piece(0, 16));
  });
});

test('a segment may fill several holes at once', () => {
  const connection = new Connection().open();
  for (const at of [3, 9, 15, 21]) connection.from('client', at, piece(at, at + 2));
  expect(connection.counter('out_of_order_segments')).toBe(4);
  connection.from('client', 0, piece(0, 22));
  expect(connection.recorder.take()).toEqual([`data 0 0 ${piece(0, 22)}`, `data 0 22 ${piece(22, 23)}`]);
});

test('in-order bytes are inspected in place, others from pages', () => {
  const places: number[] = [];
  const connection = new Connection().open();
  const sink = connection.recorder;
  const data = sink.data.bind(sink);
  sink.data = (slot, direction, bytes, start, end, offset) => {
    places.push(bytes === connection.view.bytes ? 1 : 0);
    return data(slot, direction, bytes, start, end, offset);
  };
  connection.from('client', 5, 'fghij');
  connection.from('client', 0, 'abcde');
  expect(places).toEqual([1, 0]);
});

test('sequence numbers wrap, offsets do not', () => {
  const connection = new Connection({}, { clientIsn: 2 ** 32 - 8, serverIsn: 2 ** 32 - 1 }).open();
  expect(connection.from('client', 10, piece(10, 20))).toBe('accept');
  expect(connection.from('client', 0, piece(0, 12))).toBe('accept');
  expect(connection.from('client', 5, other(5, 8))).toBe('drop overlap-differs');
  expect(connection.from('server', 0, 'reply', { ack: 20 })).toBe('accept');
  expect(connection.reassembler.heldDirections).toBe(1);
  expect(stream(connection)).toBe(piece(0, 20));
  expect(connection.reassembler.streamOffset(connection.reassembler.slot, 0)).toBe(20);
  expect(connection.reassembler.nextSequence(connection.reassembler.slot, 0)).toBe(13);
});

describe('acknowledgments', () => {
  test('free what was kept', () => {
    const connection = new Connection().open();
    connection.from('client', 0, text);
    expect(connection.reassembler.heldBytes).toBeGreaterThan(0);
    connection.from('server', 0, '', { flags: 'A', ack: 25 });
    expect(connection.from('client', 24, 'yZ')).toBe('drop overlap-differs');
    expect(connection.from('client', 24, 'Yz')).toBe('accept');
    connection.from('server', 0, '', { flags: 'A', ack: 26 });
    expect(connection.reassembler.heldBytes).toBe(0);
    expect(connection.from('client', 0, other(0, 26))).toBe('accept');
    expect(stream(connection)).toBe(text);
  });

  test('of bytes not seen are a gap once the sender goes on', () => {
    const connection = new Connection().open();
    connection.from('client', 0, 'abc');
    expect(connection.from('server', 0, '', { flags: 'A', ack: 10 })).toBe('accept');
    expect(connection.recorder.take()).toEqual(['data 0 0 abc']);
    expect(connection.from('client', 10, 'klm')).toBe('accept');
    expect(connection.recorder.take()).toEqual(['gap 0 3 7', 'data 0 10 klm']);
  });

  test('of bytes not seen that come after all are no gap', () => {
    const connection = new Connection().open();
    connection.from('server', 0, '', { flags: 'A', ack: 5 });
    expect(connection.from('client', 0, 'abcdef')).toBe('accept');
    expect(connection.recorder.take()).toEqual(['data 0 0 abcdef']);
  });

  test('before and after a FIN behind bytes not seen', () => {
    const connection = new Connection().open();
    connection.from('client', 5, '', { flags: 'FA' });
    expect(connection.recorder.take()).toEqual([]);
    connection.from('server', 0, '', { flags: 'A', ack: 6 });
    expect(connection.recorder.take()).toEqual(['gap 0 0 5', 'ended 0']);
    connection.from('client', 6, '', { flags: 'A', ack: 3 });
    connection.from('server', 3, '', { flags: 'FA', ack: 6 });
    expect(connection.recorder.take()).toEqual(['gap 1 0 3', 'ended 1']);
  });

  test('across a hole: what waits behind it follows', () => {
    const connection = new Connection().open();
    connection.from('client', 0, 'abc');
    connection.from('client', 6, 'ghi');
    connection.from('client', 12, 'mno');
    connection.from('server', 0, '', { flags: 'A', ack: 15 });
    expect(connection.recorder.take()).toEqual([
      'data 0 0 abc',
      'gap 0 3 3',
      'data 0 6 ghi',
      'gap 0 9 3',
      'data 0 12 mno',
    ]);
    expect(connection.reassembler.heldBytes).toBe(0);
  });

  test('a closed policy ends the flow at a gap', () => {
    const connection = new Connection({ policy: { ...open, gap: 'closed' } }).open();
    connection.from('server', 0, '', { flags: 'A', ack: 10 });
    expect(connection.from('client', 10, 'klm')).toBe('drop gap');
    expect(connection.from('client', 0, 'abc')).toBe('drop flow-blocked');
  });

  test('that cannot be are not taken, nor is their data; the second is believed', () => {
    const connection = new Connection().open();
    connection.from('server', 0, 'hello');
    expect(connection.from('client', 0, 'decoy', { ack: 200_000 })).toBe('drop ack-invalid');
    expect(connection.from('client', 0, 'abc', { ack: 5 })).toBe('accept');
    expect(stream(connection)).toBe('abc');
    connection.from('server', 5, piece(0, 26), { ack: 3 });
    connection.from('client', 3, '', { flags: 'A', ack: 31 });
    expect(connection.from('client', 3, 'decoy', { ack: -100_000 })).toBe('drop ack-too-old');
  });
});

describe('window', () => {
  test('a segment beyond it is dropped, and none is lost for good', () => {
    const connection = new Connection({}, { window: 100 }).open();
    expect(connection.from('client', 101, 'x')).toBe('drop out-of-window');
    expect(connection.from('client', 90, 'reaches beyond')).toBe('accept');
    expect(connection.from('client', 101, 'o')).toBe('accept');
    expect(connection.from('client', 101, 'y')).toBe('drop overlap-differs');
    connection.from('server', 0, '', { flags: 'A', ack: 0, window: 120 });
    expect(connection.from('client', 130, 'x')).toBe('drop out-of-window');
  });

  test('is scaled when both sides offer it', () => {
    const connection = new Connection({}, { window: 100, shift: 4 }).open();
    expect(connection.from('client', 101, 'x')).toBe('drop out-of-window');
    connection.from('server', 0, '', { flags: 'A' });
    expect(connection.from('client', 1600, 'x')).toBe('accept');
    expect(connection.from('client', 1601, 'x')).toBe('drop out-of-window');
  });

  test('is not scaled when one side does not', () => {
    const connection = new Connection({}, { window: 100 });
    connection.syn({ shift: 4 });
    connection.synAck();
    connection.from('client', 0, '', { flags: 'A' });
    connection.from('server', 0, '', { flags: 'A' });
    expect(connection.from('client', 101, 'x')).toBe('drop out-of-window');
  });
});

describe('timestamps (PAWS)', () => {
  test('older data is not taken, in either direction', () => {
    const connection = new Connection({}, { timestamp: 1000 }).open();
    expect(connection.from('client', 0, 'abc', { timestamp: 2000 })).toBe('accept');
    connection.from('server', 0, '', { flags: 'A', ack: 3 });
    expect(connection.from('client', 3, 'decoy', { timestamp: 1998 })).toBe('drop paws');
    expect(connection.from('client', 3, 'def', { timestamp: 2000 })).toBe('accept');
    expect(connection.from('server', 0, 'xyz', { timestamp: 900, ack: 3 })).toBe('drop paws');
  });

  test('only what begins at the last acknowledgment moves the mark, and values wrap', () => {
    const connection = new Connection({}, { timestamp: 2 ** 32 - 5 }).open();
    expect(connection.from('client', 3, 'def', { timestamp: 50 })).toBe('accept');
    expect(connection.from('client', 0, 'abc', { timestamp: 10 })).toBe('accept');
    connection.from('server', 0, '', { flags: 'A', ack: 6 });
    expect(connection.from('client', 6, 'ghi', { timestamp: 2 ** 32 - 1 })).toBe('drop paws');
    expect(connection.from('client', 6, 'ghi', { timestamp: 10 })).toBe('accept');
  });

  test('do not count unless both SYNs offered them', () => {
    const connection = new Connection();
    connection.syn({ timestamp: 1000 });
    connection.synAck();
    expect(connection.from('client', 0, 'abc', { timestamp: 1 })).toBe('accept');
  });
});

describe('FIN', () => {
  test('ends each direction in order, then the flow soon after', () => {
    const connection = new Connection().open();
    connection.from('client', 3, '', { flags: 'FA' });
    expect(connection.recorder.take()).toEqual([]);
    connection.from('client', 0, 'abc');
    expect(connection.recorder.take()).toEqual(['data 0 0 abc', 'ended 0']);
    expect(connection.from('server', 0, 'xyz', { ack: 4 })).toBe('accept');
    connection.from('server', 3, '', { flags: 'FA', ack: 4 });
    connection.from('client', 4, '', { flags: 'A', ack: 4 });
    expect(connection.recorder.take()).toEqual(['data 1 0 xyz', 'ended 1']);
    expect(connection.reassembler.heldBytes).toBe(0);
    connection.now += 11e6;
    expect(connection.reassembler.tick(connection.now, 100)).toBe(1);
    expect(connection.recorder.take()).toEqual(['flow ended fin']);
  });

  test('takes the place of a byte: data there or behind is dropped', () => {
    const connection = new Connection().open();
    expect(connection.from('client', 3, '', { flags: 'FA' })).toBe('accept');
    expect(connection.from('client', 0, 'abcd')).toBe('drop data-after-fin');
    expect(connection.from('client', 5, 'x')).toBe('drop data-after-fin');
    expect(connection.from('client', 2, '', { flags: 'FA' })).toBe('drop fin-conflict');
    expect(connection.from('client', 3, '', { flags: 'FA' })).toBe('accept');
    expect(connection.from('client', 0, 'abc', { flags: 'FA' })).toBe('accept');
    expect(connection.from('client', 4, 'x')).toBe('drop data-after-fin');
    expect(connection.recorder.take()).toEqual(['data 0 0 abc', 'ended 0']);
  });

  test('behind the first one, or where all is acknowledged, changes nothing', () => {
    const connection = new Connection().open();
    connection.from('client', 0, 'abc');
    connection.from('server', 0, '', { flags: 'A', ack: 2 });
    expect(connection.from('client', 1, '', { flags: 'FA' })).toBe('accept');
    expect(connection.from('client', 2, '', { flags: 'FA' })).toBe('drop fin-conflict');
    expect(connection.from('client', 3, 'def', { flags: 'FA' })).toBe('accept');
    expect(connection.from('client', 1, '', { flags: 'FA' })).toBe('accept');
    expect(connection.from('client', 7, '', { flags: 'FA' })).toBe('accept');
    expect(connection.from('client', 7, 'x', { flags: 'FA' })).toBe('drop data-after-fin');
    expect(connection.recorder.take()).toEqual(['data 0 0 abc', 'data 0 3 def', 'ended 0']);
  });

  test('cannot stand where data is', () => {
    const connection = new Connection().open();
    connection.from('client', 0, 'abc');
    connection.from('client', 5, 'fgh');
    expect(connection.from('client', 2, '', { flags: 'FA' })).toBe('drop fin-conflict');
    expect(connection.from('client', 3, '', { flags: 'FA' })).toBe('drop fin-conflict');
    expect(connection.from('client', 3, 'de', { flags: 'FA' })).toBe('drop fin-conflict');
    expect(connection.from('client', 8, '', { flags: 'FA' })).toBe('accept');
  });
});

describe('RST', () => {
  test('exact: the flow ends soon', () => {
    const connection = new Connection().open();
    connection.from('client', 0, 'abc');
    expect(connection.from('client', 3, '', { flags: 'R' })).toBe('accept');
    connection.now += 11e6;
    connection.reassembler.tick(connection.now, 100);
    expect(connection.recorder.take()).toEqual(['data 0 0 abc', 'flow ended reset']);
  });

  test.each([
    [4, 'rst_challenged'],
    [-1, 'rst_ignored'],
    [100_000, 'rst_ignored'],
  ])('at %i: no more than %s', (offset, counter) => {
    const connection = new Connection().open();
    expect(connection.from('client', offset, '', { flags: 'R' })).toBe('accept');
    expect(connection.counter(counter)).toBe(1);
    connection.now += 11e6;
    expect(connection.reassembler.tick(connection.now, 100)).toBe(0);
  });

  test('that never reaches the receiver does not end inspection', () => {
    const connection = new Connection().open();
    connection.from('client', 0, '', { flags: 'R' });
    expect(connection.from('client', 0, 'attack')).toBe('accept');
    connection.now += 11e6;
    expect(connection.reassembler.tick(connection.now, 100)).toBe(0);
    expect(connection.recorder.take()).toEqual(['data 0 0 attack']);
  });
});

test('a segment without ACK is dropped', () => {
  const connection = new Connection().open();
  expect(connection.from('client', 0, 'x', { flags: 'P' })).toBe('drop no-ack');
  expect(connection.from('client', 0, '', { flags: '' })).toBe('drop no-ack');
});

describe('urgent data', () => {
  test('is inspected in place, and its flag has to be cleared', () => {
    const connection = new Connection().open();
    expect(connection.from('client', 0, 'abc', { flags: 'UA', urgentPointer: 2 })).toBe(
      'accept clear-urgent',
    );
    expect(connection.from('client', 3, '', { flags: 'UA', urgentPointer: 2 })).toBe('accept clear-urgent');
    expect(connection.recorder.take()).toEqual(['data 0 0 abc']);
  });

  test('or dropped', () => {
    const connection = new Connection({ urgent: 'drop' }).open();
    expect(connection.from('client', 0, 'abc', { flags: 'UA', urgentPointer: 2 })).toBe('drop urgent');
  });
});

describe('what the sink answers', () => {
  test('DROP_PACKET: this packet and all later ones, of both sides', () => {
    const connection = new Connection().open();
    connection.recorder.answer = (_direction, data) =>
      data.includes('evil') ? StreamAction.DROP_PACKET : StreamAction.CONTINUE;
    expect(connection.from('client', 0, 'good ')).toBe('accept');
    expect(connection.from('client', 5, 'evil')).toBe('drop inspection');
    expect(connection.from('client', 5, 'evil')).toBe('drop flow-blocked');
    expect(connection.from('client', 0, 'good evil')).toBe('drop flow-blocked');
    expect(connection.from('server', 0, 'x')).toBe('drop flow-blocked');
    expect(connection.reassembler.heldBytes).toBe(0);
    connection.now += 200e6;
    connection.reassembler.tick(connection.now, 100);
    expect(connection.from('client', 5, 'evil')).toBe('drop flow-blocked');
    connection.now += 301e6;
    connection.reassembler.tick(connection.now, 100);
    expect(connection.recorder.take().at(-1)).toBe('flow ended blocked');
  });

  test('DROP_PACKET when a hole fills: the packet that fills it is dropped', () => {
    const connection = new Connection().open();
    connection.recorder.answer = (_direction, data) =>
      data.includes('evil') ? StreamAction.DROP_PACKET : StreamAction.CONTINUE;
    expect(connection.from('client', 1, 'evil')).toBe('accept');
    expect(connection.from('client', 0, '-')).toBe('drop inspection');
  });

  test('a blocked flow gives way to a new connection only', () => {
    const connection = new Connection().open();
    connection.recorder.answer = () => StreamAction.DROP_PACKET;
    connection.from('client', 0, 'evil');
    connection.recorder.answer = () => StreamAction.CONTINUE;
    connection.clientOrigin = 700_001;
    connection.serverOrigin = 900_001;
    expect(connection.from('client', 0, 'x')).toBe('drop flow-blocked');
    expect(connection.syn({ data: 'x' })).toBe('drop flow-blocked');
    expect(connection.syn()).toBe('accept');
    expect(connection.synAck({ acknowledgment: 5 })).toBe('drop flow-blocked');
    expect(connection.synAck()).toBe('accept');
    expect(connection.from('client', 0, 'x')).toBe('accept');
  });

  test('STOP_INSPECTING: offloadable once all is acknowledged', () => {
    const connection = new Connection().open();
    connection.recorder.answer = () => StreamAction.STOP_INSPECTING;
    expect(connection.from('client', 0, 'abc')).toBe('accept');
    expect(connection.from('client', 0, 'abX')).toBe('drop overlap-differs');
    expect(connection.from('client', 3, 'not inspected')).toBe('accept');
    expect(connection.from('server', 0, 'nor this', { ack: 3 })).toBe('accept offloadable');
    expect(connection.from('client', 16, 'x')).toBe('accept offloadable');
    expect(connection.recorder.take()).toEqual(['data 0 0 abc']);
  });

  test('STOP_DIRECTION leaves the other', () => {
    const connection = new Connection().open();
    connection.recorder.answer = (direction) =>
      direction === 0 ? StreamAction.STOP_DIRECTION : StreamAction.CONTINUE;
    connection.from('client', 0, 'abc');
    connection.from('client', 3, 'def');
    expect(connection.from('server', 0, 'xyz', { ack: 6 })).toBe('accept');
    expect(connection.recorder.take()).toEqual(['data 0 0 abc', 'data 1 0 xyz']);
    connection.reassembler.stopInspecting(connection.reassembler.slot, 1);
    expect(connection.from('client', 6, '', { flags: 'A', ack: 3 })).toBe('accept offloadable');
  });
});

describe('depth', () => {
  test('cuts delivery and keeping; below it retransmissions are still compared', () => {
    const connection = new Connection({ depth: 5 }).open();
    expect(connection.from('client', 0, 'abcdefgh')).toBe('accept');
    expect(connection.from('client', 8, 'ijk')).toBe('accept');
    expect(connection.from('client', 4, 'Ef')).toBe('drop overlap-differs');
    expect(connection.from('client', 4, 'eF')).toBe('accept');
    expect(connection.recorder.take()).toEqual(['data 0 0 abcde']);
    expect(connection.reassembler.streamOffset(connection.reassembler.slot, 0)).toBe(11);
    expect(connection.counter('beyond_depth_bytes')).toBe(3 + 3 + 2);
  });

  test('both directions: offloadable', () => {
    const connection = new Connection({ depth: 5 }).open();
    connection.from('client', 0, 'abcdefgh');
    expect(connection.from('server', 0, 'abcdefgh', { ack: 8 })).toBe('accept');
    expect(connection.from('client', 8, '', { flags: 'A', ack: 8 })).toBe('accept offloadable');
    expect(connection.from('client', 8, 'more', { ack: 8 })).toBe('accept offloadable');
    expect(connection.from('client', 12, '', { flags: 'FA', ack: 8 })).toBe('accept offloadable');
    expect(connection.from('server', 8, '', { flags: 'FA', ack: 13 })).toBe('accept offloadable');
  });

  test('out of order across it', () => {
    const connection = new Connection({ depth: 5 }).open();
    connection.from('client', 7, 'hij');
    connection.from('client', 3, 'defg');
    connection.from('client', 0, 'abc');
    expect(connection.recorder.take()).toEqual(['data 0 0 abc', 'data 0 3 de']);
  });

  test.each([0, -1, 0.5, Number.POSITIVE_INFINITY])('%p is refused', (depth) => {
    expect(() => new Connection({ depth })).toThrow(/depth/);
  });
});

describe('truncated packets', () => {
  test('the tail is a gap', () => {
    const connection = new Connection().open();
    expect(connection.from('client', 0, 'abcdef', { cut: 4 })).toBe('accept');
    expect(connection.from('client', 6, 'ghi')).toBe('accept');
    expect(connection.recorder.take()).toEqual(['data 0 0 ab', 'gap 0 2 4', 'data 0 6 ghi']);
    expect(connection.counter('truncated_bytes')).toBe(4);
  });

  test('cut to nothing', () => {
    const connection = new Connection().open();
    connection.from('client', 0, 'abc', { cut: 3 });
    connection.from('client', 3, 'def', { cut: 3, flags: 'FA' });
    expect(connection.recorder.take()).toEqual(['gap 0 0 3', 'gap 0 3 3', 'ended 0']);
  });

  test('are dropped under a closed policy', () => {
    const connection = new Connection({ policy: { ...open, gap: 'closed' } }).open();
    expect(connection.from('client', 0, 'abcdef', { cut: 4 })).toBe('drop gap');
    expect(connection.from('client', 0, 'abcdef')).toBe('accept');
  });
});

describe('memory', () => {
  const small = { memcap: 8 * 2048, memcapPerDirection: 64 * 2048 };
  const big = 'x'.repeat(3000);

  test('closed: what cannot be held is dropped and comes again', () => {
    const connection = new Connection({ ...small, policy: { ...open, memcap: 'closed' } }).open();
    expect(connection.from('client', 10_240, big)).toBe('accept');
    expect(connection.from('client', 20_480, big)).toBe('accept');
    expect(connection.from('client', 30_000, big)).toBe('drop memcap');
    expect(connection.from('client', 0, big)).toBe('accept');
    expect(connection.from('client', 3000, big + big)).toBe('drop memcap');
    connection.from('server', 0, '', { flags: 'A', ack: 3000 });
    expect(connection.from('client', 3000, big)).toBe('accept');
  });

  test('open: inspected in order without being kept, or passed and a gap when the receiver has it', () => {
    const connection = new Connection(small).open();
    connection.from('client', 20_480, 'b'.repeat(8000));
    expect(connection.from('client', 30_000, big)).toBe('accept');
    expect(connection.counter('unheld_segments')).toBe(1);
    expect(connection.from('client', 0, 'a'.repeat(5000))).toBe('accept');
    expect(connection.counter('unkept_segments')).toBe(0);
    expect(connection.from('client', 5000, 'a'.repeat(5000))).toBe('accept');
    expect(connection.counter('unkept_segments')).toBe(1);
    expect(connection.from('client', 0, 'c'.repeat(5000))).toBe('accept');
    expect(connection.counter('uncompared_segments')).toBe(1);
    expect(connection.from('client', 10_000, 'a'.repeat(10_480))).toBe('accept');
    expect(connection.reassembler.streamOffset(connection.reassembler.slot, 0)).toBe(28_480);
    connection.from('server', 0, '', { flags: 'A', ack: 33_000 });
    connection.recorder.take();
    expect(connection.from('client', 33_000, 'x')).toBe('accept');
    expect(connection.recorder.take()).toEqual(['gap 0 28480 4520', 'data 0 33000 x']);
  });

  test('a bridging segment without room to keep it still delivers what waits behind it', () => {
    const connection = new Connection(small).open();
    connection.from('client', 15_000, 'y'.repeat(3000));
    expect(connection.from('client', 0, 'a'.repeat(15_000) + 'y'.repeat(1000))).toBe('accept');
    expect(connection.reassembler.streamOffset(connection.reassembler.slot, 0)).toBe(18_000);
    expect(connection.reassembler.heldBytes).toBe(0);
    expect(connection.from('client', 18_000, 'z')).toBe('accept');
    expect(stream(connection).length).toBe(18_001);
  });

  test.each(['open', 'closed'] as const)(
    '%s: what lies behind too many holes is dropped, until some are filled',
    (memcap) => {
      const connection = new Connection({ holesPerDirection: 2, policy: { ...open, memcap } }).open();
      expect(connection.from('client', 1, 'b')).toBe('accept');
      expect(connection.from('client', 3, 'd')).toBe('accept');
      expect(connection.from('client', 5, 'f')).toBe('drop scattered');
      expect(connection.from('client', 4, 'e')).toBe('accept');
      expect(connection.from('client', 0, 'a')).toBe('accept');
      expect(connection.from('client', 6, 'g')).toBe('accept');
      expect(connection.from('client', 8, 'i')).toBe('drop scattered');
      expect(connection.from('client', 2, 'c')).toBe('accept');
      expect(connection.from('client', 5, 'f')).toBe('accept');
      expect(stream(connection)).toBe('abcdefg');
      expect(connection.counter('unheld_segments')).toBe(0);
    },
  );

  test('a direction that holds its share out of order gets no more, but what fills the holes', () => {
    const connection = new Connection({ memcapPerDirection: 8 * 2048 }).open();
    expect(connection.from('client', 2048, 'b'.repeat(7 * 2048))).toBe('accept');
    expect(connection.from('client', 20_000, 'x')).toBe('drop scattered');
    expect(connection.from('client', 0, 'a'.repeat(2048))).toBe('accept');
    expect(stream(connection).length).toBe(8 * 2048);
  });

  test('where nothing can be dropped, what lies behind too many holes is not held', () => {
    const connection = new Connection({ inline: false, holesPerDirection: 1 }).open();
    connection.from('client', 1, 'b');
    expect(connection.from('client', 3, 'd')).toBe('accept');
    expect(connection.counter('unheld_segments')).toBe(1);
  });

  test('spoofed SYNs with data cannot fill the pool', () => {
    const connection = new Connection(small);
    const verdicts = Array.from({ length: 7 }, (_, index) =>
      connection.send({ from: 'client', sequence: 1, flags: 'S', data: 'x', clientPort: index + 1 }),
    );
    expect(verdicts).toEqual([...Array(5).fill('accept'), 'drop syn-data', 'drop syn-data']);
  });
});

test('a silent connection gives back what it holds when the pool is nearly full', () => {
  const connection = new Connection({ memcap: 8 * 2048, memcapPerDirection: 8 * 2048 }).open();
  connection.from('client', 0, 'x'.repeat(7 * 2048));
  connection.now += 1e6;
  connection.reassembler.tick(connection.now, 10);
  expect(connection.reassembler.heldBytes).toBe(7 * 2048);
  connection.now += 1.5e6;
  connection.reassembler.tick(connection.now, 10);
  expect(connection.reassembler.heldBytes).toBe(0);
  expect(connection.counter('reclaimed_flows')).toBe(1);
  expect(connection.from('client', 0, 'y')).toBe('accept');
  expect(connection.counter('uncompared_segments')).toBe(1);
});

test('what waits out of order is given back too, where it takes most of what may', () => {
  const connection = new Connection({ memcap: 16 * 2048, memcapPerDirection: 16 * 2048 });
  for (let clientPort = 1; clientPort <= 8; clientPort++) {
    connection.syn({ clientPort });
    connection.synAck({ clientPort });
    connection.from('client', 10, 'behind a hole', { clientPort });
  }
  expect(connection.reassembler.heldBytes).toBe(8 * 2048);
  connection.now += 2.5e6;
  connection.reassembler.tick(connection.now, 10);
  expect(connection.reassembler.heldBytes).toBe(0);
  expect(connection.counter('reclaimed_flows')).toBe(8);
});

test('payload to the client that is not queued: nothing of it is expected', () => {
  const connection = new Connection({ replyPayload: false }, { window: 1000 }).open();
  expect(connection.from('client', 0, 'ask')).toBe('accept');
  expect(connection.from('client', 3, 'beyond the last window seen', { ack: 5000 })).toBe('accept');
  expect(connection.from('client', 1100, 'x', { ack: 90_000 })).toBe('accept');
  expect(connection.from('server', 90_000, '', { flags: 'A', ack: 30 })).toBe('accept');
  expect(connection.from('server', 90_000, '', { flags: 'FA', ack: 30 })).toBe('accept');
  expect(connection.counter('gaps')).toBe(0);
  expect(connection.recorder.take().at(-1)).toBe('ended 1');
});

describe('the flow table', () => {
  const synFlood = (connection: Connection, count: number) => {
    for (let index = 0; index < count; index++)
      connection.send({ from: 'client', sequence: 1, flags: 'S', clientPort: index + 1 });
  };

  test('half-open flows make room for new ones, established ones never', () => {
    const connection = new Connection({ maxFlows: 64 }).open();
    synFlood(connection, 500);
    expect(connection.counter('flows_evicted')).toBeGreaterThan(400);
    expect(connection.from('client', 0, 'still here')).toBe('accept');
    expect(connection.recorder.take()).toContain('data 0 0 still here');
    expect(connection.counter('flow_table_full')).toBe(0);
  });

  test.each([
    ['nothing else', 0],
    ['as many established connections as leave room for half-open ones', 1024 - 64],
  ])('good clients complete their handshakes beside a SYN flood and %s', (_what, established) => {
    const connection = new Connection({ maxFlows: 1024 });
    const complete = (clientPort: number) => {
      connection.synAck({ clientPort });
      connection.from('client', 0, 'x', { clientPort });
    };
    for (let clientPort = 1; clientPort <= established; clientPort++) {
      connection.syn({ clientPort });
      complete(clientPort);
    }
    const before = connection.counter('handshakes');
    connection.now += 2e6;
    // The flood has an answer for a good client come after so many SYNs of its own: 1 / 32 of the table.
    let forged = 20_000;
    for (let client = 0; client < 100; client++) {
      const clientPort = 10_000 + client;
      connection.syn({ clientPort });
      for (let i = 0; i < 32; i++) {
        connection.now += 10;
        connection.send({ from: 'client', sequence: 1, flags: 'S', clientPort: forged++ });
      }
      complete(clientPort);
    }
    expect(connection.counter('handshakes') - before).toBe(100);
    expect(connection.counter('midstream_flows')).toBe(0);
    expect(connection.counter('flows_evicted')).toBeGreaterThan(1000);
    expect(connection.counter('flow_table_full')).toBe(0);
    expect(connection.reassembler.table.count).toBeLessThanOrEqual(1024);
  });

  test.each([
    ['open', 'accept'],
    ['closed', 'drop flow-table'],
  ] as const)('full of established flows, policy %s', (policy, verdict) => {
    const connection = new Connection({ maxFlows: 2, policy: { ...open, flowTable: policy } });
    for (const clientPort of [1, 2]) {
      connection.syn({ clientPort });
      connection.synAck({ clientPort });
      connection.from('client', 0, 'x', { clientPort });
    }
    expect(connection.syn({ clientPort: 3 })).toBe(verdict);
    expect(connection.counter('flow_table_full')).toBe(1);
    expect(connection.reassembler.slot).toBe(-1);
    connection.now += 400e6;
    connection.reassembler.tick(connection.now, 100);
    expect(connection.syn({ clientPort: 3 })).toBe('accept');
  });

  test('silent connections make room for new ones in a full table, the longest silent first', () => {
    const connection = new Connection({ maxFlows: 4 });
    const open = (clientPort: number) => {
      expect(connection.syn({ clientPort })).toBe('accept');
      connection.synAck({ clientPort });
      connection.from('client', 0, 'x', { clientPort });
    };
    for (const clientPort of [1, 2, 3, 4]) open(clientPort);
    connection.now += 2e6;
    for (const clientPort of [1, 2, 4]) connection.from('client', 1, 'y', { clientPort });
    connection.now += 0.5e6;
    // The others have spoken a moment ago.
    open(5);
    expect(connection.counter('flows_evicted')).toBe(1);
    expect(connection.counter('flow_table_full')).toBe(0);
    connection.recorder.take();
    for (const clientPort of [1, 2, 4]) connection.from('client', 2, 'z', { clientPort });
    expect(connection.recorder.take()).toHaveLength(3);
    // Nobody has been silent: the policy decides.
    connection.syn({ clientPort: 6 });
    expect(connection.counter('flow_table_full')).toBe(1);
  });

  test('of flows that were silent as long, blocked ones go last', () => {
    const connection = new Connection({ maxFlows: 2 });
    for (const clientPort of [1, 2]) {
      connection.syn({ clientPort });
      connection.synAck({ clientPort });
      connection.from('client', 0, 'x', { clientPort });
      if (clientPort === 1) connection.reassembler.block(connection.reassembler.slot);
    }
    connection.now += 20e6;
    expect(connection.syn({ clientPort: 3 })).toBe('accept');
    expect(connection.from('client', 1, 'y', { clientPort: 1 })).toBe('drop flow-blocked');
  });

  test('close ends every flow', () => {
    const connection = new Connection().open();
    connection.from('client', 0, 'abc');
    connection.syn({ clientPort: 2 });
    connection.reassembler.close();
    expect(connection.recorder.take()).toEqual([
      'data 0 0 abc',
      'flow ended shutdown',
      'flow ended shutdown',
    ]);
    expect(connection.reassembler.table.count).toBe(0);
    expect(connection.reassembler.heldBytes).toBe(0);
  });
});

test('not inline: nothing is dropped for normalisation, the first version counts', () => {
  const connection = new Connection({ inline: false }).open();
  connection.from('client', 0, 'abc');
  expect(connection.from('client', 0, 'aXc')).toBe('pass overlap-differs');
  expect(connection.from('client', 3, 'x', { flags: 'P' })).toBe('pass no-ack');
  expect(stream(connection)).toBe('abc');
  // The receiver takes what is new to it, as here bytes behind an acknowledgment's padding.
  expect(connection.from('client', 1, 'XXdef')).toBe('pass overlap-differs');
  expect(stream(connection)).toBe('abcdef');
  expect(connection.from('client', 8, 'ijk')).toBe('accept');
  expect(connection.from('client', 7, 'HIJKL')).toBe('pass overlap-differs');
  expect(connection.from('client', 6, 'gh')).toBe('accept');
  expect(stream(connection)).toBe('abcdefghijk');
  connection.recorder.answer = () => StreamAction.DROP_PACKET;
  expect(connection.from('client', 11, 'l')).toBe('drop inspection');
});

describe('virtual segments', () => {
  test('are of the smaller MSS, less the timestamp option', () => {
    const connection = new Connection({}, { timestamp: 1000 });
    connection.syn({ mss: 1460 });
    connection.synAck({ mss: 1400 });
    connection.from('client', 0, 'x'.repeat(60_000), { timestamp: 1000 });
    const { reassembler } = connection;
    expect(reassembler.segmentSize(reassembler.slot)).toBe(1388);
    expect(reassembler.virtualSegments(reassembler.slot, 60_000)).toBe(44);
    expect(reassembler.virtualSegments(reassembler.slot, 1388)).toBe(1);
    expect(reassembler.virtualSegments(reassembler.slot, 0)).toBe(1);
  });

  test('without the option 536 bytes; midstream an Ethernet path', () => {
    const connection = new Connection();
    connection.send({ from: 'client', sequence: 1, flags: 'S' });
    expect(connection.reassembler.segmentSize(connection.reassembler.slot)).toBe(536);
    const late = new Connection({ midstream: true });
    late.from('client', 0, 'x');
    expect(late.reassembler.segmentSize(late.reassembler.slot)).toBe(1460);
  });
});

test('a super-segment of 64 KiB is one packet', () => {
  const connection = new Connection({}, { window: 65_535, shift: 2 }).open();
  connection.from('server', 0, '', { flags: 'A' });
  const data = Uint8Array.from({ length: 65_000 }, (_, index) => index * 7);
  expect(connection.from('client', 65_000, data)).toBe('accept');
  expect(connection.from('client', 0, data)).toBe('accept');
  expect(Buffer.compare(Uint8Array.from(connection.recorder.streams[0].slice(65_000)), data)).toBe(0);
  data[64_000] ^= 1;
  expect(connection.from('client', 0, data)).toBe('drop overlap-differs');
  expect(connection.from('client', 65_000, data)).toBe('drop overlap-differs');
});

test('datagrams of other protocols are flows too', () => {
  const connection = new Connection();
  const view = new PacketView();
  const datagram = (from: 'client' | 'server') => {
    const bytes = encode({ from, sequence: 0, flags: '' });
    bytes[9] = 17;
    bytes[25] = 20;
    bytes[24] = 0;
    expect(view.decode(bytes, 0, bytes.length)).toBe(0);
    return connection.reassembler.processDatagram(view, connection.now);
  };
  const slot = datagram('client');
  expect(slot).toBeGreaterThanOrEqual(0);
  expect(connection.reassembler.direction).toBe(0);
  expect(datagram('server')).toBe(slot);
  expect(connection.reassembler.direction).toBe(1);
  expect(connection.reassembler.table.packets(slot, 1)).toBe(1);
  connection.reassembler.block(slot);
  expect(datagram('client')).toBe(slot);
  expect(connection.reassembler.dropReason).toBe(1);
  connection.now += 301e6;
  expect(connection.reassembler.tick(connection.now, 10)).toBe(1);
  expect(connection.recorder.take()).toEqual(['flow ended blocked']);
});
