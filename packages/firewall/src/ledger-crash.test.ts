import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BanLedger } from './ledger';

jest.setTimeout(60_000);

/** Bans as fast as it can, and prints the number of each ban once it is confirmed. Compacts every now and then. */
const WRITER = `
const swc = require(process.env.SWC);
require.extensions['.ts'] = (module, file) =>
  module._compile(swc.transformFileSync(file, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' },
  }).code, file);
const { BanLedger } = require(process.env.LEDGER);
const [directory, first] = process.argv.slice(1);
(async () => {
  const now = Date.now();
  const ledger = await BanLedger.open(directory, now);
  for (let n = Number(first); ; n += 10) {
    await Promise.all(Array.from({ length: 10 }, async (_, i) => {
      const number = n + i;
      const prefix = '10.' + (number >> 16) + '.' + ((number >> 8) & 255) + '.' + (number & 255);
      await ledger.put({ id: 'i' + number, prefix, since: now, until: now + 3600000, reason: 'r', sid: 1, origin: 'attack', count: 1 });
      process.stdout.write(number + '\\n');
    }));
    if (n % 200 === 0) void ledger.compact();
  }
})();
`;

function runUntil(directory: string, first: number, confirmations: number): Promise<number[]> {
  const env = { ...process.env, SWC: require.resolve('@swc/core'), LEDGER: join(__dirname, 'ledger.ts') };
  const child = spawn(process.execPath, ['-e', WRITER, directory, String(first)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const confirmed: number[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    confirmed.push(Number(line));
    if (confirmed.length === confirmations) child.kill('SIGKILL');
  });
  return new Promise((resolve) => child.once('close', () => resolve(confirmed)));
}

test('kill -9 at any moment loses no confirmed ban', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-crash-'));
  try {
    const confirmed: number[] = [];
    for (let round = 0; round < 3; round++) {
      confirmed.push(...(await runUntil(directory, round * 10_000, 50 + Math.floor(Math.random() * 400))));
      const ledger = await BanLedger.open(directory, Date.now());
      await ledger.close();
      const kept = new Set([...ledger.entries()].map(({ id }) => id));
      expect(confirmed.filter((number) => !kept.has(`i${number}`))).toEqual([]);
    }
    expect(confirmed.length).toBeGreaterThanOrEqual(150);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
