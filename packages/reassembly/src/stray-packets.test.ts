/** Packets that belong to no connection, and what begins before a SYN is answered. */

import { buildTcp } from '@portcullis/testkit';
import { IpProtocol, PacketView, TcpFlag } from '@portcullis/wire';
import { Bench, Connection, Recorder } from './segment.fixture';
import { DropReason, SegmentResult } from './segment-result';
import { TcpReassembler } from './tcp-reassembler';

const open = { memcap: 'open', flowTable: 'open', gap: 'open', midstream: 'open', decode: 'open' } as const;
const STRAY = { from: 'client', sequence: 77, acknowledgment: 99, flags: 'PA', data: 'stray' } as const;

describe('a packet of no connection', () => {
  test('has no flow, and is no part of a stream', () => {
    const bench = new Bench();
    expect(bench.send(STRAY)).toBe('accept');
    expect(bench.reassembler).toMatchObject({ slot: -1, payloadLeft: true, uninspected: false });
    expect(bench.reassembler.table.count).toBe(0);
  });

  test('has a flow where that is wanted, the same for its answer, and still no stream', () => {
    const bench = new Bench({ trackOutside: true });
    expect(bench.send(STRAY)).toBe('accept');
    const { reassembler } = bench;
    expect(reassembler).toMatchObject({ slot: 0, direction: 0, payloadLeft: true });
    expect(bench.send({ ...STRAY, from: 'server' })).toBe('accept');
    expect(reassembler).toMatchObject({ slot: 0, direction: 1, payloadLeft: true });
    expect(reassembler.hasStream(0)).toBe(false);
    expect(reassembler.handshakeComplete(0) || reassembler.isMidstream(0)).toBe(false);
    expect([reassembler.table.packets(0, 0), reassembler.table.packets(0, 1)]).toEqual([1, 1]);
    expect(bench.recorder.take()).toEqual([]);
  });

  test.each(['R', 'F', 'SF'])('so have those that begin nothing: %s', (flags) => {
    const bench = new Bench({ trackOutside: true });
    bench.send({ ...STRAY, flags });
    expect(bench.reassembler.table.count).toBe(1);
    expect(bench.reassembler.hasStream(0)).toBe(false);
  });

  test('keeps its flow when a connection begins with a SYN of the same side', () => {
    const connection = new Connection({ trackOutside: true });
    connection.send({ ...STRAY, flags: 'R' });
    const id = connection.reassembler.table.flowId(0);
    connection.open();
    expect(connection.reassembler.hasStream(0)).toBe(true);
    expect(connection.reassembler.table.flowId(0)).toBe(id);
    expect(connection.from('client', 0, 'hello')).toBe('accept');
    expect(connection.recorder.take()).toEqual(['data 0 0 hello']);
  });

  test('gives its place to a connection that the other side begins', () => {
    const connection = new Connection({ trackOutside: true });
    connection.send({ ...STRAY, from: 'server' });
    const id = connection.reassembler.table.flowId(0);
    expect(connection.syn()).toBe('accept');
    expect(connection.reassembler.table.count).toBe(1);
    expect(connection.reassembler.table.flowId(connection.reassembler.slot)).not.toBe(id);
    expect(connection.reassembler.direction).toBe(0);
  });

  test('that was blocked stays blocked', () => {
    const bench = new Bench({ trackOutside: true });
    bench.send(STRAY);
    bench.reassembler.block(0);
    expect(bench.send(STRAY)).toBe('drop flow-blocked');
  });

  test.each(['closed', 'pass'] as const)('is not looked at under the policy %s', (midstream) => {
    const bench = new Bench({ policy: { ...open, midstream } });
    expect(bench.send(STRAY)).toBe(midstream === 'closed' ? 'drop midstream' : 'accept');
    expect(bench.reassembler.uninspected).toBe(true);
  });

  test('is not adopted under the policy pass, though adoption is on', () => {
    const bench = new Bench({ midstream: true, policy: { ...open, midstream: 'pass' } });
    expect(bench.send(STRAY)).toBe('accept');
    expect(bench.reassembler).toMatchObject({ slot: -1, uninspected: true });
  });
});

describe('with more extension headers than are looked behind where connections are spread', () => {
  const view = new PacketView();
  const process = (reassembler: TcpReassembler, headers: number, flags: number, sequence: number) => {
    const packet = buildTcp({
      source: '2001:db8::1',
      destination: '2001:db8::2',
      sourcePort: 40_000,
      destinationPort: 80,
      sequence,
      flags,
      extensionHeaders: Array.from({ length: headers }, () => ({
        protocol: IpProtocol.DESTINATION_OPTIONS,
        body: new Uint8Array(6),
      })),
    });
    view.decode(packet, 0, packet.length);
    return reassembler.process(view, 1_000_000);
  };
  const spread = (inline = true) =>
    new TcpReassembler(
      { maxFlows: 8, memcap: 1 << 20, midstream: true, extensionHeaders: 4, inline },
      new Recorder(),
    );

  test.each([
    ['a SYN', TcpFlag.SYN],
    ['a later packet', TcpFlag.ACK],
  ])('%s begins nothing, and is dropped', (_, flags) => {
    const reassembler = spread();
    expect(process(reassembler, 5, flags, 1)).toBe(SegmentResult.DROP);
    expect(reassembler).toMatchObject({ dropReason: DropReason.EXTENSION_HEADERS, slot: -1 });
    expect(process(reassembler, 4, flags, 1)).toBe(0);
    expect(reassembler).toMatchObject({ dropReason: DropReason.NONE, slot: 0 });
  });

  test('it belongs to a connection that is known all the same', () => {
    const reassembler = spread();
    process(reassembler, 0, TcpFlag.SYN, 1);
    expect(process(reassembler, 9, TcpFlag.SYN, 1)).toBe(0);
    expect(reassembler).toMatchObject({ dropReason: DropReason.NONE, slot: 0 });
  });

  test('it passes where nothing is dropped', () => {
    expect(process(spread(false), 5, TcpFlag.SYN, 1)).toBe(0);
  });
});

describe('a SYN-ACK that comes first', () => {
  const answer = { from: 'server', sequence: 500, acknowledgment: 900, flags: 'SA' } as const;

  test('begins a connection of which one side is seen', () => {
    const bench = new Bench({ asyncOneside: true });
    expect(bench.send(answer)).toBe('accept');
    expect(bench.reassembler).toMatchObject({ slot: 0, direction: 1 });
    expect(bench.reassembler.isMidstream(0)).toBe(true);
    expect(bench.send({ ...answer, sequence: 501, flags: 'PA', data: 'HTTP' })).toBe('accept');
    expect(bench.recorder.take()).toEqual(['started', 'data 1 0 HTTP']);
  });

  test.each([
    ['not expected', {}],
    ['not wanted', { asyncOneside: true, policy: { ...open, midstream: 'closed' as const } }],
  ])('begins nothing where that is %s', (_, options) => {
    const bench = new Bench(options);
    bench.send(answer);
    expect(bench.reassembler.slot).toBe(-1);
  });
});

test.each([
  [true, 1],
  [false, 0],
  [null, 0],
] as const)('who speaks first of an adopted connection is told by its bytes: %s', (told, direction) => {
  const recorder = Object.assign(new Recorder(), { isOfServer: () => told });
  const bench = new Bench({ midstream: true }, recorder);
  bench.send(STRAY);
  expect(bench.reassembler.direction).toBe(direction);
});

describe('what a client sends before its SYN is answered', () => {
  test('with the SYN: part of the stream, or left aside', () => {
    for (const unanswered of ['take', 'leave'] as const) {
      const connection = new Connection({ unanswered });
      expect(connection.syn({ data: 'early' })).toBe('accept');
      expect(connection.reassembler.payloadLeft).toBe(unanswered === 'leave');
      const log = connection.recorder.take();
      expect(log).toEqual(unanswered === 'leave' ? [] : ['started', 'data 0 0 early']);
    }
  });

  test('behind the SYN: part of the stream, or left aside', () => {
    for (const unanswered of ['take', 'leave'] as const) {
      const connection = new Connection({ unanswered });
      connection.syn();
      expect(connection.from('client', 0, 'early')).toBe('accept');
      expect(connection.reassembler.payloadLeft).toBe(unanswered === 'leave');
    }
  });

  test('what was left aside is taken when it is sent again', () => {
    const connection = new Connection({ unanswered: 'leave' });
    connection.syn({ data: 'early' });
    connection.synAck();
    expect(connection.from('client', 0, 'early')).toBe('accept');
    expect(connection.recorder.take()).toEqual(['started', 'data 0 0 early']);
  });
});

test('a segment that does not belong to its connection is left aside; one whose bytes differ is not', () => {
  const connection = new Connection().open();
  connection.from('client', 0, 'abc');
  expect(connection.reassembler.payloadLeft).toBe(false);
  expect(connection.from('client', 0, 'xyz')).toBe('drop overlap-differs');
  expect(connection.reassembler.payloadLeft).toBe(false);
  expect(connection.from('client', 3_000_000, 'far')).toBe('drop out-of-window');
  expect(connection.reassembler.payloadLeft).toBe(true);
});
