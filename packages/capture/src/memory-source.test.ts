import { MemorySource } from './memory-source';
import { PacketInfo, Verdict } from './source';

function receiveAll(source: MemorySource): number[][] {
  const batches: number[][] = [];
  while (source.receive(0) > 0) {
    batches.push([...source.batch.length.subarray(0, source.batch.count)]);
    source.finalize();
  }
  return batches;
}

describe('MemorySource', () => {
  test('gives packets in batches and records verdicts', () => {
    const packets = [3, 4, 5].map((length) => new Uint8Array(length).fill(length));
    const source = new MemorySource(packets, { batchSize: 2 });
    expect(source.receive(0)).toBe(2);
    source.batch.verdict[0] = Verdict.DROP;
    source.batch.verdict[1] = Verdict.ACCEPT | Verdict.MARK | Verdict.REPLACE;
    source.batch.verdictMark[1] = 77;
    source.batch.bytes[source.batch.offset[1]] = 0xaa;
    source.finalize();
    expect(source.receive(0)).toBe(1);
    expect(source.batch.frame[0]).toBe(3);
    source.batch.verdict[0] = Verdict.ACCEPT;
    source.finalize();
    expect(source.receive(0)).toBe(-1);
    expect(source.verdicts).toEqual([
      { verdict: Verdict.DROP, mark: 0, bytes: Uint8Array.of(3, 3, 3) },
      { verdict: 0x31, mark: 77, bytes: Uint8Array.of(0xaa, 4, 4, 4) },
      { verdict: Verdict.ACCEPT, mark: 0, bytes: Uint8Array.of(5, 5, 5, 5, 5) },
    ]);
    expect(packets[1][0]).toBe(4);
  });

  test('a packet without a verdict shows', () => {
    const source = new MemorySource([new Uint8Array(1)]);
    source.receive(0);
    source.finalize();
    expect(Object.values(Verdict)).not.toContain(source.verdicts[0].verdict);
  });

  test('carries what a queue knows', () => {
    const source = new MemorySource([
      {
        bytes: new Uint8Array(9),
        time: 5,
        wireLength: 100,
        info: PacketInfo.GSO,
        mark: 6,
        inInterface: 7,
        outInterface: 8,
        hook: 2,
        hardware: Uint8Array.of(1, 2, 3, 4, 5, 6),
        vlan: 9,
      },
      new Uint8Array(2),
    ]);
    source.receive(0);
    const { batch } = source;
    const seen = [
      batch.time,
      batch.wireLength,
      batch.info,
      batch.mark,
      batch.inInterface,
      batch.outInterface,
    ];
    expect(seen.map((array) => [array[0], array[1]])).toEqual([
      [5, 0],
      [100, 2],
      [PacketInfo.GSO, 0],
      [6, 0],
      [7, 0],
      [8, 0],
    ]);
    expect([batch.hook[0], batch.hook[1], batch.vlan[0], batch.vlan[1]]).toEqual([2, 255, 9, 0]);
    expect([...batch.hardware.subarray(0, 8)]).toEqual([1, 2, 3, 4, 5, 6, 0, 0]);
    expect([...batch.hardwareLength.subarray(0, 2)]).toEqual([6, 0]);
  });

  test('an open source waits for more until its end', () => {
    const source = new MemorySource([], { open: true });
    expect(source.receive(0)).toBe(0);
    source.push(new Uint8Array(4));
    expect(receiveAll(source)).toEqual([[4]]);
    source.end();
    expect(source.receive(0)).toBe(-1);
    expect(() => source.push(new Uint8Array(1_000_000))).toThrow(RangeError);
  });

  test('borrowed bytes are gone after finalize', () => {
    const source = new MemorySource([new Uint8Array(4)]);
    source.receive(0);
    const borrowed = source.batch.bytes.subarray(source.batch.offset[0], source.batch.offset[0] + 4);
    source.finalize();
    expect([...borrowed]).toEqual([0xdb, 0xdb, 0xdb, 0xdb]);
  });

  test('large packets take several batches', () => {
    const packets = Array.from({ length: 5 }, () => new Uint8Array(65_000));
    expect(receiveAll(new MemorySource(packets, { batchSize: 32 }))).toEqual(
      packets.map((packet) => [packet.length]),
    );
    const source = new MemorySource(packets);
    source.close();
    expect(source.receive(0)).toBe(-1);
  });
});
