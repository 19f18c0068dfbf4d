// Prints what scans and searches cost on this machine. Build the package first; takes about ten seconds.
//   node bench/bench.cjs [seed]
const {
  PatternDatabase,
  PatternScanner,
  Regex,
  patternLibraryFingerprint,
  regexLibraryVersion,
} = require('..');

const seed = Number(process.argv[2] ?? 1);
let state = seed >>> 0;
/** Mulberry32: an integer in [0, below). */
function random(below) {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) % below;
}

/** Seconds of one call, the best of several rounds of about 50 ms. */
function best(work) {
  work();
  let calls = 1;
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 6; ) {
    const begin = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) work();
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    if (seconds < 0.03 && round === 0) calls *= 2;
    else round++;
    fastest = Math.min(fastest, seconds / calls);
  }
  return fastest;
}

const row = (name, value) => console.log(`${name.padEnd(64)}${value}`);
const speed = (bytes, seconds) => `${(bytes / seconds / 1e6).toFixed(0).padStart(8)} MB/s`;
const nanoseconds = (seconds) => `${(seconds * 1e9).toFixed(0).padStart(8)} ns`;

console.log(
  `${patternLibraryFingerprint()}\nPCRE2 ${regexLibraryVersion()}\nNode ${process.version}, seed ${seed}\n`,
);

const WORDS =
  'the of and to in is you that it he was for on are as with his they at be this have from or one had by'.split(
    ' ',
  );
function text(length) {
  let out = '';
  while (out.length < length) out += `${WORDS[random(WORDS.length)]} `;
  return Buffer.from(out.slice(0, length), 'latin1');
}
function literals(count, letters) {
  return Array.from({ length: count }, (_, id) => {
    const expression = new Uint8Array(4 + random(17));
    for (let i = 0; i < expression.length; i++) {
      expression[i] = letters === 'binary' ? random(256) : 97 + random(26);
    }
    return { expression, id, caseless: random(2) === 0 };
  });
}

const SIZE = 1 << 16;
const inputs = {
  text: text(SIZE),
  random: Buffer.from(Uint8Array.from({ length: SIZE }, () => random(256))),
  zeros: Buffer.alloc(SIZE),
};
const scanner = new PatternScanner(4096);

const sets = {
  '2000 literals of letters': literals(2000, 'letters'),
  '2000 binary literals': literals(2000, 'binary'),
  '2000 literals + 00000000': [
    ...literals(2000, 'letters'),
    { expression: new Uint8Array(4), id: 2000 },
    { expression: new Uint8Array(8), id: 2001 },
  ],
};
for (const [name, patterns] of Object.entries(sets)) {
  const begin = process.hrtime.bigint();
  const database = PatternDatabase.compile(patterns);
  const compiled = Number(process.hrtime.bigint() - begin) / 1e6;
  const bytes = database.serialize();
  const loadTime = best(() => PatternDatabase.deserialize(bytes).close());
  row(
    `${name}: compile ${compiled.toFixed(0)} ms, ${(database.size / 1024).toFixed(0)} KiB, load`,
    `${(loadTime * 1e3).toFixed(2).padStart(8)} ms`,
  );
  // The worst an attacker can send: the beginnings of patterns, one after the other.
  const near = Buffer.alloc(SIZE);
  for (let at = 0; at < SIZE; ) {
    const { expression } = patterns[random(patterns.length)];
    const part = expression.subarray(0, expression.length - 1);
    near.set(part.subarray(0, SIZE - at), at);
    at += part.length;
  }
  for (const [input, buffer] of Object.entries({ ...inputs, 'near matches': near })) {
    row(
      `  64 KiB of ${input}`,
      speed(
        SIZE,
        best(() => scanner.scan(database, buffer, 0, SIZE)),
      ),
    );
  }
  const all = Buffer.concat(patterns.map((pattern) => pattern.expression)).subarray(0, SIZE);
  row(
    `  ${all.length} bytes of matches`,
    speed(
      all.length,
      best(() => scanner.scan(database, all, 0, all.length)),
    ),
  );
}

console.log();
const database = PatternDatabase.compile(literals(2000, 'letters'));
const few = PatternDatabase.compile(literals(20, 'letters'));
const arena = inputs.text;
const other = text(SIZE);
const jobs = scanner.jobs;
for (const [name, used] of [
  ['2000 literals', database],
  ['20 literals', few],
]) {
  for (const length of [0, 10, 100, 1000]) {
    row(
      `scan of ${length} bytes, ${name}`,
      nanoseconds(best(() => scanner.scan(used, arena, 64, 64 + length))),
    );
  }
}
let turn = 0;
row(
  'scan of 100 bytes, another array each time',
  nanoseconds(best(() => scanner.scan(few, turn++ & 1 ? other : arena, 64, 164))),
);
const index = scanner.add(few);
for (const count of [1, 10]) {
  const own = new Int32Array(3 * count);
  for (let i = 0; i < count; i++) own.set([index, 64 * i, 64 * i + 100], 3 * i);
  jobs.set(own);
  row(
    `scanMany of ${count} × 100 bytes, 20 literals, jobs in place`,
    nanoseconds(best(() => scanner.scanMany(arena, jobs, count))),
  );
  row(
    `scanMany of ${count} × 100 bytes, 20 literals, jobs copied`,
    nanoseconds(best(() => scanner.scanMany(arena, own, count))),
  );
}
row(
  '10 × scan of 100 bytes, 20 literals',
  nanoseconds(
    best(() => {
      for (let i = 0; i < 10; i++) scanner.scan(few, arena, 64 * i, 64 * i + 100);
    }),
  ),
);

console.log();
const out = new Int32Array(16);
const simple = Regex.compile('GET (\\S+) HTTP/1\\.([01])');
const request = Buffer.from('GET /index.html?id=1 HTTP/1.1\r\nHost: example.org\r\n\r\n', 'latin1');
row(
  'Regex.exec, 50 bytes, 2 groups, match',
  nanoseconds(best(() => simple.exec(request, 0, request.length, 0, out))),
);
row('Regex.exec, 100 bytes of text, no match', nanoseconds(best(() => simple.exec(arena, 0, 100, 0, out))));
row(
  'Regex.exec, 64 KiB of text, no match',
  speed(
    SIZE,
    best(() => simple.exec(arena, 0, SIZE, 0, out)),
  ),
);
const hostile = Buffer.alloc(SIZE, 'a');
for (const pattern of [
  '(a+)+$',
  '(a+)+[0-9]',
  '(?:[a-z]+\\.)*[0-9]',
  '(?=.*x)a',
  '(?:a|aa)+[0-9]',
  '.*.*.*[0-9]',
  'a{1,1000}[0-9]',
  '(?:(?=.*x|a)a)*[0-9]',
]) {
  for (const jit of [true, false]) {
    const regex = Regex.compile(pattern, { jit });
    let worst = 0;
    let result = 0;
    for (let i = 0; i < 3; i++) {
      const begin = process.hrtime.bigint();
      result = regex.exec(hostile, 0, SIZE, 0, out);
      worst = Math.max(worst, Number(process.hrtime.bigint() - begin) / 1e6);
    }
    row(
      `${pattern} on 64 KiB of "a", ${jit ? 'JIT' : 'interpreter'}: ${result}`,
      `${worst.toFixed(2).padStart(8)} ms`,
    );
  }
}
