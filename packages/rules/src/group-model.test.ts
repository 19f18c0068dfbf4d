import fc from 'fast-check';
import { addressRanges, Variables } from './index';

/**
 * The obviously right twin of the list arithmetic: asks of a single port or address whether a list holds it, by the
 * definition: in one of the entries that are not negated (or there are none), and in none of those that are.
 */
type Tree = { negated: boolean; value: { first: number; last: number } | Tree[] };

function entries(tree: Tree, positive: Tree[], negative: Tree[]): void {
  if (tree.negated) negative.push(tree);
  else if (Array.isArray(tree.value)) for (const item of tree.value) entries(item, positive, negative);
  else positive.push(tree);
}

function holds(tree: Tree, value: number): boolean {
  const positive: Tree[] = [];
  const negative: Tree[] = [];
  entries(tree, positive, negative);
  const inside = (t: Tree): boolean =>
    Array.isArray(t.value)
      ? holds({ negated: false, value: t.value }, value)
      : value >= t.value.first && value <= t.value.last;
  return (positive.length === 0 || positive.some(inside)) && !negative.some(inside);
}

const SPAN = 24;
const range = fc
  .tuple(fc.integer({ min: 0, max: SPAN - 1 }), fc.integer({ min: 0, max: SPAN - 1 }))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
const { tree } = fc.letrec<{ tree: Tree; list: Tree[] }>((tie) => ({
  tree: fc.record({
    negated: fc.boolean(),
    value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, range, tie('list')),
  }),
  list: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }),
}));

const write = (node: Tree, literal: (first: number, last: number) => string): string =>
  (node.negated ? '!' : '') +
  (Array.isArray(node.value)
    ? `[${node.value.map((item) => write(item, literal)).join(',')}]`
    : literal(node.value.first, node.value.last));

/** Lists whose inner negated lists are empty are refused by both. */
function isEmptyInside(node: Tree, universe: readonly number[]): boolean {
  if (!Array.isArray(node.value)) return false;
  const alone = { negated: false, value: node.value };
  if (node.negated && !universe.some((value) => holds(alone, value))) return true;
  return node.value.some((item) => isEmptyInside(item, universe));
}

const variables = new Variables();
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

test(`lists of ports agree with the definition (FUZZ_SEED=${seed})`, () => {
  // Ports far away stand for all the ports that no entry names.
  const universe = [...Array(SPAN).keys(), 40_000];
  fc.assert(
    fc.property(tree, (node) => {
      const text = write(node, (first, last) => (first === last ? `${first}` : `${first}:${last}`));
      const expected = universe.filter((port) => holds(node, port));
      if (expected.length === 0 || isEmptyInside(node, universe)) {
        expect(() => variables.ports(text)).toThrow(/negated away/);
        return;
      }
      const { ranges } = variables.ports(text);
      expect(universe.filter((port) => ranges.some((r) => port >= r.first && port <= r.last))).toEqual(
        expected,
      );
      ranges.forEach((r, index) => {
        expect(r.first).toBeLessThanOrEqual(r.last);
        if (index > 0) expect(r.first).toBeGreaterThan(ranges[index - 1].last + 1);
      });
    }),
    { seed, numRuns: process.env.PORTCULLIS_LONG ? 1000 : 150 },
  );
});

test(`lists of addresses agree with the definition (FUZZ_SEED=${seed})`, () => {
  const BASE = 0x0a000000;
  const universe = [...Array(SPAN).keys(), 200];
  fc.assert(
    fc.property(tree, (node) => {
      const text = write(node, (first, last) => `10.0.0.${first}-10.0.0.${last}`);
      const expected = universe.filter((value) => holds(node, value));
      if (expected.length === 0 || isEmptyInside(node, universe)) {
        expect(() => variables.addresses(text)).toThrow(/negated away/);
        return;
      }
      const expression = variables.addresses(text);
      const ranges = addressRanges(expression);
      const inside = (list: typeof ranges, value: number) =>
        list.some((r) => r.family === 4 && BigInt(BASE + value) >= r.first && BigInt(BASE + value) <= r.last);
      expect(universe.filter((value) => inside(ranges, value))).toEqual(expected);
      const { include, exclude } = expression;
      expect(universe.filter((value) => inside([...include], value) && !inside([...exclude], value))).toEqual(
        expected,
      );
    }),
    { seed, numRuns: process.env.PORTCULLIS_LONG ? 1000 : 150 },
  );
});
