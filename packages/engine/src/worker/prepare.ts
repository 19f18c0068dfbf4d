/** Entry of a thread that prepares rules and ends: what compiling them takes goes with it. */
import { parentPort, workerData } from 'node:worker_threads';
import { RuleHost } from '../rule-host';
import { prepareRulesNow, type RuleSource } from '../rule-loading';

if (!parentPort) throw new Error('this file is started as a worker thread');
parentPort.postMessage(prepareRulesNow(workerData as RuleSource, new RuleHost().protocols));
