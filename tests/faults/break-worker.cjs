/**
 * Preloaded into an engine (NODE_OPTIONS=--require): a file FAULT_FOLDER/worker makes the inspection thread that sees it
 * first do what it says, and as long as there is a file FAULT_FOLDER/slow it is slow. The engine itself has no such switch.
 */
const { existsSync, readFileSync, unlinkSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

/** Less than what a worker is taken for stalled after. */
const SLOW = 300;
const sleep = (milliseconds) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

const faults = {
  throw: () => {
    throw new Error('a fault of the test');
  },
  exit: () => process.exit(7),
  sleep: () => sleep(Number.POSITIVE_INFINITY),
  spin: () => {
    for (;;);
  },
};

if (!isMainThread) {
  const { NfQueue } = require(process.env.FAULT_BINDING);
  const file = `${process.env.FAULT_FOLDER}/worker`;
  const { receive } = NfQueue.prototype;
  NfQueue.prototype.receive = function (timeout) {
    if (existsSync(`${process.env.FAULT_FOLDER}/slow`)) sleep(SLOW);
    let wanted;
    try {
      wanted = readFileSync(file, 'utf8');
      unlinkSync(file);
    } catch {
      return receive.call(this, timeout);
    }
    faults[wanted]();
  };
}
