/** What must not happen at the same time follows one another: enable, disable, reload, stop, repairs of the firewall. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs the action when all before it have ended, well or not. */
  take<T>(action: () => Promise<T>): Promise<T> {
    const result = this.last.then(action, action);
    this.last = result.catch(() => undefined);
    return result;
  }
}
