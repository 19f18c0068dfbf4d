/** Entry of the thread that reads lists of web addresses. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { useHugePages } from '@portcullis/nfqueue-binding';
import { type AddressSources, loadAddresses } from './load';
import type { LoadAnswer } from './load-in-thread';

const say = (answer: LoadAnswer) => parentPort?.postMessage(answer);

try {
  // Linux has a nice value for each thread: this one is in nobody's way.
  setPriority(0, 10);
} catch {
  // It is only slower for the others then.
}
try {
  say({ loaded: loadAddresses(workerData as AddressSources, useHugePages) });
} catch (error) {
  say({ error: (error as Error).message });
}
