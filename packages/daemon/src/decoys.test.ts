import { connect, type Socket } from 'node:net';
import { waitUntil } from '@portcullis/testkit';
import { Decoys, decoyPorts } from './decoys';

const range = (first: number, last = first) => ({ first, last });

test('ports that rules name, that are inspected, and that the list allows', () => {
  const named = [range(0, 3), range(80), range(1000, 1100), range(3306)];
  expect(decoyPorts(named, 'any', 'from-rules')).toEqual([
    range(1, 3),
    range(80),
    range(1000, 1100),
    range(3306),
  ]);
  expect(decoyPorts(named, [range(80, 1010), range(1090, 5000)], 'from-rules')).toEqual([
    range(80),
    range(1000, 1010),
    range(1090, 1100),
    range(3306),
  ]);
  expect(decoyPorts(named, 'any', [range(3306), range(5432), range(1, 2)])).toEqual([
    range(1, 2),
    range(3306),
  ]);
  expect(decoyPorts([], 'any', 'from-rules')).toEqual([]);
});

(process.getuid?.() === 0 ? test : test.skip)(
  'who connects to the listener itself is sent away, and nothing is counted (needs root)',
  async () => {
    const decoys = await Decoys.listen({ connections: 1, bytes: 10, seconds: 10 });
    const sockets: Socket[] = [];
    try {
      for (const [family, host] of [
        [4, '127.0.0.1'],
        [6, '::1'],
      ] as const) {
        const port = decoys.listeners[family];
        if (port === undefined) continue;
        const socket = connect({ host, port }).on('error', () => undefined);
        sockets.push(socket);
        await new Promise((resolve) => socket.on('close', resolve));
      }
      expect(sockets.length).toBeGreaterThan(0);
      expect(decoys.row).toEqual({ open: 0, accepted: 0, refused: 0 });
    } finally {
      decoys.close();
    }
    await waitUntil(() => sockets.every((socket) => socket.destroyed), { what: 'the end of all' });
  },
);
