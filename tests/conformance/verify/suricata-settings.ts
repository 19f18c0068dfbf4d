/** The settings of a behaviour test, from its command line and its suricata.yaml, as pairs of name and value. */

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { corporaPath } from '../corpora';
import { type JudgeTest, testFolder } from './judge-test';

export interface Setting {
  /** Path in suricata.yaml (`stream.midstream`), or a command line option (`--simulate-ips`). */
  readonly name: string;
  readonly value: unknown;
}

/** Options of Suricata's command line that take a value as the next word. */
const WITH_VALUE: ReadonlySet<string> = new Set(['-k', '--set', '--runmode', '--data-dir']);

function commandLine(test: JudgeTest): Setting[] {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: so it stands in the tests.
  const words = test.args.flatMap((arg) => arg.replaceAll('${TEST_DIR}', testFolder(test)).split(/\s+/));
  const settings: Setting[] = [];
  const filter: string[] = [];
  for (let at = 0; at < words.length; at++) {
    let word = words[at];
    let value: string | null = null;
    const equals = word.indexOf('=');
    if (word.startsWith('--') && equals > 0) {
      value = word.slice(equals + 1);
      word = word.slice(0, equals);
    } else if (WITH_VALUE.has(word)) {
      value = words[++at] ?? '';
    }
    if (word === '--set') {
      const [name, ...rest] = (value ?? '').split('=');
      settings.push({ name, value: rest.join('=') });
    } else if (word.startsWith('-')) {
      settings.push({ name: word, value });
    } else if (word !== '') {
      filter.push(word);
    }
  }
  if (filter.length > 0) settings.push({ name: 'packet filter', value: filter.join(' ') });
  return settings;
}

/** Subtrees that are one setting. */
const WHOLE: ReadonlySet<string> = new Set([
  'action-order',
  'default-rule-path',
  'host-os-policy',
  'include',
  'rule-files',
]);
/** What Suricata writes and where, which no alert depends on. */
const OUTPUT = /^(outputs|logging|stats|default-log-dir|run-as|unix-command|pid-file)$/;

function flatten(value: unknown, name: string, into: Setting[]): void {
  const isTree = typeof value === 'object' && value !== null && !Array.isArray(value) && !WHOLE.has(name);
  if (!isTree) {
    into.push({ name, value });
    return;
  }
  for (const [key, inner] of Object.entries(value as Record<string, unknown>)) {
    if (name === '' && OUTPUT.test(key)) continue;
    flatten(inner, name === '' ? key : `${name}.${key}`, into);
  }
}

/** Settings in the order in which they take effect: those of the command line last. */
export function settingsOf(test: JudgeTest): Setting[] {
  const settings: Setting[] = [];
  if (test.suricata_yaml !== null) {
    const text = readFileSync(corporaPath('suricata-verify', test.suricata_yaml), 'utf8');
    // Suricata takes YAML 1.1, where yes and no are truth values.
    flatten(parse(text, { version: '1.1', strict: false, logLevel: 'silent' }), '', settings);
  }
  return [...settings, ...commandLine(test)];
}
