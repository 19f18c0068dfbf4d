import { Random, rounds } from '../testing/random';
import { PackedTreeError, packTree, unpackTree } from './packed-tree';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));

function randomTree(random: Random, depth: number): unknown {
  const numbers = () => Array.from({ length: random.below(6) }, () => random.below(0x7fffffff));
  switch (random.below(depth > 0 ? 9 : 7)) {
    case 0:
      return random.below(1000) - 500;
    case 1:
      return random.text('aé"\\ß€', 0, 5);
    case 2:
      return random.pick([null, true, false]);
    case 3:
      return Uint8Array.from(numbers());
    case 4:
      return Uint16Array.from(numbers());
    case 5:
      return Int32Array.from(numbers());
    case 6:
      return Uint32Array.from(numbers());
    case 7:
      return Array.from({ length: random.below(5) }, () => randomTree(random, depth - 1));
    default:
      return Object.fromEntries(
        ['a', 'b', 'c'].slice(random.below(3)).map((key) => [key, randomTree(random, depth - 1)]),
      );
  }
}

test(`a tree comes back as it was (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  for (let round = 0; round < rounds(200, 20); round++) {
    const tree = randomTree(random, 4);
    expect({ round, tree: unpackTree(packTree(tree)) }).toEqual({ round, tree });
  }
});

test('equal arrays are there once, and lie in the bytes', () => {
  const array = Int32Array.of(1, 2, 3);
  const bytes = packTree({ first: array, second: [array] });
  const tree = unpackTree(bytes) as { first: Int32Array; second: [Int32Array] };
  expect(tree.second[0]).toBe(tree.first);
  expect(tree.first.buffer).toBe(bytes.buffer);
});

test('objects that are not plain are replaced and restored', () => {
  const tree = { when: new Date(7) };
  const bytes = packTree(tree, (value) => (value instanceof Date ? { time: value.getTime() } : undefined));
  const back = unpackTree(bytes, (value) => ('time' in value ? new Date(value.time as number) : undefined));
  expect(back).toEqual(tree);
});

test('arrays of other kinds are refused', () => {
  expect(() => packTree([new Float64Array(1)])).toThrow(TypeError);
});

test('what is cut off, or something else, is refused', () => {
  const bytes = packTree({ numbers: Int32Array.of(1, 2, 3), text: 'abc' });
  for (let length = 0; length < bytes.length; length++)
    expect(() => unpackTree(bytes.slice(0, length))).toThrow(PackedTreeError);
  expect(() => unpackTree(bytes.slice().fill(0xff))).toThrow(PackedTreeError);
  const elsewhere = new Uint8Array(bytes);
  const text = Buffer.from(elsewhere.buffer);
  // The array is said to be longer than the bytes.
  text.write('9', text.indexOf(',3]') + 1);
  expect(() => unpackTree(elsewhere)).toThrow(PackedTreeError);
});
