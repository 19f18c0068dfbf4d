/** Entry of an inspection thread. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerSettings } from './messages';
import { QueueWorker } from './queue-worker';

const port = parentPort;
if (!port) throw new Error('this file is started as a worker thread');

// Linux has a nice value for each thread, and this one has inherited the main thread's.
setPriority(0, 0);

const fail = (error: Error & { code?: string }) => {
  port.postMessage({ type: 'failed', code: error.code ?? 'WORKER_FAILED', message: error.message });
  port.close();
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
new QueueWorker(workerData as WorkerSettings, port).start();
