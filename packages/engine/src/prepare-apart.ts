import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PreparedRules, RuleSource } from './rule-loading';

/** The compiled entry of a thread that prepares rules. */
const preparingWorkerPath = join(__dirname, 'worker', 'prepare.js');

/**
 * Prepares rules in a thread of its own, which ends with it. Texts of the source that are bytes are handed over: they
 * are empty afterwards.
 * @throws the thread's error
 */
export function prepareRulesApart(source: RuleSource): Promise<PreparedRules> {
  const transferList = source.files.flatMap(({ text }) =>
    typeof text !== 'string' && text.buffer instanceof ArrayBuffer ? [text.buffer] : [],
  );
  const worker = new Worker(preparingWorkerPath, { workerData: source, transferList });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) =>
      reject(new Error(`the thread that prepares the rules ended with code ${code} before they were there`)),
    );
  });
}
