/** Entry of a thread that prepares rules and ends: what compiling them takes goes with it. */
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { collectGarbage } from '../garbage';
import { RuleHost } from '../rule-host';
import { keptRulesAndLists, prepareRulesNow } from '../rule-preparation';
import { type RuleSource, ruleFileText } from '../rule-source';

/**
 * Garbage that may be there beside what is in use. By itself V8 lets a heap grow to several times of that before it looks,
 * and all of it stands in memory beside the rules in force.
 */
const GARBAGE = 6 * 1024 * 1024;

if (!parentPort) throw new Error('this file is started as a worker thread');
const given = workerData as RuleSource & { files: RuleSource['files'] };
const { protocols } = new RuleHost();
let inUse = getHeapStatistics().used_heap_size;
parentPort.postMessage(
  keptRulesAndLists(given, protocols) ?? prepareRulesNow(asText(), protocols, keepSmall),
);

function keepSmall(): void {
  if (getHeapStatistics().used_heap_size < inUse + GARBAGE) return;
  collectGarbage();
  inUse = getHeapStatistics().used_heap_size;
}

/** The source with its files as text; their bytes, which would be there beside it all the while, are let go. */
function asText(): RuleSource {
  const files = given.files.map((file) => ({ path: file.path, text: ruleFileText(file) }));
  given.files = [];
  return { ...given, files };
}
