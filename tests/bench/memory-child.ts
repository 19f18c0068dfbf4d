/**
 * What flows at rest weigh, in a process of its own. Run with `--expose-gc` and the arguments: flows, capacity of
 * the flow table, rule file or folder, folder for compiled patterns. Prints one line of JSON, a MemoryAnswer.
 */
import { CaptureBatch } from '@portcullis/capture';
import { loadConfiguration } from '@portcullis/configuration';
import { readRuleSource } from '@portcullis/daemon';
import { Inspector, loadRulesNow } from '@portcullis/engine';
import { Matcher, NameTable } from '@portcullis/matcher';
import { createProtocols } from '@portcullis/protocols';
import { TcpConversation } from '@portcullis/testkit';
import type { MemoryAnswer } from './memory-per-flow';

const REQUEST = [
  'GET /products/42?colour=blue HTTP/1.1',
  'Host: shop.example',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: en-GB,en;q=0.5',
  'Accept-Encoding: gzip, deflate',
  'Cookie: session=8f14e45fceea167a5a36dedd4bea2543',
  'Connection: keep-alive',
  '\r\n',
].join('\r\n');
const BODY = '<!doctype html><title>Blue</title><p>It is blue.</p>\n';
const RESPONSE = [
  'HTTP/1.1 200 OK',
  'Server: nginx',
  'Content-Type: text/html',
  `Content-Length: ${BODY.length}`,
  'Connection: keep-alive',
  `\r\n${BODY}`,
].join('\r\n');

const IPV4_SOURCE = 12;
const IPV4_DESTINATION = 16;
const TCP = 20;
/** Clients have addresses from 10.0.0.0 on, and so many ports each. */
const FIRST_CLIENT = 10 << 24;
const PORTS_PER_CLIENT = 50_000;
const FIRST_PORT = 10_000;
const NOW = 1_704_067_200_000_000;

/** The packets of one flow in an arena; of each flow only the client's address and port are its own. */
class FlowTemplate {
  readonly batch: CaptureBatch;
  private readonly words: DataView;

  constructor() {
    const { packets } = new TcpConversation().handshake().client(REQUEST).server(RESPONSE);
    const bytes = new Uint8Array(packets.reduce((sum, packet) => sum + packet.bytes.length, 0));
    this.batch = new CaptureBatch(bytes, packets.length);
    this.words = new DataView(bytes.buffer);
    let at = 0;
    packets.forEach((packet, place) => {
      bytes.set(packet.bytes, at);
      this.batch.offset[place] = at;
      this.batch.length[place] = packet.bytes.length;
      this.batch.wireLength[place] = packet.bytes.length;
      // By its place in the arena, for `become`: which way the packet goes.
      this.batch.frame[place] = packet.from === 'client' ? 1 : 0;
      at += packet.bytes.length;
    });
    this.batch.count = packets.length;
  }

  become(flow: number): void {
    const { batch, words } = this;
    const address = FIRST_CLIENT + Math.floor(flow / PORTS_PER_CLIENT);
    const port = FIRST_PORT + (flow % PORTS_PER_CLIENT);
    for (let place = 0; place < batch.count; place++) {
      const at = batch.offset[place] as number;
      const fromClient = batch.frame[place] === 1;
      words.setUint32(at + (fromClient ? IPV4_SOURCE : IPV4_DESTINATION), address);
      words.setUint16(at + TCP + (fromClient ? 0 : 2), port);
    }
  }
}

async function weigh(): Promise<{ heap: number; external: number }> {
  for (let turn = 0; turn < 4; turn++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}

async function main(): Promise<void> {
  const [flowsText, capacityText, rules, cache] = process.argv.slice(2) as [string, string, string, string];
  const flows = Number(flowsText);
  const configuration = loadConfiguration({
    file: null,
    overrides: [`rule-files=[${JSON.stringify(rules)}]`],
  });
  const protocols = createProtocols();
  const source = { ...readRuleSource(configuration, null), cacheDirectory: cache };
  const { ruleset, summary } = await loadRulesNow(source, protocols, new NameTable());
  source.files = [];
  const template = new FlowTemplate();
  const matcher = new Matcher(ruleset);
  const before = await weigh();
  let detections = 0;
  const inspector = new Inspector({
    matcher,
    protocols,
    stream: { maxFlows: Number(capacityText), depth: configuration.stream.reassembly.depth },
    inline: true,
    decodePolicy: 'open',
    offload: null,
    onDetection: () => detections++,
    holdBlockedMicros: 0,
  });
  const empty = await weigh();
  for (let flow = 0; flow < flows; flow++) {
    template.become(flow);
    inspector.inspectBatch(template.batch, NOW);
  }
  const full = await weigh();
  const answer: MemoryAnswer = {
    rules: summary.loaded,
    flows: inspector.flowCount,
    heldBytes: inspector.heldBytes,
    detections,
    emptyInspector: empty.heap - before.heap + empty.external - before.external,
    heap: full.heap - empty.heap,
    external: full.external - empty.external,
  };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  inspector.close();
}

void main();
