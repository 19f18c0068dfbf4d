/** What worker processes do. Everything that goes in and comes out is plain data. */

import { type CaptureFindings, ReferenceReplay, type RulesLoaded } from './agreement/replay-capture';
import { counterRules } from './verify/counter-rules';
import type { JudgeTest } from './verify/judge-test';
import { examine, type Outcome } from './verify/run-test';

export interface Jobs {
  verify: { input: JudgeTest; output: Outcome };
  evasion: { input: JudgeTest; output: Outcome };
  rules: { input: null; output: RulesLoaded };
  capture: { input: string; output: CaptureFindings };
}

export type JobName = keyof Jobs;

let reference: Promise<ReferenceReplay> | null = null;

function referenceReplay(): Promise<ReferenceReplay> {
  reference ??= ReferenceReplay.load();
  return reference;
}

export const jobs: { [K in JobName]: (input: Jobs[K]['input']) => Promise<Jobs[K]['output']> } = {
  async verify(test) {
    const { records: _, ...outcome } = await examine(test);
    return outcome;
  },
  async evasion(test) {
    const { records: _, ...outcome } = await examine(test, counterRules(test));
    return outcome;
  },
  async rules() {
    return (await referenceReplay()).rules;
  },
  async capture(pcap) {
    return (await referenceReplay()).find(pcap);
  },
};
