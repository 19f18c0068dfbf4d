/**
 * A tree of plain data and typed arrays as one run of bytes, from which the arrays can be used where they lie: in a
 * file, or in memory that threads share.
 *
 * Layout: length of the JSON (32 bits, little-endian, as all numbers are), length of the arrays (the same), the JSON,
 * then the arrays, each at a multiple of eight from the beginning. An array is `{"$": [kind, place, length]}` in the
 * JSON. Equal array objects are there once.
 */

const KINDS = [Uint8Array, Uint16Array, Int32Array, Uint32Array] as const;
export type PackedArray = Uint8Array | Uint16Array | Int32Array | Uint32Array;

const HEADER = 8;
const ALIGNMENT = 8;
const align = (at: number) => Math.ceil(at / ALIGNMENT) * ALIGNMENT;

/** What bytes that are no packed tree are refused with. */
export class PackedTreeError extends Error {
  readonly code = 'PACKED_TREE_INVALID';
}

function kindOf(value: object): number {
  return KINDS.findIndex((kind) => value instanceof kind);
}

/**
 * @param replace may give plain data for an object that is none; undefined: the object is plain
 * @returns the bytes, in memory that threads can share
 */
export function packTree(
  tree: unknown,
  replace: (value: object) => unknown = () => undefined,
): Uint8Array<SharedArrayBuffer> {
  const arrays: PackedArray[] = [];
  const known = new Map<object, unknown>();
  let length = 0;
  const plain = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(plain);
    if (ArrayBuffer.isView(value)) {
      const kind = kindOf(value);
      if (kind < 0) throw new TypeError('an array of a kind that cannot be packed');
      const array = value as PackedArray;
      let reference = known.get(array);
      if (reference === undefined) {
        reference = { $: [kind, length, array.length] };
        known.set(array, reference);
        arrays.push(array);
        length = align(length + array.byteLength);
      }
      return reference;
    }
    const replaced = replace(value);
    if (replaced !== undefined) return plain(replaced);
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  };
  const json = Buffer.from(JSON.stringify(plain(tree)));
  const first = align(HEADER + json.length);
  const bytes = new Uint8Array(new SharedArrayBuffer(first + length));
  const header = new DataView(bytes.buffer);
  header.setUint32(0, json.length, true);
  header.setUint32(4, length, true);
  bytes.set(json, HEADER);
  let at = first;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += align(array.byteLength);
  }
  return bytes;
}

/**
 * The tree again; its arrays are views of `bytes`, which must not change any more.
 * @param bytes begin at a multiple of eight of their buffer
 * @param restore gives what stands for an object of plain data; undefined: the object itself
 * @throws PackedTreeError where the bytes are no packed tree
 */
export function unpackTree(
  bytes: Uint8Array,
  restore: (value: Record<string, unknown>) => unknown = () => undefined,
): unknown {
  const { byteOffset, byteLength } = bytes;
  const buffer = bytes.buffer as ArrayBuffer;
  if (byteLength < HEADER || byteOffset % ALIGNMENT !== 0)
    throw new PackedTreeError('the bytes have no header');
  const header = new DataView(buffer, byteOffset);
  const jsonLength = header.getUint32(0, true);
  const first = align(HEADER + jsonLength);
  if (first + header.getUint32(4, true) !== byteLength)
    throw new PackedTreeError('the bytes are not as long as their header says');
  const known = new Map<string, PackedArray>();
  const arrayAt = (reference: unknown): PackedArray => {
    const [kind, place, length] = reference as [number, number, number];
    const key = `${kind} ${place} ${length}`;
    const array = known.get(key);
    if (array) return array;
    const Kind = KINDS[kind];
    if (!Kind || first + place + length * Kind.BYTES_PER_ELEMENT > byteLength)
      throw new PackedTreeError('an array does not lie in the bytes');
    const made = new Kind(buffer, byteOffset + first + place, length);
    known.set(key, made);
    return made;
  };
  const revive = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) value[i] = revive(value[i]);
      return value;
    }
    const record = value as Record<string, unknown>;
    if ('$' in record) return arrayAt(record.$);
    for (const key of Object.keys(record)) record[key] = revive(record[key]);
    const restored = restore(record);
    return restored === undefined ? record : restored;
  };
  const json = Buffer.from(buffer, byteOffset + HEADER, jsonLength).toString('utf8');
  let tree: unknown;
  try {
    tree = JSON.parse(json);
  } catch (cause) {
    throw new PackedTreeError(`the bytes hold no JSON: ${(cause as Error).message}`);
  }
  return revive(tree);
}
