/**
 * Node's environment, without what one test file leaves for the next ones in the same process: Jest's runner opens an
 * AsyncLocalStorage for each file and never closes it, and up to Node.js 22 every promise asks each one that is open. After a
 * hundred files an `await` took ten times as long.
 */
import asyncHooks from 'node:async_hooks';
import { TestEnvironment } from 'jest-environment-node';

const opened = new Set<asyncHooks.AsyncLocalStorage<unknown>>();

// This module is loaded before the runner, which looks the class up when it opens one.
asyncHooks.AsyncLocalStorage = class<T> extends asyncHooks.AsyncLocalStorage<T> {
  constructor(...options: ConstructorParameters<typeof asyncHooks.AsyncLocalStorage<T>>) {
    super(...options);
    opened.add(this as asyncHooks.AsyncLocalStorage<unknown>);
  }
};

export default class Environment extends TestEnvironment {
  override async teardown(): Promise<void> {
    for (const storage of opened) storage.disable();
    opened.clear();
    await super.teardown();
  }
}
