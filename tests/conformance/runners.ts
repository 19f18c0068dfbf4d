/** The three runners: what they run, and what came of it. */

import { existsSync, statSync } from 'node:fs';
import { type Comparison, compare } from './agreement/compare';
import { type ReferenceCapture, readReference, referenceCapturePath } from './agreement/reference';
import type { CaptureFindings, RulesLoaded } from './agreement/replay-capture';
import { isEvasion, type JudgeTest, readJudgeTests } from './verify/judge-test';
import type { Examined } from './verify/report';
import type { Outcome } from './verify/run-test';
import type { WorkerPool } from './worker-pool';

/** Seconds after which one test, or one capture, is given up. */
const TEST_SECONDS = 60;
const CAPTURE_SECONDS = 120;

function unfinished(test: JudgeTest, reason: string): Outcome {
  return {
    test: test.test,
    status: 'failed',
    judged: 0,
    unjudged: 0,
    refused: false,
    reasons: [reason],
    seconds: 0,
  };
}

export interface TestFilter {
  readonly classes?: readonly string[] | undefined;
  readonly protocol?: string | undefined;
  readonly keyword?: string | undefined;
  /** Name of a test, or what names begin with. */
  readonly test?: string | undefined;
}

/** @param evasions those of HTTP servers, or all others */
export function chooseTests(evasions: boolean, filter: TestFilter): JudgeTest[] {
  const { classes, protocol, keyword, test: name } = filter;
  const chosen = readJudgeTests().filter(
    (test) =>
      isEvasion(test) === evasions &&
      (classes === undefined || classes.some((cls) => test.cls.startsWith(cls))) &&
      (protocol === undefined || test.proto === protocol) &&
      (keyword === undefined || test.keywords.includes(keyword)),
  );
  if (name === undefined) return chosen;
  const exact = chosen.filter(({ test }) => test === name);
  return exact.length > 0 ? exact : chosen.filter(({ test }) => test.startsWith(name));
}

export async function runTests(pool: WorkerPool, tests: readonly JudgeTest[]): Promise<Examined[]> {
  const job = tests.some(isEvasion) ? 'evasion' : 'verify';
  const outcomes = await pool.map(job, tests, TEST_SECONDS, unfinished);
  return outcomes.map((outcome, place) => ({ test: tests[place], outcome }));
}

export interface AgreementResult {
  readonly comparison: Comparison;
  readonly rules: RulesLoaded;
  readonly findings: readonly CaptureFindings[];
}

/** Captures that the reference read, and that are there: file systems differ in the names they can hold. */
export function chooseCaptures(name?: string): ReferenceCapture[] {
  const read = readReference().filter(
    ({ error, pcap }) => error === undefined && existsSync(referenceCapturePath(pcap)),
  );
  return name === undefined ? read : read.filter(({ pcap }) => pcap.includes(name));
}

export async function runAgreement(
  pool: WorkerPool,
  captures: readonly ReferenceCapture[],
  /** Only alerts of this rule count; null: all. */
  sid: number | null = null,
): Promise<AgreementResult> {
  const unread = { loaded: 0, failed: [], seconds: 0 };
  const [rules] = await pool.map('rules', [null], CAPTURE_SECONDS, (_, reason) => ({
    ...unread,
    failed: [{ file: '', line: 0, sid: 0, reason }],
  }));
  const size = ({ pcap }: ReferenceCapture) => statSync(referenceCapturePath(pcap)).size;
  // The long ones first: none of them is left for the end.
  const names = captures
    .map((capture) => ({ pcap: capture.pcap, size: size(capture) }))
    .sort((a, b) => b.size - a.size)
    .map(({ pcap }) => pcap);
  const findings = await pool.map('capture', names, CAPTURE_SECONDS, (pcap, error) => ({
    pcap,
    packets: 0,
    bytes: 0,
    seconds: 0,
    alerts: [],
    error,
  }));
  const counted =
    sid === null
      ? findings
      : findings.map((one) => ({ ...one, alerts: one.alerts.filter((alert) => alert.sid === sid) }));
  return { comparison: compare(captures, counted), rules, findings };
}
