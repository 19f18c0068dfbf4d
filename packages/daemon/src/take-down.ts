/** One part of taking something down, and what it is about. */
export type TakeDownStep = readonly [what: string, work: () => unknown];

/**
 * Takes parts down one after the other, whatever goes wrong with some of them: what is left out because an earlier one has
 * failed would stay, and nobody would come back for it.
 *
 * @returns what went wrong, each with what it was about
 */
export async function takeDown(steps: readonly TakeDownStep[]): Promise<Map<string, Error>> {
  const problems = new Map<string, Error>();
  for (const [what, work] of steps) {
    try {
      await work();
    } catch (problem) {
      problems.set(what, problem as Error);
    }
  }
  return problems;
}
