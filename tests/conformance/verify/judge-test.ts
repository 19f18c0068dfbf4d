import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { corporaPath, readJsonLines } from '../corpora';

export const JUDGE_FILE = 'judge-dev.jsonl';

/** How many EVE records match what. */
export interface AlertFilter {
  readonly count: number;
  readonly match: Readonly<Record<string, unknown>>;
}

/** One behaviour test of suricata-verify. */
export interface JudgeTest {
  readonly test: string;
  /** A1, A2: judged by counts of alerts; B: also addresses, ports, packet numbers, actions; C: also other fields. */
  readonly cls: 'A1' | 'A2' | 'B1' | 'B2' | 'C1' | 'C2';
  readonly proto: string;
  readonly rules: string;
  readonly pcap: string;
  readonly args: readonly string[];
  readonly suricata_yaml: string | null;
  readonly ips: boolean;
  readonly inline: boolean;
  readonly keywords: readonly string[];
  readonly alerts: readonly AlertFilter[];
}

export function readJudgeTests(): JudgeTest[] {
  return readJsonLines<JudgeTest>(JUDGE_FILE);
}

export const rulesPath = (test: JudgeTest): string => corporaPath('suricata-verify', test.rules);
export const capturePath = (test: JudgeTest): string => corporaPath('suricata-verify', test.pcap);
/** Where the test's own files lie (data sets, lists of thresholds). */
export const testFolder = (test: JudgeTest): string => dirname(rulesPath(test));
export const rulesText = (test: JudgeTest): string => readFileSync(rulesPath(test), 'latin1');
export const rulesName = (test: JudgeTest): string => basename(test.rules);

/** Tests of the evasions of HTTP servers: a table of their own. */
export const isEvasion = (test: JudgeTest): boolean => test.test.startsWith('http-evader/');
