import { describeWithAddon } from '../testing/built-addon';
import { Random } from '../testing/random';
import { loadAddon } from './addon';

/* The C parser of queue messages against a slow twin; messages end at an inaccessible page. */
const Kind = { PACKET: 0, UNUSABLE: 1, REPLY: 2, OTHER: 3, MALFORMED: 4 } as const;
const QUEUE = 7;

/** linux/netfilter/nfnetlink_queue.h, enum nfqnl_attr_type */
const Attribute = {
  PACKET_HDR: 1,
  MARK: 3,
  TIMESTAMP: 4,
  INDEV: 5,
  OUTDEV: 6,
  PHYSINDEV: 7,
  PHYSOUTDEV: 8,
  HWADDR: 9,
  PAYLOAD: 10,
  CAP_LEN: 13,
  SKB_INFO: 14,
  VLAN: 19,
} as const;

interface Parsed {
  kind: number;
  fields?: number[];
  error?: number;
}

/** The rules of message.h, in the order a reader would check them. */
function twin(bytes: Buffer): Parsed {
  const malformed = { kind: Kind.MALFORMED };
  if (bytes.length < 16) return malformed;
  const total = bytes.readUInt32LE(0);
  if (total < 16 || total > bytes.length) return malformed;
  const message = bytes.subarray(0, total);
  const type = message.readUInt16LE(4);
  if (type === 2) {
    if (message.length < 16 + 20) return malformed;
    const error = message.readInt32LE(16);
    return error > 0 || error < -4095 ? malformed : { kind: Kind.REPLY, error: 0 - error };
  }
  if (type < 16) return { kind: Kind.OTHER };
  if (type !== 0x300 || message.length < 20 || message.readUInt16BE(18) !== QUEUE) return malformed;
  let header: Buffer | undefined;
  let payload = 0;
  let length = 0;
  let bad = false;
  const values = new Map<number, Buffer>();
  const sizes: Record<number, number> = {
    [Attribute.MARK]: 4,
    [Attribute.TIMESTAMP]: 16,
    [Attribute.INDEV]: 4,
    [Attribute.OUTDEV]: 4,
    [Attribute.PHYSINDEV]: 4,
    [Attribute.PHYSOUTDEV]: 4,
    [Attribute.HWADDR]: 12,
    [Attribute.CAP_LEN]: 4,
    [Attribute.SKB_INFO]: 4,
  };
  let infoBits = 0;
  for (let at = 20; at + 4 <= message.length; ) {
    const stated = message.readUInt16LE(at);
    if (stated < 4 || at + stated > message.length) {
      bad = true;
      break;
    }
    const attribute = message.readUInt16LE(at + 2) & 0x3fff;
    const value = message.subarray(at + 4, at + stated);
    if (attribute === Attribute.PACKET_HDR) {
      if (value.length < 7) return malformed;
      header = value;
    } else if (attribute === Attribute.PAYLOAD) {
      payload = at + 4;
      length = value.length;
    } else if (value.length < (sizes[attribute] ?? 0)) bad = true;
    else if (attribute === Attribute.HWADDR && value.readUInt16BE(0) > 8) bad = true;
    else {
      values.set(attribute, value);
      if (attribute === Attribute.SKB_INFO) infoBits |= value.readUInt32BE(0) & 7;
    }
    at += (stated + 3) & ~3;
  }
  if (header === undefined) return malformed;
  if (bad || length === 0) return { kind: Kind.UNUSABLE, fields: [header.readUInt32BE(0)] };
  const word = (attribute: number) => values.get(attribute)?.readUInt32BE(0) ?? 0;
  const wire = Math.max(word(Attribute.CAP_LEN), length);
  const time = values.get(Attribute.TIMESTAMP);
  return {
    kind: Kind.PACKET,
    fields: [
      header.readUInt32BE(0),
      payload,
      length,
      wire,
      infoBits | (wire > length ? 8 : 0),
      word(Attribute.MARK),
      word(Attribute.INDEV),
      word(Attribute.OUTDEV),
      header[6],
      values.get(Attribute.HWADDR)?.readUInt16BE(0) ?? 0,
      time === undefined ? 0 : Number(time.readBigUInt64BE(0)) * 1e6 + Number(time.readBigUInt64BE(8)),
    ],
  };
}

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** A message as the kernel writes it. */
function validMessage(random: Random): Buffer {
  const header = random.bytes(7);
  const parts = [attribute(Attribute.PACKET_HDR, header)];
  for (const type of [
    Attribute.INDEV,
    Attribute.OUTDEV,
    Attribute.PHYSINDEV,
    Attribute.PHYSOUTDEV,
    Attribute.MARK,
  ]) {
    if (random.chance(2)) parts.push(attribute(type, random.bytes(4)));
  }
  if (random.chance(2)) {
    const hardware = random.bytes(12);
    hardware.writeUInt16BE(6, 0);
    parts.push(attribute(Attribute.HWADDR, hardware));
  }
  if (random.chance(3)) {
    const time = Buffer.alloc(16);
    time.writeBigUInt64BE(BigInt(random.word()), 0);
    time.writeBigUInt64BE(BigInt(random.below(1_000_000)), 8);
    parts.push(attribute(Attribute.TIMESTAMP, time));
  }
  if (random.chance(5)) parts.push(attribute(Attribute.VLAN, random.bytes(16)));
  if (random.chance(2)) parts.push(attribute(Attribute.SKB_INFO, Buffer.from([0, 0, 0, random.below(8)])));
  const payload = random.bytes(1 + random.below(120));
  if (random.chance(4)) {
    const captured = Buffer.alloc(4);
    captured.writeUInt32BE(payload.length + random.below(9000));
    parts.push(attribute(Attribute.CAP_LEN, captured));
  }
  parts.push(attribute(Attribute.PAYLOAD, payload));
  const front = Buffer.alloc(20);
  const message = Buffer.concat([front, ...parts]);
  // The kernel leaves the padding of the payload out of the length.
  message.writeUInt32LE(message.length - (-payload.length & 3), 0);
  message.writeUInt16LE(0x300, 4);
  message.writeUInt16BE(QUEUE, 18);
  return message;
}

/** Lengths, types and whole stretches gone wrong. */
function mutate(random: Random, message: Buffer): Buffer {
  const bytes = Buffer.from(message);
  const interesting = [0, 1, 3, 4, 5, 7, 8, 15, 16, 20, 127, 255];
  for (let n = random.below(4); n >= 0; n--) {
    switch (random.below(5)) {
      case 0:
        bytes[random.below(bytes.length)] = random.word();
        break;
      case 1:
        bytes[random.below(bytes.length)] = random.pick(interesting);
        break;
      case 2:
        bytes[(random.below(bytes.length) & ~3) + random.below(4)] = random.pick(interesting);
        break;
      case 3:
        return bytes.subarray(0, random.below(bytes.length + 1));
      default:
        bytes.writeUInt16LE(random.below(64), Math.min(random.below(bytes.length) & ~3, bytes.length - 2));
    }
    if (bytes.length < 4) break;
  }
  return bytes;
}

describeWithAddon('message_parse', () => {
  const result = new Float64Array(12);

  function compare(bytes: Buffer): number {
    const expected = twin(bytes);
    const kind = loadAddon().parseMessage(bytes, QUEUE, result);
    const found: Parsed = { kind };
    if (expected.fields !== undefined) found.fields = [...result.subarray(0, expected.fields.length)];
    if (expected.error !== undefined) found.error = result[11];
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      throw new Error(
        `${bytes.toString('hex')}\nexpected ${JSON.stringify(expected)}\nfound    ${JSON.stringify(found)}`,
      );
    }
    if (kind === Kind.PACKET && result[1] + result[2] > bytes.length)
      throw new Error('payload outside the message');
    return kind;
  }

  test('reads what the kernel writes, and mutations of it, as its twin does', () => {
    const random = new Random();
    try {
      const kinds = [0, 0, 0, 0, 0];
      const rounds = process.env.PORTCULLIS_LONG ? 5000 : 1000;
      for (let i = 0; i < rounds; i++) {
        const valid = validMessage(random);
        expect(compare(valid)).toBe(Kind.PACKET);
        kinds[compare(mutate(random, valid))]++;
        kinds[compare(mutate(random, valid))]++;
      }
      // The mutations must reach the inner checks.
      expect(kinds[Kind.PACKET]).toBeGreaterThan(rounds / 20);
      expect(kinds[Kind.UNUSABLE]).toBeGreaterThan(rounds / 20);
      expect(kinds[Kind.MALFORMED]).toBeGreaterThan(rounds / 20);
    } catch (error) {
      throw new Error(`PORTCULLIS_SEED=${random.seed}: ${(error as Error).message}`);
    }
  });

  test('random bytes are read as its twin reads them', () => {
    const random = new Random();
    try {
      for (let i = 0; i < (process.env.PORTCULLIS_LONG ? 10_000 : 2000); i++) {
        const bytes = random.bytes(random.below(80));
        if (bytes.length >= 20 && random.chance(2)) {
          bytes.writeUInt32LE(random.chance(3) ? random.below(90) : bytes.length, 0);
          bytes.writeUInt16LE(random.pick([0x300, 0x300, 2, 3, 0x301]), 4);
          bytes.writeUInt16BE(QUEUE, 18);
        }
        compare(bytes);
      }
    } catch (error) {
      throw new Error(`PORTCULLIS_SEED=${random.seed}: ${(error as Error).message}`);
    }
  });

  test.each([
    ['an acknowledgement', 0, Kind.REPLY, 0],
    ['a refusal', -1, Kind.REPLY, 1],
    ['an impossible error', 5, Kind.MALFORMED, 0],
  ])('%s', (_, error, kind, errno) => {
    const bytes = Buffer.alloc(36);
    bytes.writeUInt32LE(36, 0);
    bytes.writeUInt16LE(2, 4);
    bytes.writeInt32LE(error, 16);
    expect(compare(bytes)).toBe(kind);
    if (kind === Kind.REPLY) expect(result[11]).toBe(errno);
    expect(compare(bytes.subarray(0, 35))).toBe(Kind.MALFORMED);
  });
});
