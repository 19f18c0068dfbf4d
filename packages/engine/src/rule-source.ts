import { type ActionOrder, listsAreCurrent, type ReadLists, type ReadReputation } from '@portcullis/matcher';
import {
  type Classification,
  type PortRange,
  parseClassification,
  STANDARD_CLASSIFICATION,
} from '@portcullis/rules';
import type { DetectionPolicySettings } from './detection-policy';

/** What rules may ask besides the traffic, and what is done with their matches: plain data that crosses threads. */
export interface RuleLists {
  /** A threshold.config. */
  thresholds?: { path: string; text: string };
  /** For `iprep`: texts of a categories file, and of lists of addresses. */
  reputation?: { categories: string; lists: readonly string[] };
  /** For `geoip`: a MaxMind database. */
  geo?: Uint8Array;
}

/** Rule files, and what their variables stand for: plain data that crosses threads. */
export interface RuleSource {
  /** Their text, or its bytes in UTF-8. */
  files: readonly { path: string; text: string | Uint8Array }[];
  /** Signatures that are to be the other way than their files have them, by sid. */
  switches?: { disabled: readonly number[]; enabled: readonly number[] };
  /** Text of a classification.config; null: the classes everybody has. */
  classification: string | null;
  addressGroups: Readonly<Record<string, string>>;
  portGroups: Readonly<Record<string, string>>;
  /** What is done about matches; absent: what is usual. */
  policy?: DetectionPolicySettings;
  lists?: RuleLists;
  /** Which of the rules that match one packet count first; absent: as Suricata has it. */
  actionOrder?: ActionOrder;
  /** Compiled rules and pattern databases are kept here; null: nowhere. */
  cacheDirectory: string | null;
  /** Where data sets are kept from one run to the next (`state`); absent: beside the rules. */
  dataDirectory?: string;
}

/** What came of loading rules, as plain data. */
export interface RuleSummary {
  loaded: number;
  failed: FailedRuleSummary[];
  disabled: number;
  seconds: number;
  ports: { ranges: PortRange[]; anyPortRules: number[]; named: PortRange[] };
  /** A rule looks at what services answer over TCP. */
  replyPayload: boolean;
  /** Protocols other than TCP that rules look at. */
  datagrams: ('udp' | 'icmp')[];
}

export interface FailedRuleSummary {
  file: string;
  line: number;
  sid: number;
  reason: string;
}

/** `RuleLists` as they were read, in memory that threads share. */
export interface ConfiguredLists extends Omit<RuleLists, 'reputation'> {
  reputation?: ReadReputation;
}

/** The same with those that rules name. */
export interface PreparedLists extends ConfiguredLists {
  named: ReadLists;
}

/** The rules of a source in the form that threads share: plain data. */
export interface PreparedRules extends Omit<RuleSource, 'files' | 'lists'> {
  packed: Uint8Array<SharedArrayBuffer>;
  lists?: PreparedLists;
}

/** What the classes of the rules are called, and their priorities. */
export function ruleClasses(source: Pick<RuleSource, 'classification'>): Classification {
  return source.classification === null
    ? STANDARD_CLASSIFICATION
    : parseClassification(source.classification).classes;
}

/** Text of a rule file of a source. */
export function ruleFileText({ text }: RuleSource['files'][number]): string {
  return typeof text === 'string' ? text : Buffer.from(text.buffer, text.byteOffset, text.length).toString();
}

/** `file:line: sid N: reason`. */
export function describeFailedRule({ file, line, sid, reason }: FailedRuleSummary): string {
  return `${file}:${line}: sid ${sid}: ${reason}`;
}

/** Whether the files that rules name are still what they were when the rules were prepared. */
export function listsOfRulesAreCurrent({ lists }: PreparedRules): boolean {
  return lists === undefined || listsAreCurrent(lists.named);
}
