import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { AddressSources, LoadedAddresses } from './load';

/** What the loading thread says at its end. */
export type LoadAnswer = { readonly loaded: LoadedAddresses } | { readonly error: string };

/** `loadAddresses` in a thread of its own: millions of addresses take seconds, for which nobody else is to wait. */
export function loadAddressesInThread(sources: AddressSources): Promise<LoadedAddresses> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(join(__dirname, 'loader-thread.js'), { workerData: sources });
    worker.once('message', (answer: LoadAnswer) => {
      if ('loaded' in answer) resolve(answer.loaded);
      else reject(new Error(answer.error));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread that loads web addresses ended by itself')));
  });
}
