/** Entry of a thread that prepares rules and ends: what compiling them takes goes with it. */
import { parentPort, workerData } from 'node:worker_threads';
import { RuleHost } from '../rule-host';
import { keptRules, prepareRulesNow, type RuleSource, ruleFileText } from '../rule-loading';

if (!parentPort) throw new Error('this file is started as a worker thread');
const given = workerData as RuleSource & { files: RuleSource['files'] };
const { protocols } = new RuleHost();
parentPort.postMessage(keptRules(given, protocols) ?? prepareRulesNow(asText(), protocols));

/** The source with its files as text; their bytes, which would be there beside it all the while, are let go. */
function asText(): RuleSource {
  const files = given.files.map((file) => ({ path: file.path, text: ruleFileText(file) }));
  given.files = [];
  return { ...given, files };
}
