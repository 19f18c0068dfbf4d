/** Entry of an inspection thread. */
import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { setThreadSlice } from '@portcullis/nfqueue-binding';
import type { WorkerSettings } from './messages';
import { QueueWorker } from './queue-worker';

/** Long enough that changing threads costs less than one percent. */
const SLICE_MICROS = 300;

const port = parentPort;
if (!port) throw new Error('this file is started as a worker thread');

// Linux has a nice value for each thread, and this one has inherited the main thread's precedence. An engine that was started
// with less than usual may have no right to more.
if (getPriority() < 0) setPriority(0, 0);
// A packet waits for its worker: it gets a processor sooner where others want it too, and no larger share of it.
setThreadSlice(SLICE_MICROS);

const fail = (error: Error & { code?: string }) => {
  port.postMessage({ type: 'failed', code: error.code ?? 'WORKER_FAILED', message: error.message });
  port.close();
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
new QueueWorker(workerData as WorkerSettings, port).start();
