import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  alertRecord,
  Replay,
  type ReplayOptions,
  type RuleLists,
  type RuleSummary,
  ruleClasses,
} from '@portcullis/engine';
import { defaultStreamOptions } from '@portcullis/reassembly';
import { parseAddress } from '@portcullis/wire';
import { type EngineSettings, engineSettings } from './engine-settings';
import { differingFields } from './eve-match';
import {
  type AlertFilter,
  capturePath,
  type JudgeTest,
  rulesPath,
  rulesText,
  testFolder,
} from './judge-test';

/** The engine holds what it needs for so many flows; no capture of these tests has more. */
const FLOWS = 4096;

export type Status =
  | 'passed'
  | 'failed'
  /** Its settings have no counterpart: not run. */
  | 'not applicable';

/** What became of one test: plain data that crosses processes. */
export interface Outcome {
  readonly test: string;
  readonly status: Status;
  /** Filters that were judged, and those that name fields which our records do not have. */
  readonly judged: number;
  readonly unjudged: number;
  /** Whether a rule of the test could not be loaded. */
  readonly refused: boolean;
  /** Why it did not pass, the first reason first. */
  readonly reasons: readonly string[];
  readonly seconds: number;
}

/** Outcome and what led to it. */
export interface Examination extends Outcome {
  readonly records: readonly unknown[];
}

/** Fields of EVE alert records that an alert of ours has too; filters that name others are not judged. */
const JUDGED_FIELDS =
  /^(event_type|alert\.[a-z_.]+|src_ip|src_port|dest_ip|dest_port|proto|app_proto|pcap_cnt|direction|tx_id|verdict\.action|vlan\[\d\])$/;

/** Why a rule is refused whose list is not there. */
const MISSING_FILE = /: cannot read .*: ENOENT/;

/** Whether all that the filter asks for is judged. */
export function isJudged(filter: AlertFilter): boolean {
  return Object.keys(filter.match).every((path) => JUDGED_FIELDS.test(path));
}

/** The files with lists that the test's settings name. */
function listsOf(test: JudgeTest, settings: EngineSettings): RuleLists {
  const { thresholds, reputationCategories, reputationLists, geoDatabase } = settings;
  const file = (path: string) => resolve(testFolder(test), path);
  const text = (path: string) => readFileSync(file(path), 'latin1');
  return {
    ...(thresholds !== null && { thresholds: { path: thresholds, text: text(thresholds) } }),
    ...(reputationCategories !== null && {
      reputation: { categories: text(reputationCategories), lists: reputationLists.map(text) },
    }),
    ...(geoDatabase !== null && { geo: readFileSync(file(geoDatabase)) }),
  };
}

function replayOptions(test: JudgeTest, settings: EngineSettings, addition: string): ReplayOptions {
  return {
    rules: {
      files: [{ path: rulesPath(test), text: `${rulesText(test)}\n${addition}` }],
      classification: null,
      addressGroups: settings.addressGroups,
      portGroups: settings.portGroups,
      lists: listsOf(test, settings),
      cacheDirectory: null,
      actionOrder: settings.actionOrder,
    },
    stream: {
      maxFlows: FLOWS,
      ...settings.stream,
      policy: { ...defaultStreamOptions.policy, midstream: settings.midstreamPolicy },
    },
    inline: settings.inline,
    decodePolicy: 'open',
    checksums: settings.checksums,
    protocols: { http: settings.http, smtp: settings.smtp, ftp: settings.ftp },
    fragments: settings.fragments,
    disabledProtocols: settings.disabledProtocols,
    matcher: settings.alertsPerPacket === null ? {} : { matches: settings.alertsPerPacket },
  };
}

const sameAddress = (a: string, b: string): boolean => String(parseAddress(a)) === String(parseAddress(b));

/** What is wrong with the number of records that match a filter; null when nothing is. */
function judge(filter: AlertFilter, records: readonly unknown[]): string | null {
  let matching = 0;
  let nearest: string[] | null = null;
  for (const record of records) {
    const differing = differingFields(record, filter.match, sameAddress);
    if (differing.length === 0) matching++;
    else if (nearest === null || differing.length < nearest.length) nearest = differing;
  }
  if (matching === filter.count) return null;
  const { event_type: _, ...rest } = filter.match;
  const near =
    matching < filter.count && nearest !== null && !nearest.includes('alert.signature_id')
      ? ` (others differ in ${nearest.join(', ')})`
      : '';
  return `got ${matching} wanted ${filter.count} of ${JSON.stringify(rest)}${near}`;
}

/** Rules that were not loaded, and that a filter expects nothing of: no proof of anything. */
function unproven(test: JudgeTest, rules: RuleSummary): string[] {
  if (test.alerts.some(({ count }) => count > 0) && rules.failed.length === 0) return [];
  const silent = new Set(
    test.alerts.filter(({ count }) => count === 0).map(({ match }) => match['alert.signature_id']),
  );
  const refused = rules.failed.filter(({ sid }) => silent.has(sid) || rules.loaded === 0);
  return refused.map(({ sid }) => `nothing is expected of sid ${sid}, which was not loaded`);
}

/**
 * Loads the rules of a test and replays its capture.
 * @param addition rules beside those of the test, and what is expected of them
 */
export async function examine(
  test: JudgeTest,
  addition: { rules: string; alerts: readonly AlertFilter[] } = { rules: '', alerts: [] },
): Promise<Examination> {
  const started = performance.now();
  const judged = [...test.alerts.filter(isJudged), ...addition.alerts];
  const records: unknown[] = [];
  const outcome = (status: Status, reasons: readonly string[], refused = false): Examination => ({
    test: test.test,
    status,
    judged: judged.length,
    unjudged: test.alerts.length + addition.alerts.length - judged.length,
    refused,
    reasons,
    seconds: (performance.now() - started) / 1000,
    records,
  });
  const { settings, notApplicable } = engineSettings(test);
  if (notApplicable.length > 0) return outcome('not applicable', notApplicable);
  try {
    const options = replayOptions(test, settings, addition.rules);
    const replay = await Replay.load(options);
    const { rules } = replay;
    const missing = rules.failed.filter(({ reason }) => MISSING_FILE.test(reason));
    if (missing.length > 0)
      return outcome(
        'not applicable',
        missing.map(({ sid }) => `sid ${sid}: the corpora do not have the list that it names`),
      );
    const classes = ruleClasses(options.rules);
    const result = replay.file(capturePath(test), (detection) => {
      records.push(alertRecord(detection, { classes, mode: settings.inline ? 'inline' : 'replay' }));
    });
    const wrong = judged
      .map((filter) => judge(filter, records))
      .filter((reason): reason is string => reason !== null);
    const refusals = rules.failed.map(({ sid, reason }) => `rule refused: sid ${sid}: ${reason}`);
    const reasons = [...wrong, ...unproven(test, rules)];
    if (reasons.length === 0) return outcome('passed', [], refusals.length > 0);
    if (result.error !== null) reasons.push(result.error);
    return outcome('failed', [...refusals, ...reasons], refusals.length > 0);
  } catch (error) {
    return outcome('failed', [`the engine threw: ${(error as Error).message}`]);
  }
}
