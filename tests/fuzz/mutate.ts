import type { SeededRandom } from '@portcullis/testkit';
import { decodeRecords, encodeRecords, type FuzzRecord, LARGEST_RECORD } from './records';
import { LARGEST_INPUT, type Shape } from './target';

const EDGES = [0, 1, 2, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 511, 512, 1023, 1024, 4096];
const WIDE_EDGES = [
  0x7fff, 0x8000, 0xfffe, 0xffff, 0x1_0000, 0xff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
];
const NUMBERS = [
  '0',
  '-1',
  '1',
  '255',
  '256',
  '65535',
  '65536',
  '2147483648',
  '4294967296',
  '1e9',
  '0x10',
  '007',
];
const MOST_CHANGES = 4;
const LONGEST_REPEAT = 600;
const LONGEST_NOISE = 40;
/** How many places are looked at for a length that could be changed. */
const LENGTH_TRIES = 24;

/** Makes inputs out of inputs, each with a few changes. */
export class Mutator {
  private readonly tokens: readonly Uint8Array[];

  constructor(
    private readonly random: SeededRandom,
    private readonly shape: Shape,
    tokens: Iterable<string>,
  ) {
    this.tokens = [...new Set(tokens)].map((token) => Buffer.from(token, 'latin1'));
  }

  /** @param other a second input, of which parts are taken */
  mutate(input: Uint8Array, other: Uint8Array): Uint8Array {
    const { random } = this;
    const changes = 1 + random.below(MOST_CHANGES);
    if (this.shape !== 'records') {
      let bytes: Uint8Array = Uint8Array.from(input);
      for (let change = 0; change < changes; change++) bytes = this.change(bytes, other);
      return bytes.subarray(0, LARGEST_INPUT);
    }
    const records = decodeRecords(input);
    const others = decodeRecords(other);
    for (let change = 0; change < changes; change++) this.changeRecords(records, others);
    return encodeRecords(records).subarray(0, LARGEST_INPUT);
  }

  private changeRecords(records: FuzzRecord[], others: readonly FuzzRecord[]): void {
    const { random } = this;
    const at = random.below(records.length + 1);
    const record = records[at];
    if (record === undefined) {
      if (others.length > 0 && random.chance(0.5)) records.push(random.pick(others));
      else records.push({ kind: random.below(256), bytes: this.noise() });
      return;
    }
    const { kind, bytes } = record;
    switch (random.below(14)) {
      case 0:
        records.splice(at, 1);
        return;
      case 1:
        records.splice(at, 0, record);
        return;
      case 2:
        records.splice(random.below(records.length), 0, ...records.splice(at, 1));
        return;
      case 3:
        records[at] = { kind: random.chance(0.5) ? kind ^ 1 : random.below(256), bytes };
        return;
      case 4: {
        const cut = random.below(bytes.length + 1);
        records.splice(at, 1, { kind, bytes: bytes.subarray(0, cut) }, { kind, bytes: bytes.subarray(cut) });
        return;
      }
      case 5: {
        const next = records[at + 1];
        if (next === undefined || bytes.length + next.bytes.length > LARGEST_RECORD) return;
        records.splice(at, 2, { kind, bytes: Buffer.concat([bytes, next.bytes]) });
        return;
      }
      case 6:
        if (others.length === 0) return;
        records.splice(at, 0, ...others.slice(random.below(others.length)));
        return;
      default: {
        const from = others.length > 0 ? random.pick(others).bytes : bytes;
        const changed = this.change(Uint8Array.from(bytes), from);
        records[at] = { kind, bytes: changed.subarray(0, LARGEST_RECORD) };
      }
    }
  }

  /** One change; `bytes` may be changed in place. */
  private change(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    const { random } = this;
    if (bytes.length === 0) return random.chance(0.5) ? this.noise() : this.token();
    if (this.shape === 'text' && random.chance(0.4)) return this.changeText(bytes);
    const at = random.below(bytes.length);
    switch (random.below(16)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        return bytes;
      case 1:
        bytes[at] = random.below(256);
        return bytes;
      case 2:
        bytes[at] = random.pick(EDGES);
        return bytes;
      case 3:
      case 4:
        return this.changeNumber(bytes, at);
      case 5:
        return spliced(bytes, at, this.span(bytes.length - at));
      case 6:
        return bytes.subarray(0, at);
      case 7: {
        const length = this.span(bytes.length - at);
        return spliced(bytes, random.below(bytes.length + 1), 0, bytes.slice(at, at + length));
      }
      case 8:
        return spliced(bytes, at, 0, this.noise());
      case 9:
        return spliced(bytes, at, 0, this.token());
      case 10: {
        const token = this.token();
        return spliced(bytes, at, Math.min(token.length, bytes.length - at), token);
      }
      case 11: {
        if (other.length === 0) return bytes;
        const from = random.below(other.length);
        const part = other.subarray(from, from + this.span(other.length - from));
        return spliced(bytes, at, random.chance(0.5) ? this.span(bytes.length - at) : 0, part);
      }
      case 12:
        return spliced(
          bytes,
          at,
          0,
          new Uint8Array(1 + random.below(LONGEST_REPEAT)).fill(bytes[at] as number),
        );
      case 13:
        return changeDigits(bytes, at, Buffer.from(random.pick(NUMBERS)));
      default:
        return this.changeLength(bytes);
    }
  }

  private changeNumber(bytes: Uint8Array, at: number): Uint8Array {
    const { random } = this;
    const width = Math.min(random.pick([1, 2, 4]), bytes.length - at);
    const big = random.chance(0.6);
    const before = readNumber(bytes, at, width, big);
    const after = random.chance(0.5)
      ? random.pick(random.chance(0.5) ? EDGES : WIDE_EDGES)
      : before + random.between(-17, 17);
    writeNumber(bytes, at, width, big, after);
    return bytes;
  }

  /** A number that tells how many bytes follow is made to tell something else. */
  private changeLength(bytes: Uint8Array): Uint8Array {
    const { random } = this;
    for (let tries = 0; tries < LENGTH_TRIES; tries++) {
      const at = random.below(bytes.length);
      const width = random.pick([1, 2, 3, 4]);
      const left = bytes.length - at - width;
      if (left < 0) continue;
      const big = random.chance(0.7);
      const value = readNumber(bytes, at, width, big);
      if (value === 0 || value > left + 8 || (value < left - 8 && random.chance(0.8))) continue;
      writeNumber(
        bytes,
        at,
        width,
        big,
        value + random.pick([-value, -2, -1, 1, 2, 4, left, 0x100, 0x1_0000]),
      );
      break;
    }
    return bytes;
  }

  private changeText(bytes: Uint8Array): Uint8Array {
    const { random } = this;
    const lines = Buffer.from(bytes).toString('latin1').split('\n');
    const at = random.below(lines.length);
    const line = lines[at] as string;
    switch (random.below(6)) {
      case 0:
        lines.splice(at, 1);
        break;
      case 1:
        lines.splice(random.below(lines.length + 1), 0, line);
        break;
      case 2:
        lines.splice(random.below(lines.length), 0, ...lines.splice(at, 1));
        break;
      case 3:
        lines[at] = line + lines.splice(at + 1, 1).join('');
        break;
      case 4:
        lines[at] = line.replace(/\w+/, Buffer.from(this.token()).toString('latin1').replace(/\$/g, '$$$$'));
        break;
      default:
        lines[at] = ' '.repeat(random.below(5)) + line.trimStart();
    }
    return Buffer.from(lines.join('\n'), 'latin1');
  }

  /** Mostly short. */
  private span(most: number): number {
    const { random } = this;
    return Math.min(most, 1 + random.below(random.chance(0.8) ? 8 : Math.max(1, most)));
  }

  private noise(): Uint8Array {
    return this.random.bytes(1 + this.random.below(LONGEST_NOISE));
  }

  private token(): Uint8Array {
    return this.tokens.length > 0 ? this.random.pick(this.tokens) : this.noise();
  }
}

function spliced(
  bytes: Uint8Array,
  at: number,
  removed: number,
  added: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const out = new Uint8Array(bytes.length - removed + added.length);
  out.set(bytes.subarray(0, at));
  out.set(added, at);
  out.set(bytes.subarray(at + removed), at + added.length);
  return out;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Replaces the first decimal number from `from` on. */
function changeDigits(bytes: Uint8Array, from: number, by: Uint8Array): Uint8Array {
  let start = from;
  while (start < bytes.length && !isDigit(bytes[start])) start++;
  let end = start;
  while (isDigit(bytes[end])) end++;
  return spliced(bytes, start, end - start, end > start ? by : undefined);
}

function readNumber(bytes: Uint8Array, at: number, width: number, big: boolean): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[big ? at + i : at + width - 1 - i] as number);
  return value;
}

function writeNumber(bytes: Uint8Array, at: number, width: number, big: boolean, value: number): void {
  for (let i = 0; i < width; i++) bytes[big ? at + width - 1 - i : at + i] = (value / 256 ** i) & 0xff;
}
