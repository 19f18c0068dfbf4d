import { Connection } from './segment.fixture';

const complete = (connection: Connection) =>
  connection.reassembler.handshakeComplete(connection.reassembler.slot);

test('complete when the client acknowledges exactly what the server chose', () => {
  const connection = new Connection();
  expect(connection.syn()).toBe('accept');
  expect(complete(connection)).toBe(false);
  expect(connection.synAck()).toBe('accept');
  expect(complete(connection)).toBe(false);
  expect(connection.recorder.take()).toEqual([]);
  expect(connection.from('client', 0, 'GET')).toBe('accept');
  expect(complete(connection)).toBe(true);
  expect(connection.recorder.take()).toEqual(['started', 'data 0 0 GET']);
  expect(connection.counter('handshakes')).toBe(1);
});

describe('a blind acknowledgment does not complete it', () => {
  test.each([1, -1, 1000, -1000, 2 ** 31])('off by %i', (off) => {
    const connection = new Connection();
    connection.syn();
    connection.synAck();
    expect(connection.from('client', 0, 'attack', { ack: off })).toBe('drop handshake-mismatch');
    expect(complete(connection)).toBe(false);
    expect(connection.from('client', 0, '', { flags: 'RA', ack: off })).toBe('accept');
    expect(complete(connection)).toBe(false);
    expect(connection.recorder.take()).toEqual([]);
  });

  test('nor a second one, though it is inspected', () => {
    const connection = new Connection();
    connection.syn();
    connection.synAck();
    expect(connection.from('client', 0, 'one', { ack: 9 })).toBe('drop handshake-mismatch');
    expect(connection.from('client', 0, 'one', { ack: 9 })).toBe('accept');
    expect(complete(connection)).toBe(false);
    expect(connection.from('client', 3, 'two', { ack: 10 })).toBe('accept');
    expect(complete(connection)).toBe(false);
    expect(connection.from('client', 0, 'ONE')).toBe('drop overlap-differs');
    expect(complete(connection)).toBe(true);
    expect(connection.recorder.take()).toEqual(['started', 'data 0 0 one', 'data 0 3 two']);
  });

  test('sequence out of window', () => {
    const connection = new Connection();
    connection.syn();
    connection.synAck();
    expect(connection.from('client', 100_000, '', { flags: 'A' })).toBe('drop handshake-mismatch');
    expect(connection.from('client', -1, '', { flags: 'A' })).toBe('drop handshake-mismatch');
    expect(complete(connection)).toBe(false);
  });
});

describe('initial sequence numbers that change before the handshake is complete', () => {
  test('SYN: the one the server acknowledges counts', () => {
    for (const chosen of [1001, 70_001]) {
      const connection = new Connection();
      expect(connection.syn()).toBe('accept');
      expect(connection.syn({ sequence: 70_000 })).toBe('accept');
      expect(connection.synAck({ acknowledgment: chosen })).toBe('accept');
      connection.clientOrigin = chosen;
      expect(connection.from('client', 0, 'hello')).toBe('accept');
      expect(complete(connection)).toBe(true);
      expect(connection.recorder.take()).toEqual(['started', 'data 0 0 hello']);
    }
  });

  test('SYN-ACK: the one the client acknowledges counts', () => {
    for (const chosen of [5001, 90_001]) {
      const connection = new Connection();
      connection.syn();
      expect(connection.synAck()).toBe('accept');
      expect(connection.synAck({ sequence: 90_000 })).toBe('accept');
      connection.serverOrigin = chosen;
      expect(connection.from('client', 0, 'hello')).toBe('accept');
      expect(complete(connection)).toBe(true);
      expect(connection.from('server', 0, 'world')).toBe('accept');
      expect(connection.recorder.take()).toEqual(['started', 'data 0 0 hello', 'data 1 0 world']);
    }
  });

  test('a SYN-ACK of something else is dropped', () => {
    const connection = new Connection();
    connection.syn();
    expect(connection.synAck({ acknowledgment: 1000 })).toBe('drop handshake-mismatch');
    expect(connection.synAck({ acknowledgment: 1002 })).toBe('drop handshake-mismatch');
    expect(connection.synAck()).toBe('accept');
  });

  test('retransmissions change nothing', () => {
    const connection = new Connection();
    connection.syn();
    expect(connection.syn()).toBe('accept');
    connection.synAck();
    expect(connection.syn()).toBe('accept');
    expect(connection.synAck()).toBe('accept');
    connection.open();
    expect(connection.synAck()).toBe('accept');
    expect(connection.syn()).toBe('accept');
    expect(complete(connection)).toBe(true);
  });
});

test('simultaneous open', () => {
  const connection = new Connection();
  expect(connection.syn()).toBe('accept');
  expect(connection.send({ from: 'server', sequence: 5000, flags: 'S', mss: 1460 })).toBe('accept');
  expect(connection.send({ from: 'server', sequence: 5000, acknowledgment: 1001, flags: 'SA' })).toBe(
    'accept',
  );
  expect(complete(connection)).toBe(false);
  expect(connection.send({ from: 'client', sequence: 1000, acknowledgment: 5001, flags: 'SA' })).toBe(
    'accept',
  );
  expect(complete(connection)).toBe(true);
  expect(connection.from('client', 0, 'a')).toBe('accept');
  expect(connection.from('server', 0, 'b', { ack: 1 })).toBe('accept');
  expect(connection.recorder.take()).toEqual(['started', 'data 0 0 a', 'data 1 0 b']);
});

describe('data with the SYN (TCP Fast Open)', () => {
  test('is inspected at once, and the same bytes pass again', () => {
    const connection = new Connection();
    expect(connection.syn({ data: 'early' })).toBe('accept');
    expect(connection.recorder.take()).toEqual(['started', 'data 0 0 early']);
    expect(connection.synAck()).toBe('accept');
    expect(connection.from('client', 0, 'early bird')).toBe('accept');
    expect(complete(connection)).toBe(true);
    expect(connection.recorder.take()).toEqual(['data 0 5  bird']);
  });

  test('other bytes in its place are dropped', () => {
    const connection = new Connection();
    connection.syn({ data: 'early' });
    expect(connection.syn({ data: 'worms' })).toBe('drop overlap-differs');
    expect(connection.syn({ data: 'worms', sequence: 3000 })).toBe('drop syn-differs');
    connection.synAck();
    expect(connection.from('client', 0, 'worms')).toBe('drop overlap-differs');
  });

  test('the server acknowledges it with its SYN-ACK and answers before the client acknowledges', () => {
    const connection = new Connection();
    connection.syn({ data: 'early' });
    expect(connection.synAck({ acknowledgment: 1006 })).toBe('accept');
    expect(connection.from('server', 0, 'reply', { ack: 5 })).toBe('accept');
    expect(connection.from('client', 5, '', { flags: 'A', ack: 5 })).toBe('accept');
    expect(complete(connection)).toBe(true);
    expect(connection.recorder.take()).toEqual(['started', 'data 0 0 early', 'data 1 0 reply']);
  });

  test('a flow is not blocked by its SYN only', () => {
    const connection = new Connection();
    connection.recorder.answer = () => 1;
    expect(connection.syn({ data: 'attack' })).toBe('drop inspection');
    expect(connection.syn({ data: 'attack' })).toBe('drop flow-blocked');
    expect(connection.syn()).toBe('drop flow-blocked');
    expect(complete(connection)).toBe(false);
  });
});

describe('SYN inside a live connection', () => {
  test('changes nothing: the receiver answers with a challenge', () => {
    const connection = new Connection().open();
    connection.from('client', 0, 'one');
    expect(connection.syn({ sequence: 1100 })).toBe('accept');
    expect(connection.syn({ sequence: 1100, data: 'attack' })).toBe('drop syn-data');
    expect(connection.from('client', 0, 'two')).toBe('drop overlap-differs');
    expect(connection.from('client', 3, 'two')).toBe('accept');
    expect(connection.counter('syn_challenged')).toBe(1);
    expect(connection.recorder.take()).toEqual(['data 0 0 one', 'data 0 3 two']);
  });

  test('begins a new connection when the server answers it so', () => {
    const connection = new Connection().open();
    connection.from('client', 0, 'one');
    const id = connection.reassembler.table.flowId(connection.reassembler.slot);
    expect(connection.syn({ sequence: 770_000 })).toBe('accept');
    connection.clientOrigin = 770_001;
    connection.serverOrigin = 880_001;
    expect(connection.synAck()).toBe('accept');
    expect(complete(connection)).toBe(false);
    expect(connection.from('client', 0, 'two')).toBe('accept');
    expect(complete(connection)).toBe(true);
    expect(connection.reassembler.table.flowId(connection.reassembler.slot)).not.toBe(id);
    expect(connection.recorder.take()).toEqual([
      'data 0 0 one',
      'flow ended reused',
      'started',
      'data 0 0 two',
    ]);
  });

  test('after both FINs, on the same ports', () => {
    const connection = new Connection().open();
    connection.from('client', 0, '', { flags: 'FA' });
    connection.from('server', 0, '', { flags: 'FA', ack: 1 });
    connection.from('client', 1, '', { flags: 'A', ack: 1 });
    connection.clientOrigin = 50_001;
    connection.serverOrigin = 60_001;
    connection.syn();
    connection.synAck();
    expect(connection.from('client', 0, 'again')).toBe('accept');
    expect(connection.recorder.take()).toEqual([
      'ended 0',
      'ended 1',
      'flow ended fin',
      'started',
      'data 0 0 again',
    ]);
  });

  test("with timestamps in the upper half: the new mark is the new SYN's", () => {
    const timestamp = 2 ** 31 + 5;
    const connection = new Connection({}, { timestamp: 1000 }).open();
    connection.from('client', 0, '', { flags: 'FA' });
    connection.from('server', 0, '', { flags: 'FA', ack: 1 });
    connection.from('client', 1, '', { flags: 'A', ack: 1 });
    connection.clientOrigin = 50_001;
    connection.serverOrigin = 60_001;
    connection.syn({ timestamp });
    connection.synAck({ timestamp: 7, timestampEcho: timestamp });
    expect(connection.from('client', 0, 'again', { timestamp: timestamp + 1 })).toBe('accept');
    expect(connection.from('client', 5, 'older', { timestamp: timestamp - 2 })).toBe('drop paws');
  });

  test('from the other side: initiator and responder change places', () => {
    const connection = new Connection().open();
    const table = connection.reassembler.table;
    connection.send({ from: 'server', sequence: 880_000, flags: 'S' });
    connection.send({ from: 'client', sequence: 770_000, acknowledgment: 880_001, flags: 'SA' });
    connection.send({ from: 'server', sequence: 880_001, acknowledgment: 770_001, flags: 'A', data: 'x' });
    expect(complete(connection)).toBe(true);
    expect(table.sourcePort(connection.reassembler.slot)).toBe(80);
    expect(connection.recorder.take()).toEqual(['flow ended reused', 'started', 'data 0 0 x']);
  });
});

test.each(['SF', 'SR', 'SFA'])('flags %s are dropped', (flags) => {
  const connection = new Connection();
  expect(connection.syn({ flags })).toBe('drop bad-flags');
  connection.open();
  expect(connection.syn({ flags })).toBe('drop bad-flags');
});

test('a refused connection ends soon', () => {
  const connection = new Connection();
  connection.syn();
  const refuse = (acknowledgment: number) =>
    connection.send({ from: 'server', sequence: 0, acknowledgment, flags: 'RA' });
  refuse(1000);
  connection.now += 11e6;
  expect(connection.reassembler.tick(connection.now, 100)).toBe(0);
  refuse(1001);
  connection.now += 11e6;
  expect(connection.reassembler.tick(connection.now, 100)).toBe(1);
  expect(connection.recorder.take()).toEqual(['flow ended reset']);
});

describe('connections without a beginning', () => {
  test('pass uninspected and counted', () => {
    const connection = new Connection();
    expect(connection.from('client', 0, 'x')).toBe('accept');
    expect(connection.counter('midstream_packets')).toBe(1);
    expect(connection.reassembler.slot).toBe(-1);
    expect(connection.recorder.take()).toEqual([]);
  });

  test('are dropped under a closed policy', () => {
    const policy = {
      memcap: 'open',
      flowTable: 'open',
      gap: 'open',
      midstream: 'closed',
      decode: 'open',
    } as const;
    const connection = new Connection({ policy });
    expect(connection.from('client', 0, 'x')).toBe('drop midstream');
    connection.syn();
    expect(connection.from('client', 0, 'x')).toBe('drop midstream');
    connection.synAck();
    expect(connection.from('client', 0, 'x')).toBe('accept');
  });

  test('are adopted, with the lower port as the server', () => {
    const connection = new Connection({ midstream: true });
    expect(connection.from('server', 100, 'late')).toBe('accept');
    expect(connection.reassembler.direction).toBe(1);
    expect(connection.from('client', 0, 'next', { ack: 104 })).toBe('accept');
    expect(connection.from('client', 0, 'nexT', { ack: 104 })).toBe('drop overlap-differs');
    expect(complete(connection)).toBe(false);
    expect(connection.reassembler.isMidstream(connection.reassembler.slot)).toBe(true);
    expect(connection.recorder.take()).toEqual(['started', 'data 1 0 late', 'data 0 0 next']);
  });

  test('are complete once the responder acknowledges what the initiator has sent since', () => {
    const connection = new Connection({ midstream: true });
    connection.from('client', 0, 'next', { ack: 104 });
    // An acknowledgment of what came before proves nothing: everybody may have sent this one packet.
    connection.from('server', 104, '', { ack: 0 });
    expect(complete(connection)).toBe(false);
    // Neither does one of what nobody has sent.
    connection.from('server', 104, '', { ack: 5000 });
    expect(complete(connection)).toBe(false);
    connection.from('server', 104, '', { ack: 4 });
    expect(complete(connection)).toBe(true);
    expect(connection.reassembler.isMidstream(connection.reassembler.slot)).toBe(true);
  });

  test('are not complete by what the initiator acknowledges, or by a reset', () => {
    const connection = new Connection({ midstream: true });
    connection.from('client', 0, 'next', { ack: 104 });
    connection.from('client', 4, 'more', { ack: 5000 });
    connection.from('server', 104, '', { ack: 4, flags: 'RA' });
    expect(complete(connection)).toBe(false);
  });

  test('are kept for long only when both sides are seen', () => {
    for (const side of ['client', 'server'] as const) {
      const connection = new Connection({ midstream: true });
      connection.from(side, 0, 'x');
      expect(connection.reassembler.table.unconfirmed).toBe(1);
      connection.from(side === 'client' ? 'server' : 'client', 0, 'y', { ack: 1 });
      expect(connection.reassembler.table.unconfirmed).toBe(0);
      connection.now += 60e6;
      expect(connection.reassembler.tick(connection.now, 10)).toBe(0);
    }
  });

  test('one direction only: data follows the SYN', () => {
    const connection = new Connection({ asyncOneside: true });
    connection.syn();
    expect(connection.from('client', 0, 'a', { ack: 77 })).toBe('accept');
    expect(connection.from('client', 1, 'b', { ack: 99 })).toBe('accept');
    expect(connection.counter('one_sided_flows')).toBe(1);
    expect(complete(connection)).toBe(false);
    expect(connection.recorder.take()).toEqual(['started', 'data 0 0 a', 'data 0 1 b']);
  });

  test('the SYN-ACK went past unseen: inspected from then on, not complete', () => {
    const connection = new Connection();
    connection.syn();
    expect(connection.from('client', 0, 'ask')).toBe('accept');
    expect(connection.from('server', 0, 'answer', { ack: 3 })).toBe('accept');
    expect(complete(connection)).toBe(false);
    expect(connection.recorder.take()).toEqual(['started', 'data 0 0 ask', 'data 1 0 answer']);
  });
});
