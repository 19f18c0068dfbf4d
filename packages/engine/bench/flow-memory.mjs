/**
 * Bytes that a flow at rest takes in the whole inspector: handshake, one HTTP request and its response, then idle.
 * `node packages/engine/bench/flow-memory.mjs [FLOWS] [RULES…]`. Needs a build. Goal: at most 512 bytes in all.
 *
 * The tables are made beforehand for a stated number of flows; their part is what the same inspector takes with room
 * for many flows more than with room for few, shared among those many.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const GOAL = 512;
const SMALL_TABLE = 1024;
const script = fileURLToPath(import.meta.url);

if (process.argv[2] === '--child')
  await child(Number(process.argv[3]), Number(process.argv[4]), process.argv.slice(5));
else parent();

function parent() {
  const [flowsText, ...rules] = process.argv.slice(2);
  const flows = Number(flowsText ?? 100_000);
  const capacity = 2 ** Math.ceil(Math.log2(flows * 1.25));
  const small = run(0, SMALL_TABLE, rules);
  const large = run(flows, capacity, rules);
  if (large.flows !== flows) throw new Error(`${large.flows} of ${flows} flows are in the table`);
  const table = (large.empty - small.empty) / (capacity - SMALL_TABLE);
  const heap = large.heap / flows;
  const external = large.external / flows;
  const total = table + heap + external;
  process.stdout.write(
    [
      `${flows} flows at rest, ${large.rules} rules, ${large.held} bytes of traffic held`,
      `tables made beforehand  ${table.toFixed(0).padStart(5)} bytes a flow`,
      `JavaScript heap         ${heap.toFixed(0).padStart(5)}`,
      `outside the heap        ${external.toFixed(0).padStart(5)}`,
      `in all                  ${total.toFixed(0).padStart(5)} (goal: ${GOAL})`,
      '',
    ].join('\n'),
  );
}

function run(flows, capacity, rules) {
  const argv = [
    '--expose-gc',
    '--max-old-space-size=4096',
    script,
    '--child',
    String(flows),
    String(capacity),
    ...rules,
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

async function child(flows, capacity, rules) {
  const root = resolve(dirname(script), '..', '..', '..');
  const require = createRequire(join(root, 'packages', 'engine', 'package.json'));
  const { Inspector, loadRulesNow } = require(join(root, 'packages', 'engine', 'dist', 'index.js'));
  const { Matcher, NameTable } = require('@portcullis/matcher');
  const { createProtocols } = require('@portcullis/protocols');
  const { CaptureBatch } = require('@portcullis/capture');
  const { TcpConversation } = require(join(root, 'packages', 'testkit', 'dist', 'index.js'));

  const body = '<!doctype html><title>Blue</title><p>It is blue.</p>\n';
  const conversation = new TcpConversation()
    .handshake()
    .client(
      'GET /products/42?colour=blue HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\nCookie: session=8f14e45fceea167a5a36dedd4bea2543\r\nConnection: keep-alive\r\n\r\n',
    )
    .server(
      `HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  const { packets } = conversation;
  const bytes = new Uint8Array(packets.reduce((sum, packet) => sum + packet.bytes.length, 0));
  const words = new DataView(bytes.buffer);
  const batch = new CaptureBatch(bytes, packets.length);
  const places = [];
  let at = 0;
  packets.forEach((packet, place) => {
    bytes.set(packet.bytes, at);
    batch.offset[place] = at;
    batch.length[place] = packet.bytes.length;
    batch.wireLength[place] = packet.bytes.length;
    // The client's address and port, as source or as destination of an IPv4 packet without options.
    places.push(packet.from === 'client' ? [at + 12, at + 20] : [at + 16, at + 22]);
    at += packet.bytes.length;
  });
  batch.count = packets.length;

  const source = {
    files: rules.map((path) => ({ path, text: readFileSync(path, 'utf8') })),
    classification: null,
    addressGroups: { HOME_NET: 'any', EXTERNAL_NET: 'any' },
    portGroups: {},
    cacheDirectory: null,
  };
  const protocols = createProtocols();
  const { ruleset, summary } = await loadRulesNow(source, protocols, new NameTable());
  const matcher = new Matcher(ruleset);
  const before = await weigh();
  const inspector = new Inspector({
    matcher,
    protocols,
    stream: { maxFlows: capacity },
    inline: true,
    decodePolicy: 'open',
    offload: null,
    onDetection: (detection) => {
      throw new Error(`ordinary traffic matches rule ${detection.rule.sid}`);
    },
    holdBlockedMicros: 0,
  });
  const empty = await weigh();
  for (let flow = 0; flow < flows; flow++) {
    for (const [address, port] of places) {
      words.setUint32(address, 0x0a000000 + Math.floor(flow / 50_000));
      words.setUint16(port, 10_000 + (flow % 50_000));
    }
    inspector.inspectBatch(batch, 1.7e15);
  }
  const full = await weigh();
  const answer = {
    rules: summary.loaded,
    flows: inspector.flowCount,
    held: inspector.heldBytes,
    empty: empty.heap - before.heap + empty.external - before.external,
    heap: full.heap - empty.heap,
    external: full.external - empty.external,
  };
  process.stdout.write(JSON.stringify(answer));
}

async function weigh() {
  for (let turn = 0; turn < 4; turn++) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}
