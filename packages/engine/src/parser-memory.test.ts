import { SeededRandom } from '@portcullis/testkit';
import { ParserMemory } from './parser-memory';

const FLOWS = 40;

test('the sum, and among few flows who gives way, are those of lists that are searched', () => {
  const random = new SeededRandom();
  const memory = new ParserMemory(FLOWS, 1000);
  const holders = new Map<number, number>();
  const idle = new Map<number, number>();
  const seen = new Array<number>(FLOWS).fill(0);
  const table = { lastSeen: (slot: number) => seen[slot] as number };
  let withoutHolders = 0;
  for (let step = 1; step < 5000; step++) {
    const slot = random.between(0, FLOWS - 1);
    const bytes = random.between(0, 19) < 19 ? 0 : random.between(1, 5000);
    const own = random.between(0, 2) === 0 ? 0 : random.between(1, 3000);
    seen[slot] = step;
    memory.note(slot, bytes, own);
    holders.delete(slot);
    idle.delete(slot);
    if (bytes > 0) holders.set(slot, bytes + own);
    else if (own > 0) idle.set(slot, own);
    if (holders.size === 0) withoutHolders++;
    const total = [...holders.values(), ...idle.values()].reduce((sum, one) => sum + one, 0);
    const longest = holders.keys().next().value ?? idle.keys().next().value ?? -1;
    const found = memory.longestSilent(table);
    if (memory.total !== total || found !== longest)
      throw new Error(
        `seed ${random.seed}, step ${step}: ${memory.total} of ${total}, ${found} of ${longest}`,
      );
  }
  expect(withoutHolders).toBeGreaterThan(50);
  expect(withoutHolders).toBeLessThan(4950);
  for (const slot of [...holders.keys(), ...idle.keys()]) memory.note(slot, 0, 0);
  expect(memory.total).toBe(0);
  expect(memory.longestSilent(table)).toBe(-1);
});

test('among many flows each has its turn to be compared', () => {
  const flows = 1000;
  const memory = new ParserMemory(flows, 1000);
  for (let slot = 0; slot < flows; slot++) memory.note(slot, slot % 2, 1);
  const table = { lastSeen: (slot: number) => slot };
  const gone = new Set<number>();
  for (let slot = memory.longestSilent(table); slot >= 0; slot = memory.longestSilent(table)) {
    gone.add(slot);
    memory.note(slot, 0, 0);
  }
  expect(gone.size).toBe(flows);
  expect(memory.total).toBe(0);
});

test('who holds something is found among a thousand who do not', () => {
  const memory = new ParserMemory(1000, 1000);
  for (let slot = 0; slot < 1000; slot++) memory.note(slot, slot === 700 ? 1 : 0, 100);
  expect(memory.longestSilent({ lastSeen: (slot: number) => slot })).toBe(700);
});
