import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Configuration } from '@portcullis/configuration';
import {
  DEFAULT_BLOCK_PAGE,
  DEFAULT_KINDS,
  type DetectionPolicySettings,
  type RuleLists,
  type RuleSource,
} from '@portcullis/engine';
import { RuleStore, type RuleVersion } from '@portcullis/updates';
import { hostPolicy } from './host-policy';

/** Where the project's own rules stand. */
export const builtInRuleDirectory = resolve(__dirname, '..', '..', '..', 'rules');

/** Larger than any file of rules or lists there is; a mistyped path to something else is not read into memory. */
const LARGEST_FILE = 512 * 1024 * 1024;

export class RuleSourceError extends Error {
  readonly code = 'RULE_FILE_UNREADABLE';
}

/** Names in a folder that a pattern with `*` stands for. */
function listed(folder: string, pattern: string): string[] {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('[^/]*')}$`);
  return readdirSync(folder)
    .filter((name) => expression.test(name) && !name.startsWith('.'))
    .sort()
    .map((name) => join(folder, name));
}

/** Words that a `rule-files` entry may be instead of a path. */
const BUILT_IN = 'built-in';
export const FETCHED = 'fetched';

/** Where data sets are kept that rules name with `save` or `state`. */
export function dataSetDirectory(configuration: Configuration): string {
  return join(configuration['state-dir'], 'data-sets');
}

/** The versions of rules that `rules update` has fetched. */
export function ruleStore(configuration: Configuration): RuleStore {
  return new RuleStore(join(configuration['state-dir'], 'rule-sets'));
}

/** Files that a `rule-files` entry names: itself, the rules in it if it is a folder, or what its `*` stands for. */
function expand(entry: string, base: string, fetched: RuleVersion | null): string[] {
  if (entry === FETCHED)
    return (fetched?.sets ?? []).flatMap(({ files }) =>
      files.map((file) => join((fetched as RuleVersion).directory, file)),
    );
  if (entry === BUILT_IN) return listed(builtInRuleDirectory, '*.rules');
  const path = resolve(base, entry);
  try {
    const pattern = basename(path).includes('*');
    if (!pattern && !statSync(path).isDirectory()) return [path];
    const found = pattern ? listed(dirname(path), basename(path)) : listed(path, '*.rules');
    if (found.length > 0) return found;
  } catch (error) {
    throw new RuleSourceError(`rule-files: ${path}: ${(error as Error).message}`);
  }
  throw new RuleSourceError(`rule-files: ${path} stands for no rule file`);
}

function readText(path: string): string {
  return Buffer.from(readBytes(path).buffer).toString();
}

/** @returns bytes with a buffer of their own, which may be handed to another thread */
function readBytes(path: string): Uint8Array {
  try {
    if (statSync(path).size > LARGEST_FILE) throw new Error('is larger than 512 MiB');
    const bytes = readFileSync(path);
    return bytes.length === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes);
  } catch (error) {
    throw new RuleSourceError(`cannot read ${path}: ${(error as Error).message}`);
  }
}

/**
 * Reads the rule files that a configuration names.
 * @param fetched the version of fetched rules that counts; default the one in force
 * @throws RuleSourceError
 */
export function readRuleSource(
  configuration: Configuration,
  configurationFile: string | null,
  fetched: RuleVersion | null = ruleStore(configuration).current,
): RuleSource {
  const base = configurationFile === null ? process.cwd() : dirname(resolve(configurationFile));
  const files = configuration['rule-files'].flatMap((entry) => expand(entry, base, fetched));
  const classification = configuration['classification-file'];
  const portGroups = Object.entries(configuration.vars['port-groups']).map(([name, value]) => [
    name,
    String(value),
  ]);
  return {
    files: files.map((path) => ({ path, text: readBytes(path) })),
    switches: { disabled: configuration['disabled-rules'], enabled: configuration['enabled-rules'] },
    classification: classification === undefined ? null : readText(resolve(base, classification)),
    addressGroups: { ...homeNet(configuration), ...configuration.vars['address-groups'] },
    portGroups: Object.fromEntries(portGroups),
    policy: detectionPolicy(configuration, base),
    lists: ruleLists(configuration, base),
    actionOrder: configuration['action-order'],
    cacheDirectory: join(configuration['state-dir'], 'pattern-cache'),
    dataDirectory: dataSetDirectory(configuration),
  };
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

/** Files that rules ask beside the traffic. @throws RuleSourceError */
function ruleLists(configuration: Configuration, base: string): RuleLists {
  const thresholds = configuration['threshold-file'];
  const categories = configuration['reputation-categories-file'];
  const geo = configuration['geoip-database'];
  const folder = resolve(base, configuration['default-reputation-path'] ?? '.');
  const lists = configuration['reputation-files'];
  if (lists.length > 0 && categories === undefined)
    throw new RuleSourceError('reputation-files: a list needs reputation-categories-file beside it');
  return {
    ...(thresholds !== undefined && {
      thresholds: { path: resolve(base, thresholds), text: readText(resolve(base, thresholds)) },
    }),
    ...(categories !== undefined && {
      reputation: {
        categories: readText(resolve(base, categories)),
        lists: lists.map((name) => readText(resolve(folder, name))),
      },
    }),
    // Tens of megabytes: all threads use the same.
    ...(geo !== undefined && { geo: shared(readBytes(resolve(base, geo))) }),
  };
}

/** The configured rows come before the built-in ones: the first that fits counts. */
function detectionPolicy(configuration: Configuration, base: string): DetectionPolicySettings {
  const { 'web-addresses': addresses } = configuration;
  const { 'block-page': page } = addresses;
  return {
    kinds: [...configuration['detection-kinds'], ...DEFAULT_KINDS],
    responses: configuration['action-on-detect'],
    activityResponses: configuration['network-activity'],
    webAddressResponses: addresses.categories,
    blockPage: page === false ? null : page === true ? DEFAULT_BLOCK_PAGE : readText(resolve(base, page)),
    ...hostPolicy(configuration),
    bansWithoutHandshake: configuration['ban-without-handshake'],
  };
}

/** HOME_NET is what is protected, unless the configuration says otherwise; the host alone is no network to tell from others. */
function homeNet(configuration: Configuration): Record<string, string> {
  const { networks } = configuration.protect;
  if (networks.length === 0) return { HOME_NET: 'any', EXTERNAL_NET: 'any' };
  return { HOME_NET: `[${networks.join(',')}]`, EXTERNAL_NET: 'any' };
}
