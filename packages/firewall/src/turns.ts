/** What must not happen at the same time follows one another, in the order in which it was asked for. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs the work when all before it has ended, well or not. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all that has been asked for until now has ended. */
  async ended(): Promise<void> {
    await this.last;
  }
}
