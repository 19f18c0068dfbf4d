import { type Place, RuleError } from './ast';

/** The version of Suricata whose language this is: what `requires: version …` is compared with. */
export const LANGUAGE_VERSION: readonly [number, number, number] = [8, 0, 7];

type Version = readonly [number, number, number];

/** What a rule asks of the engine before it is used at all. */
export interface Requirements {
  /** The version is one of those that are asked for. */
  readonly version: boolean;
  readonly keywords: readonly string[];
  readonly features: readonly string[];
  /** Words whose meaning is not known: what they ask for is not there. */
  readonly unknown: readonly string[];
}

function versionOf(text: string, place: Place): Version {
  const form = /^(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?(?:-\w+)?$/.exec(text);
  if (!form) throw new RuleError(`requires: '${text.slice(0, 40)}' is not a version`, place);
  return [Number(form[1]), Number(form[2] ?? 0), Number(form[3] ?? 0)];
}

function order(a: Version, b: Version): number {
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}

/** `>= 7.0.3 < 8 | >= 9`: any of the alternatives, all of an alternative's comparisons. */
function versionHolds(text: string, place: Place): boolean {
  let any = false;
  for (const alternative of text.split('|')) {
    let all = true;
    let rest = alternative.trim();
    if (rest === '') throw new RuleError('requires: a version is missing', place);
    while (rest !== '') {
      const form = /^(>=|<=|>|<)\s*([^\s<>=]+)\s*(.*)$/s.exec(rest);
      if (!form) throw new RuleError(`requires: '${rest.slice(0, 40)}' is not a comparison`, place);
      const difference = order(LANGUAGE_VERSION, versionOf(form[2], place));
      const holds =
        form[1] === '>='
          ? difference >= 0
          : form[1] === '<='
            ? difference <= 0
            : form[1] === '>'
              ? difference > 0
              : difference < 0;
      if (!holds) all = false;
      rest = form[3];
    }
    if (all) any = true;
  }
  return any;
}

/**
 * Reads `version >= 8, keyword foo, feature bar`.
 * @throws RuleError where a version is none
 */
export function parseRequires(value: string, place: Place): Requirements {
  let version = true;
  const keywords: string[] = [];
  const features: string[] = [];
  const unknown: string[] = [];
  for (const part of value.split(',')) {
    const form = /^\s*(\S+)\s*(.*?)\s*$/s.exec(part);
    if (!form) throw new RuleError('requires: a requirement is missing', place);
    const [, word, argument] = form;
    if (word === 'version') version = versionHolds(argument, place) && version;
    else if (word === 'keyword') keywords.push(argument.toLowerCase());
    else if (word === 'feature') features.push(argument);
    else unknown.push(word);
  }
  return { version, keywords, features, unknown };
}

/**
 * Whether the rule is for another version, whatever else it is: it may be written in a language that is not known
 * here, and nothing but this option of it is read.
 */
export function isForOtherVersion(rule: string): boolean {
  if (!rule.includes('requires')) return false;
  for (const found of rule.matchAll(/[(;]\s*requires\s*:\s*([^;]*);/g)) {
    try {
      if (!parseRequires(found[1], { line: 1, column: 1 }).version) return true;
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      // It is told of when the rule is read.
    }
  }
  return false;
}
