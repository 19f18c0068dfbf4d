import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RuleHost } from './rule-host';
import { keptRules, prepareRulesNow } from './rule-preparation';
import { type PreparedRules, type RuleSource, ruleFileText } from './rule-source';

/** The compiled entry of a thread that prepares rules. */
const preparingWorkerPath = join(__dirname, 'worker', 'prepare.js');

/**
 * Rules that were compiled before, read in this thread: a tenth of a second for a large set.
 * @returns null where they are not kept, or come with lists, which are read apart
 */
export function keptRulesNow(source: RuleSource): PreparedRules | null {
  return keptRules(source, new RuleHost().protocols);
}

/** Collecting garbage more often takes a little longer, and tens of megabytes less beside the rules in force. */
const YOUNG_MEGABYTES = 8;
/** Bytes of rules that are compiled sooner than a thread comes up. */
const SMALL = 256 * 1024;
/** Keywords that name files, which may be of any size. */
const NAMES_FILES = /dataset|datarep|filemd5|filesha/;

function isQuick(source: RuleSource): boolean {
  const size = source.files.reduce((sum, { text }) => sum + text.length, 0);
  if (source.lists?.reputation !== undefined) return false;
  return size <= SMALL && !source.files.some((file) => NAMES_FILES.test(ruleFileText(file)));
}

/**
 * Prepares rules in a thread of its own, which ends with it; few rules in this one. Texts of the source that are bytes
 * are handed over: they may be empty afterwards.
 * @throws the thread's error
 */
export async function prepareRulesApart(source: RuleSource): Promise<PreparedRules> {
  if (isQuick(source)) return prepareRulesNow(source, new RuleHost().protocols);
  const transferList = source.files.flatMap(({ text }) =>
    typeof text !== 'string' && text.buffer instanceof ArrayBuffer ? [text.buffer] : [],
  );
  const worker = new Worker(preparingWorkerPath, {
    workerData: source,
    transferList,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) =>
      reject(new Error(`the thread that prepares the rules ended with code ${code} before they were there`)),
    );
  });
}
