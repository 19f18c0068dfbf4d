/**
 * Node's environment, which tells with each failure how the machine was, and without what one test file leaves for the next ones in the same process: Jest's runner opens an
 * AsyncLocalStorage for each file and never closes it, and up to Node.js 22 every promise asks each one that is open. After a
 * hundred files an `await` took ten times as long.
 */
import asyncHooks from 'node:async_hooks';
import { TestEnvironment } from 'jest-environment-node';
import { idleShare, readProcessorTicks, stolenShare } from './bench/stolen-time';
import type {} from './circumstances';

const opened = new Set<asyncHooks.AsyncLocalStorage<unknown>>();

// This module is loaded before the runner, which looks the class up when it opens one.
asyncHooks.AsyncLocalStorage = class<T> extends asyncHooks.AsyncLocalStorage<T> {
  constructor(...options: ConstructorParameters<typeof asyncHooks.AsyncLocalStorage<T>>) {
    super(...options);
    opened.add(this as asyncHooks.AsyncLocalStorage<unknown>);
  }
};

export default class Environment extends TestEnvironment {
  private begun = readProcessorTicks();

  override async setup(): Promise<void> {
    await super.setup();
    this.global.circumstances = new Set();
  }

  handleTestEvent(event: { readonly name: string; readonly error?: unknown }): void {
    if (event.name === 'test_start' || event.name === 'hook_start') this.begun = readProcessorTicks();
    if (event.name !== 'test_fn_failure' && event.name !== 'hook_failure') return;
    // Of the realm that the tests run in, so not an instance of this one's Error.
    const error = event.error as Error | undefined;
    if (typeof error?.stack !== 'string') return;
    const { message, stack } = error;
    // Jest shows the stack, which begins with the message.
    const told = `${message}\n\n${this.circumstances()}`;
    error.stack = stack.replace(message, () => told);
  }

  private circumstances(): string {
    const now = readProcessorTicks();
    const percent = (share: number) => `${Math.round(share * 100)} %`;
    const machine = `Processors meanwhile: ${percent(idleShare(this.begun, now))} idle, ${percent(stolenShare(this.begun, now))} taken by the host.`;
    return [machine, ...[...this.global.circumstances].map((tell) => tell())].join('\n');
  }

  override async teardown(): Promise<void> {
    for (const storage of opened) storage.disable();
    opened.clear();
    await super.teardown();
  }
}
