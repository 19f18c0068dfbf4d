/**
 * Cost of HTTP in the inspector alone, without the kernel: `node packages/engine/bench/http.mjs [--requests N] [RULES…]`.
 * N requests a connection: many measure a request (with its ACK, response and its ACK), 1 measures a connection. Processor
 * time, not the clock: the machine may be busy with other things; so it also tells the quietest tenth of the slices that
 * the work is cut into. The first requests cost ten times as much as those that are measured. Needs a build.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const require = createRequire(join(root, 'packages', 'engine', 'package.json'));
const { Inspector, loadRulesNow } = require(join(root, 'packages', 'engine', 'dist', 'index.js'));
const { Matcher, NameTable } = require('@portcullis/matcher');
const { createProtocols } = require('@portcullis/protocols');
const { CaptureBatch } = require('@portcullis/capture');
const { TcpConversation } = require(join(root, 'packages', 'testkit', 'dist', 'index.js'));

const AT_ONCE = 32;
const REQUESTS = 60_000;
const WARM_UPS = 5;
const MEASURED = 3;
/** Batches that are inspected between two looks at the processor time. */
const SLICE = 32;
/** From one batch to the next. */
const BATCH_MICROS = 200;
const request =
  'GET /index.html HTTP/1.1\r\nHost: 10.66.2.2\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en\r\nCookie: session=0123456789abcdef\r\nConnection: keep-alive\r\n\r\n';
const response =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 23:00:00 GMT\r\nContent-Type: text/html\r\nContent-Length: 36\r\nConnection: keep-alive\r\n\r\nhello world hello world hello world\n';

const files = process.argv.slice(2);
const requests = files[0] === '--requests' ? Number(files.splice(0, 2)[1]) : 600;
const source = {
  files: files.map((path) => ({ path, text: readFileSync(path, 'utf8') })),
  classification: null,
  addressGroups: { HOME_NET: 'any', EXTERNAL_NET: 'any' },
  portGroups: {},
  cacheDirectory: null,
};
const protocols = createProtocols();
const loaded = await loadRulesNow(source, protocols, new NameTable());
process.stdout.write(`${loaded.summary.loaded} rules, ${loaded.summary.seconds.toFixed(1)} s\n`);
const inspector = new Inspector({
  matcher: new Matcher(loaded.ruleset),
  protocols,
  stream: { depth: 2 ** 50 },
  inline: true,
  decodePolicy: 'open',
  offload: null,
  onDetection: (detection) => process.stdout.write(`alert ${detection.rule.sid} ${detection.rule.msg}\n`),
  holdBlockedMicros: 0,
});

/** Packets in a batch of their own arena, so that they can be inspected again and again. */
function arena(packets) {
  const total = packets.reduce((sum, packet) => sum + packet.length, 0);
  const bytes = new Uint8Array(total);
  const batch = new CaptureBatch(bytes, packets.length);
  let at = 0;
  packets.forEach((packet, place) => {
    bytes.set(packet, at);
    batch.offset[place] = at;
    batch.length[place] = packet.length;
    batch.wireLength[place] = packet.length;
    at += packet.length;
  });
  batch.count = packets.length;
  return batch;
}

/** Connections side by side, some packets of each at a time, as a queue brings them. */
function connectionsSideBySide(first) {
  const side = [];
  for (let number = first; number < first + AT_ONCE; number++) {
    const conversation = new TcpConversation({ clientPort: 1024 + (number % 60_000) });
    conversation.handshake();
    for (let turn = 0; turn < requests; turn++) {
      conversation.client(request);
      conversation.server(response);
    }
    conversation.close();
    side.push(conversation.packets.map((packet) => packet.bytes));
  }
  const order = [];
  const longest = Math.max(...side.map((packets) => packets.length));
  for (let index = 0; index < longest; index++)
    for (const packets of side) if (packets[index]) order.push(packets[index]);
  return order;
}

const order = [];
let inAll = 0;
for (let first = 0; first * requests < REQUESTS; first += AT_ONCE) {
  order.push(...connectionsSideBySide(first));
  inAll += AT_ONCE * requests;
}
const BATCH = 64;
const batches = [];
for (let at = 0; at < order.length; at += BATCH) batches.push(arena(order.slice(at, at + BATCH)));
process.stdout.write(`${order.length} packets\n`);
// A queue's packets come into the same memory again and again; theirs would not be in any cache.
const received = new CaptureBatch(
  new Uint8Array(Math.max(...batches.map(({ bytes }) => bytes.length))),
  BATCH,
);
function receive({ bytes, offset, length, wireLength, count }) {
  received.bytes.set(bytes);
  received.offset.set(offset);
  received.length.set(length);
  received.wireLength.set(wireLength);
  received.count = count;
}

let now = 1e15;
/** All of the traffic once more, of the same connections, which are forgotten before. @returns CPU nanoseconds a packet of each slice */
function pass() {
  const slices = [];
  inspector.close();
  for (let i = 0; i < batches.length; ) {
    const begun = process.cpuUsage();
    let sliced = 0;
    for (const end = Math.min(i + SLICE, batches.length); i < end; i++) {
      receive(batches[i]);
      inspector.inspectBatch(received, now);
      now += BATCH_MICROS;
      sliced += batches[i].count;
    }
    const { user, system } = process.cpuUsage(begun);
    slices.push(((user + system) * 1000) / sliced);
  }
  return slices;
}

// V8 compiles for as long as that.
for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) pass();
const slices = [];
const started = process.cpuUsage();
for (let measured = 0; measured < MEASURED; measured++) slices.push(...pass());
const packets = MEASURED * order.length;
const { user, system } = process.cpuUsage(started);
slices.sort((a, b) => a - b);
const perPacket = ((user + system) * 1000) / packets;
const quiet = slices[Math.floor(slices.length / 10)];
const packetsARequest = order.length / inAll;
const microseconds = (nanoseconds) => ((nanoseconds * packetsARequest) / 1000).toFixed(2);
process.stdout.write(
  `${perPacket.toFixed(0)} ns a packet, ${microseconds(perPacket)} µs a request; quietest tenth ${quiet.toFixed(0)} ns, ${microseconds(quiet)} µs\n`,
);
