import { SeededRandom } from '@portcullis/testkit';
import { ParserMemory } from './parser-memory';

/** The obviously right twin: flows in the order in which they spoke, with what they hold. */
class Twin {
  private readonly flows = new Map<number, number>();

  note(slot: number, bytes: number): void {
    this.flows.delete(slot);
    if (bytes > 0) this.flows.set(slot, bytes);
  }

  get total(): number {
    return [...this.flows.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  get oldest(): number {
    return this.flows.keys().next().value ?? -1;
  }
}

test('the sum and the longest silent flow are those of a list that is searched', () => {
  const random = new SeededRandom();
  const memory = new ParserMemory(40, 1000);
  const twin = new Twin();
  for (let step = 0; step < 5000; step++) {
    const slot = random.between(0, 39);
    const bytes = random.between(0, 2) === 0 ? 0 : random.between(1, 5000);
    memory.note(slot, bytes);
    twin.note(slot, bytes);
    if (memory.total !== twin.total || memory.oldest !== twin.oldest)
      throw new Error(
        `seed ${random.seed}, step ${step}: ${memory.total} of ${twin.total}, ${memory.oldest} of ${twin.oldest}`,
      );
  }
  expect(twin.oldest).toBeGreaterThanOrEqual(0);
  while (memory.oldest >= 0) memory.note(memory.oldest, 0);
  expect(memory.total).toBe(0);
});
