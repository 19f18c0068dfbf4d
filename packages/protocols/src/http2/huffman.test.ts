import { Random, rounds, testSeed } from '../../testing/random';
import { CODE_LENGTHS, decodedBound, decodeHuffman } from './huffman';

/** The codes as texts of bits, made one by one (RFC 7541 appendix B: canonical). */
function codes(): string[] {
  const order = CODE_LENGTHS.map((length, symbol) => ({ length, symbol })).sort(
    (a, b) => a.length - b.length || a.symbol - b.symbol,
  );
  const result: string[] = [];
  let code = 0n;
  let before = 0;
  for (const { length, symbol } of order) {
    code <<= BigInt(length - before);
    before = length;
    result[symbol] = code.toString(2).padStart(length, '0');
    code++;
  }
  return result;
}
const CODES = codes();
const SYMBOLS = new Map(CODES.map((code, symbol) => [code, symbol]));

function encode(bytes: Iterable<number>): Buffer {
  let bits = '';
  for (const c of bytes) bits += CODES[c];
  while (bits.length % 8 !== 0) bits += '1';
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

/** Bit by bit. @returns null where it is no such code */
function slowDecode(bytes: Buffer): Buffer | null {
  const out: number[] = [];
  let code = '';
  for (const byte of bytes) {
    for (const bit of byte.toString(2).padStart(8, '0')) {
      code += bit;
      const symbol = SYMBOLS.get(code);
      if (symbol === undefined) continue;
      if (symbol === 256) return null;
      out.push(symbol);
      code = '';
    }
  }
  return code.length < 8 && /^1*$/.test(code) ? Buffer.from(out) : null;
}

function decode(bytes: Buffer): Buffer | null {
  const out = new Uint8Array(decodedBound(bytes.length) + 1);
  const end = decodeHuffman(bytes, 0, bytes.length, out, 0);
  return end < 0 ? null : Buffer.from(out.subarray(0, end));
}

test('codes of the RFC', () => {
  expect(CODES.reduce((sum, code) => sum + 2 ** (30 - code.length), 0)).toBe(2 ** 30);
  expect(CODES[0x61]).toBe('00011');
  expect(CODES[0x58]).toBe('11111100');
  expect(CODES[0x22]).toBe('1111111001');
  expect(CODES[0x5c]).toBe('1111111111111110000');
  expect(CODES[10]).toBe('111111111111111111111111111100');
  expect(CODES[256]).toBe('1'.repeat(30));
  expect(encode(Buffer.from('www.example.com')).toString('hex')).toBe('f1e3c2e5f23a6ba0ab90f4ff');
});

test('decodes as a slow decoder does', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let symbol = 0; symbol < 256; symbol++)
    expect(decode(encode([symbol, symbol]))).toEqual(Buffer.from([symbol, symbol]));
  for (let round = 0; round < rounds(80, 300); round++) {
    const bytes = Buffer.from(
      Array.from({ length: random.next(12) }, () => (random.next(2) === 0 ? random.next(256) : 0xff)),
    );
    const slow = slowDecode(bytes);
    const decoded = decode(bytes);
    if (decoded === null ? slow !== null : slow === null || !decoded.equals(slow))
      throw new Error(
        `SEED=${seed} ${bytes.toString('hex')}: ${decoded?.toString('hex')}, not ${slow?.toString('hex')}`,
      );
    const text = Buffer.from(
      Array.from({ length: random.next(40) }, () => random.next(random.pick([256, 128]))),
    );
    if (decode(encode(text))?.equals(text) !== true) throw new Error(`SEED=${seed} ${text.toString('hex')}`);
  }
});
