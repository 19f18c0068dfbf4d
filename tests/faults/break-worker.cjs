/**
 * Preloaded into an engine (NODE_OPTIONS=--require): a file FAULT_FOLDER/worker makes the inspection thread that sees it
 * first do what it says. The engine itself has no such switch.
 */
const { readFileSync, unlinkSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

const faults = {
  throw: () => {
    throw new Error('a fault of the test');
  },
  exit: () => process.exit(7),
  sleep: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  spin: () => {
    for (;;);
  },
};

if (!isMainThread) {
  const { NfQueue } = require(process.env.FAULT_BINDING);
  const file = `${process.env.FAULT_FOLDER}/worker`;
  const { receive } = NfQueue.prototype;
  NfQueue.prototype.receive = function (timeout) {
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
