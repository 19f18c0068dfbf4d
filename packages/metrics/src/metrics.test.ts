import { createRegistry, MetricsServer, parseListenAddress, SharedCounters, SharedHistogram } from './index';

test('two views of one block see the same numbers', () => {
  const writer = new SharedCounters(['packets', 'bytes']);
  const reader = new SharedCounters(['packets', 'bytes'], writer.buffer);
  writer.add('packets');
  writer.add('bytes', 1500);
  writer.values[writer.place('packets')]++;
  expect(reader.snapshot()).toEqual({ packets: 2, bytes: 1500 });
  expect(() => new SharedCounters(['one'], writer.buffer)).toThrow(/need 8 bytes/);
  expect(() => reader.get('none' as never)).toThrow(/no counter is named none/);
});

test('an observation falls into the first bucket whose bound it does not exceed', () => {
  for (const micros of [0, 1, 1.5, 2, 3, 4, 5, 1000, 1024, 1025, 5e6, 1e12]) {
    const histogram = new SharedHistogram();
    histogram.observe(micros);
    const want = SharedHistogram.BOUNDS.findIndex((bound) => micros / 1e6 <= bound);
    const { counts } = histogram.read();
    expect(counts.indexOf(1)).toBe(want < 0 ? SharedHistogram.BUCKETS - 1 : want);
  }
});

test.each([
  ['127.0.0.1:9477', { host: '127.0.0.1', port: 9477 }],
  ['[::1]:1', { host: '::1', port: 1 }],
])('%s is an address to listen on', (text, want) => expect(parseListenAddress(text)).toEqual(want));

test.each(['9477', 'a:70000', ':1', '::1:80', ''])('%p is not', (text) =>
  expect(() => parseListenAddress(text)).toThrow(/not HOST:PORT/),
);

test('the endpoint gives Prometheus text with values read at that moment', async () => {
  const histogram = new SharedHistogram();
  let packets = 1;
  const registry = createRegistry(
    [
      {
        name: 'packets_total',
        help: 'Packets.',
        type: 'counter',
        read: () => [{ value: packets, labels: { queue: '0' } }],
      },
    ],
    [{ name: 'verdict_seconds', help: 'Latency.', read: () => [{ histogram, labels: { queue: '0' } }] }],
  );
  const server = new MetricsServer(registry, () => packets > 1);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  };
  expect((await get('/healthz')).status).toBe(503);
  packets = 7;
  histogram.observe(3);
  const { text } = await get('/metrics');
  expect(text).toContain('portcullis_packets_total{queue="0"} 7');
  expect(text).toContain('portcullis_verdict_seconds_bucket{le="0.000004",queue="0"} 1');
  expect(text).toContain('portcullis_verdict_seconds_bucket{le="+Inf",queue="0"} 1');
  expect(text).toContain('portcullis_verdict_seconds_count{queue="0"} 1');
  expect((await get('/healthz')).status).toBe(200);
  expect((await get('/else')).status).toBe(404);
  await server.close();
});
