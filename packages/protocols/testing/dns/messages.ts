/** For tests: DNS messages put together, right or wrong as one wishes. */

export function word(value: number): Buffer {
  return Buffer.from([(value >> 8) & 255, value & 255]);
}

function long(value: number): Buffer {
  return Buffer.concat([word(value >>> 16), word(value)]);
}

/** A name as labels; without pointers. */
export function labels(name: string): Buffer {
  const parts = name === '' ? [] : name.split('.');
  return Buffer.concat([
    ...parts.map((part) => Buffer.concat([Buffer.from([part.length]), Buffer.from(part, 'latin1')])),
    Buffer.from([0]),
  ]);
}

export function pointer(offset: number): Buffer {
  return word(0xc000 | offset);
}

export function question(name: Buffer, type = 1, klass = 1): Buffer {
  return Buffer.concat([name, word(type), word(klass)]);
}

export function resource(name: Buffer, type: number, data: Buffer, ttl = 60, klass = 1): Buffer {
  return Buffer.concat([name, word(type), word(klass), long(ttl), word(data.length), data]);
}

export interface MessageParts {
  readonly id?: number;
  readonly flags?: number;
  readonly queries?: readonly Buffer[];
  readonly answers?: readonly Buffer[];
  readonly authorities?: readonly Buffer[];
  readonly additionals?: readonly Buffer[];
}

export function message(parts: MessageParts): Buffer {
  const sections = [
    parts.queries ?? [],
    parts.answers ?? [],
    parts.authorities ?? [],
    parts.additionals ?? [],
  ];
  return Buffer.concat([
    word(parts.id ?? 0x1234),
    word(parts.flags ?? 0x0100),
    ...sections.map((section) => word(section.length)),
    ...sections.flat(),
  ]);
}

/** A message as it goes over TCP. */
export function overTcp(bytes: Buffer): Buffer {
  return Buffer.concat([word(bytes.length), bytes]);
}
