import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SeededRandom } from '@portcullis/testkit';
import { LinkStatus } from '@portcullis/wire';
import { ethernet, ipv4Packet } from './capture-files.fixture';
import { MirrorCapture, MirrorError } from './mirror-capture';
import { MirrorSource } from './mirror-source';
import { PacketRing } from './packet-ring';
import { PacketInfo } from './source';

const CAPACITY = 1 << 18;

describe('PacketRing', () => {
  test('loses and counts what does not fit, and like a list otherwise', () => {
    const ring = PacketRing.create(CAPACITY);
    const reader = new PacketRing(ring.shared);
    SeededRandom.run((random) => {
      const waiting: { length: number; fill: number; time: number }[] = [];
      let lost = 0;
      let read = 0;
      for (let round = 0; round < 20_000; round++) {
        if (random.below(5) < 3) {
          const frame = {
            length: random.below(10) === 0 ? random.below(60_000) : random.below(1500),
            fill: random.below(256),
            time: round,
          };
          const bytes = new Uint8Array(frame.length).fill(frame.fill);
          if (ring.write(bytes, frame.length, frame.length + 3, frame.time)) waiting.push(frame);
          else lost++;
        } else {
          for (let count = random.below(4); count > 0; count--) {
            const expected = waiting.shift();
            if (reader.read() !== (expected !== undefined)) throw new Error(`round ${round}: frames differ`);
            if (expected === undefined) break;
            const { frameStart, frameLength, frameWireLength, frameTime } = reader;
            const bytes = reader.bytes.subarray(frameStart, frameStart + frameLength);
            const same =
              frameLength === expected.length &&
              frameWireLength === expected.length + 3 &&
              frameTime === expected.time &&
              bytes.every((byte) => byte === expected.fill);
            if (!same) throw new Error(`round ${round}: frames differ`);
            read++;
          }
          if (random.below(2) === 0) reader.free();
        }
      }
      expect(read).toBeGreaterThan(1000);
      expect(lost).toBeGreaterThan(100);
      expect(ring.lost).toBe(lost);
      expect(reader.captured).toBe(read + waiting.length);
    });
  });

  test('frames that were read stay until they are freed', () => {
    const ring = PacketRing.create(CAPACITY);
    const big = new Uint8Array(100_000);
    expect([1, 2, 3].map(() => ring.write(big, big.length, big.length, 0))).toEqual([true, true, false]);
    expect([ring.read(), ring.read(), ring.read()]).toEqual([true, true, false]);
    expect(ring.write(big, big.length, big.length, 0)).toBe(false);
    ring.free();
    expect(ring.write(big, big.length, big.length, 0)).toBe(true);
    expect(ring.write(new Uint8Array(1 << 20), 1 << 20, 1 << 20, 0)).toBe(false);
  });
});

describe('MirrorSource', () => {
  function filled(frames: Uint8Array[]): PacketRing {
    const ring = PacketRing.create(CAPACITY);
    ring.linkType = 1;
    for (const frame of frames) ring.write(frame, frame.length, frame.length, 42);
    return ring;
  }

  test('gives IP packets, counts others, ends when the capture does', () => {
    const packet = ipv4Packet(10, 1);
    const ring = filled([ethernet(packet), ethernet(packet, 0x0806), ethernet(packet), ethernet(packet)]);
    const source = new MirrorSource(ring.shared, { batchSize: 2 });
    expect(source.receive(0)).toBe(2);
    const { batch } = source;
    expect([...batch.frame.subarray(0, 2)]).toEqual([1, 3]);
    expect(Buffer.from(batch.bytes.slice(batch.offset[1], batch.offset[1] + batch.length[1]))).toEqual(
      packet,
    );
    expect(batch.time[0]).toBe(42);
    expect(batch.info[0]).toBe(PacketInfo.CHECKSUM_NOT_READY);
    source.finalize();
    ring.close();
    expect(source.receive(0)).toBe(1);
    expect(source.receive(0)).toBe(-1);
    expect(source.skipped[LinkStatus.NOT_IP]).toBe(1);
    expect(source.lost).toBe(0);
  });

  test('waits, for a frame of another thread or for the time to be up', async () => {
    const ring = filled([]);
    const source = new MirrorSource(ring.shared);
    expect(source.receive(5)).toBe(0);
    // Writes one raw frame of 4 bytes (one byte of family, three of zero) as the ring lays it out.
    const writer = `
      const { workerData } = require('node:worker_threads');
      const header = new Int32Array(workerData, 0, 16);
      const words = new Uint32Array(workerData, 64);
      words[0] = 40; words[1] = 40;
      new Uint8Array(workerData, 64).set([0x45, 0, 0, 40], 16);
      header[4] = 101;
      Atomics.store(header, 0, 64);
      Atomics.notify(header, 0);`;
    const worker = new Worker(writer, { eval: true, workerData: ring.shared });
    const exited = once(worker, 'exit');
    const started = Date.now();
    expect(source.receive(10_000)).toBe(1);
    expect(Date.now() - started).toBeLessThan(9000);
    await exited;
    source.close();
    expect(source.receive(0)).toBe(-1);
  });
});

/** Why no interface can be mirrored here; null when one can. */
function whyNoMirror(): string | null {
  if (process.getuid?.() !== 0) return 'capturing needs root';
  try {
    new MirrorCapture({ interface: 'lo', filter: 'udp port 9' }).close();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const reason = whyNoMirror();

describe('MirrorCapture', () => {
  (reason === null ? test : test.skip)(
    `sees a datagram on the loopback interface (${reason ?? 'can capture'})`,
    async () => {
      const socket = createSocket('udp4');
      await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
      const port = socket.address().port;
      const capture = new MirrorCapture({ interface: 'lo', filter: `udp port ${port}` });
      const source = new MirrorSource(capture.shared);
      const payload = Buffer.from('a datagram for the mirror');
      const arrived = once(socket, 'message');
      socket.send(payload, port, '127.0.0.1');
      await arrived;
      const deadline = Date.now() + 5000;
      while (source.receive(0) === 0 && Date.now() < deadline)
        await new Promise((resolve) => setImmediate(resolve));
      const { batch } = source;
      expect(batch.count).toBeGreaterThan(0);
      const end = batch.offset[0] + batch.length[0];
      expect(Buffer.from(batch.bytes.slice(end - payload.length, end))).toEqual(payload);
      expect(Math.abs(batch.time[0] / 1000 - Date.now())).toBeLessThan(60_000);
      capture.close();
      capture.close();
      source.finalize();
      while (source.receive(0) > 0) source.finalize();
      expect(source.receive(0)).toBe(-1);
      socket.close();
    },
  );

  (reason === null ? test : test.skip)(
    `says what is wrong with an interface or filter (${reason ?? 'can capture'})`,
    () => {
      const open = (name: string, filter: string) => {
        try {
          new MirrorCapture({ interface: name, filter }).close();
        } catch (error) {
          expect(error).toBeInstanceOf(MirrorError);
          return (error as MirrorError).code;
        }
        return 'opened';
      };
      expect(open('no-such-interface', '')).toBe('MIRROR_OPEN');
      expect(open('lo', 'this is no filter')).toBe('MIRROR_OPEN');
    },
  );
});
