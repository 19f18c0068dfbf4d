/**
 * Stands for an inspection thread in the supervisor's tests: speaks its messages, inspects nothing. The text of its
 * rules says how it behaves (`bad`: they do not load; `slow`: they never do; `deaf`: it does not drain;
 * `secretive`: it does not publish what it has counted), and the mark
 * of an offload message what is to happen to it (see `misdeeds`).
 */
const { parentPort, workerData } = require('node:worker_threads');

const HEARTBEAT = 0;
const TAKEN = 2;
const PUBLISH = 3;
const COLLECTING = 4;
const words = new Int32Array(workerData.words);
const textOf = ({ packed }) => Buffer.from(packed).toString();
let text = '';
const say = (message) => parentPort.postMessage(message);
const summary = () => ({
  loaded: text.length,
  failed: [],
  disabled: 0,
  seconds: 0,
  ports: { ranges: [], anyPortRules: [], named: [] },
  datagrams: [],
  replyPayload: true,
});

const misdeeds = {
  1: () => process.exit(3),
  2: () =>
    setImmediate(() => {
      throw new Error('a bug');
    }),
  3: () => {
    for (;;);
  },
  4: () =>
    say({
      type: 'detections',
      told: [
        {
          // What the supervisor has taken so far, so that a test can look at it.
          detection: { rule: { sid: workerData.firstFlowId, rev: Atomics.load(words, TAKEN) } },
          takenAt: Number(process.hrtime.bigint()) / 1e6,
        },
      ],
      rehearsal: false,
    }),
  6: () => {
    Atomics.store(words, COLLECTING, 1);
    for (const began = Date.now(); Date.now() - began < 1000; );
    Atomics.store(words, COLLECTING, 0);
    misdeeds[4]();
  },
  5: () => say({ type: 'failed', code: 'SOME_CODE', message: 'it gives up' }),
};

parentPort.on('message', (message) => {
  switch (message.type) {
    case 'load':
      text = textOf(message.rules);
      if (text.includes('bad')) say({ type: 'failed', code: 'RULES', message: 'the rules are bad' });
      else if (!text.includes('slow')) say({ type: 'ready', rules: summary() });
      break;
    case 'bind':
      if (text.includes('taken'))
        throw Object.assign(new Error('the queue is taken'), { code: 'QUEUE_IN_USE' });
      setInterval(() => {
        Atomics.add(words, HEARTBEAT, 1);
        if (!text.includes('secretive')) Atomics.store(words, PUBLISH, 0);
      }, 10);
      // A descriptor and a port that are nobody's: taking them away takes nothing.
      say({
        type: 'bound',
        threadId: 0,
        facts: {
          queue: message.source.queue,
          fd: -1,
          portId: 1,
          failOpen: true,
          gso: true,
          maxLength: 1,
          receiveBuffer: 1,
        },
      });
      break;
    case 'reload':
      text = textOf(message.rules);
      if (text.includes('stuck')) for (;;);
      say({ type: 'reloaded', rules: summary() });
      break;
    case 'offload':
      misdeeds[message.offload?.mark ?? 0]?.();
      break;
    case 'drain':
      if (text.includes('deaf')) break;
      say({ type: 'stopped' });
      parentPort.close();
      process.exit(0);
  }
});
