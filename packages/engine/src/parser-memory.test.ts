import { SeededRandom } from '@portcullis/testkit';
import { ParserMemory } from './parser-memory';

const FLOWS = 40;

test('the sum, and among few flows the longest silent one, are those of a list that is searched', () => {
  const random = new SeededRandom();
  const memory = new ParserMemory(FLOWS, 1000);
  const held = new Map<number, number>();
  const seen = new Array<number>(FLOWS).fill(0);
  const table = { lastSeen: (slot: number) => seen[slot] as number };
  for (let step = 1; step < 5000; step++) {
    const slot = random.between(0, FLOWS - 1);
    const bytes = random.between(0, 2) === 0 ? 0 : random.between(1, 5000);
    seen[slot] = step;
    memory.note(slot, bytes);
    held.delete(slot);
    if (bytes > 0) held.set(slot, bytes);
    const total = [...held.values()].reduce((sum, one) => sum + one, 0);
    const longest = held.keys().next().value ?? -1;
    const found = memory.longestSilent(table);
    if (memory.total !== total || found !== longest)
      throw new Error(
        `seed ${random.seed}, step ${step}: ${memory.total} of ${total}, ${found} of ${longest}`,
      );
  }
  expect(held.size).toBeGreaterThan(0);
  for (const slot of held.keys()) memory.note(slot, 0);
  expect(memory.total).toBe(0);
  expect(memory.longestSilent(table)).toBe(-1);
});

test('among many flows each has its turn to be compared', () => {
  const flows = 1000;
  const memory = new ParserMemory(flows, 1000);
  for (let slot = 0; slot < flows; slot++) memory.note(slot, 1);
  const table = { lastSeen: (slot: number) => slot };
  const gone = new Set<number>();
  for (let slot = memory.longestSilent(table); slot >= 0; slot = memory.longestSilent(table)) {
    gone.add(slot);
    memory.note(slot, 0);
  }
  expect(gone.size).toBe(flows);
  expect(memory.total).toBe(0);
});
