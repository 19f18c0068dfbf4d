/**
 * What the matcher costs with a large rule file loaded: load time, memory, nanoseconds per HTTP request.
 *
 *   PORTCULLIS_CORPORA=… node --expose-gc packages/matcher/bench/transactions.cjs [cache directory]
 *
 * Needs a build (`npx tsc -b packages/matcher`) and the native pattern library.
 */
const { readdirSync } = require('node:fs');
const { join } = require('node:path');
const { createHttp1, HTTP1_BUFFERS } = require('@portcullis/protocols');
const {
  loadRuleFile,
  SURICATA_ADDRESS_GROUPS,
  SURICATA_PORT_GROUPS,
  Variables,
} = require('@portcullis/rules');
const { compileRules, InspectionContext, Matcher, NameTable, prepareDatabases } = require('..');

const corpora = process.env.PORTCULLIS_CORPORA;
if (!corpora) {
  console.log('skipped: PORTCULLIS_CORPORA is not set');
  process.exit(0);
}
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
function memory(label) {
  global.gc?.();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  console.log(
    `memory ${label}: heap ${megabytes(heapUsed)}, buffers ${megabytes(arrayBuffers)}, resident ${megabytes(rss)}`,
  );
}

function load() {
  const directory = join(corpora, 'rules');
  const file = readdirSync(directory).find((name) => name.endsWith('.rules'));
  const groups = { ...SURICATA_PORT_GROUPS, HTTP_PORTS: '[80,8000,8008,8080,8081,8888,3128]' };
  const variables = new Variables({ addressGroups: SURICATA_ADDRESS_GROUPS, portGroups: groups });
  return loadRuleFile(join(directory, file), { variables }).rules;
}

function compile(rules, options) {
  const steps = compileRules(rules, options);
  let longest = 0;
  let slices = 0;
  let late = 0;
  for (;;) {
    const before = performance.now();
    const step = steps.next();
    const took = performance.now() - before;
    slices++;
    if (took > 2) late++;
    longest = Math.max(longest, took);
    if (step.done) {
      console.log(`  ${slices} slices, longest ${longest.toFixed(1)} ms, ${late} above 2 ms`);
      return step.value;
    }
  }
}

async function main() {
  memory('at start');
  let begun = performance.now();
  const lap = (label) => {
    console.log(`${label}: ${(performance.now() - begun).toFixed(0)} ms`);
    begun = performance.now();
  };
  const rules = load();
  lap(`${rules.length} rules parsed`);
  const { ruleset, failed } = compile(rules, {
    buffers: HTTP1_BUFFERS,
    protocols: ['http'],
    names: new NameTable(),
  });
  lap(`${ruleset.rules.length} rules compiled, ${failed.length} not supported`);
  rules.length = 0;
  failed.length = 0;
  const cacheDirectory = process.argv[2];
  const report = await prepareDatabases(ruleset, cacheDirectory ? { cacheDirectory, apart: true } : {});
  lap(`${report.compiled} databases compiled, ${report.cached} from the cache, ${megabytes(report.bytes)}`);
  const matcher = new Matcher(ruleset);
  memory('loaded');

  const context = new InspectionContext();
  context.hasFlow = true;
  context.flowEstablished = true;
  context.appProtocol = 1;
  context.packet.version = 4;
  context.packet.protocol = 6;
  context.packet.destinationPort = 80;
  context.packet.source.set([0, 0, 0xffff, 0x0a000002]);
  context.packet.destination.set([0, 0, 0xffff, 0x08080808]);
  let active = true;
  let calls = 0;
  const listener = {
    onProgress(transaction, direction) {
      calls++;
      if (active) matcher.inspectTransaction(context, transaction, direction);
    },
    onTransactionEnd(transaction) {
      if (active) matcher.endTransaction(context, transaction);
    },
    onEvent() {},
  };
  const parser = createHttp1().create(listener);
  const paths = [
    '/',
    '/index.html',
    '/api/v1/items?page=2&size=50',
    '/static/js/app.4f3a9c.js',
    '/images/logo.png',
  ];
  const requests = paths.map((path) =>
    Buffer.from(
      `GET ${path} HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n` +
        'Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n' +
        'Connection: keep-alive\r\nCookie: session=8f3a9c2b7d1e; theme=dark\r\nReferer: https://www.example.com/start\r\n\r\n',
    ),
  );
  const response = Buffer.from(
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: nginx\r\nContent-Length: 5\r\n\r\nhello',
  );

  const measure = (label, count, work) => {
    for (let i = 0; i < count / 4; i++) work(i);
    // Processor time: other programs on the machine count less.
    const before = process.cpuUsage();
    for (let i = 0; i < count; i++) work(i);
    const { user, system } = process.cpuUsage(before);
    const each = ((user + system) * 1000) / count;
    console.log(`${label}: ${each.toFixed(0)} ns`);
    return each;
  };
  let found = 0;
  const exchange = (i) => {
    const request = requests[i % requests.length];
    context.packet.bytes = request;
    context.direction = 0;
    matcher.begin(context);
    parser.feed(0, request, 0, request.length);
    matcher.end(context);
    found += matcher.matchCount;
    context.direction = 1;
    matcher.begin(context);
    parser.feed(1, response, 0, response.length);
    matcher.end(context);
    found += matcher.matchCount;
  };
  for (let round = 0; round < 3; round++) {
    active = false;
    const without = measure('HTTP exchange, parser alone', 40_000, exchange);
    active = true;
    calls = 0;
    const withMatcher = measure('HTTP exchange, parser and matcher', 40_000, exchange);
    console.log(
      `  matcher: ${(withMatcher - without).toFixed(0)} ns for an exchange, ${(calls / 50_000).toFixed(1)} calls`,
    );
  }
  console.log('rules that fired:', found, matcher.statistics());

  context.appProtocol = 0;
  context.payloadInStream = true;
  const text = Buffer.alloc(1 << 16);
  for (let i = 0; i < text.length; i++) text[i] = requests[2][i % requests[2].length];
  const zeros = Buffer.alloc(1 << 16);
  const random = Buffer.alloc(1 << 16);
  let seed = 1;
  for (let i = 0; i < random.length; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    random[i] = seed >>> 16;
  }
  for (const direction of [0, 1]) {
    context.direction = direction;
    for (const [name, bytes] of Object.entries({ text, zeros, random })) {
      context.packet.bytes = bytes;
      const each = measure(`stream window of 64 KiB, ${name}, direction ${direction}`, 1000, () => {
        matcher.begin(context);
        matcher.inspectStream(context, bytes, 0, bytes.length, 0, 1e6);
        matcher.end(context);
        context.flowState = null;
      });
      console.log(`  ${((bytes.length / each) * 1000).toFixed(0)} MB/s`);
      context.payloadStart = 0;
      context.payloadEnd = 1448;
      measure(`packet of 1448 bytes, ${name}, direction ${direction}`, 40_000, () => {
        matcher.begin(context);
        matcher.inspectPacket(context);
        matcher.end(context);
      });
    }
  }
  console.log(matcher.statistics());
  matcher.close();
}

main();
