import { resolveConfiguration } from '@portcullis/configuration';
import { readRuleSource } from '@portcullis/daemon';
import { ruleFileText } from '@portcullis/engine';
import { isOn, parseRule, RuleError, type RuleLine, ruleLines, Variables } from '@portcullis/rules';
import { CommandError, Exit } from '../exit';
import { type ConfigOptions, configurationFile, loadOptions } from '../options';
import { formatCount, printJson, printLine, printTable } from '../print';
import { changeSettings } from '../settings-client';
import { terminalSafe } from '../terminal-safe';

export interface SignatureOptions extends ConfigOptions {
  json?: boolean;
}

export interface ListOptions extends SignatureOptions {
  search?: string;
  class?: string;
  off?: boolean;
  limit: number;
  offset: number;
}

/** A signature as the files and the settings have it. */
interface Signature {
  sid: number;
  rev: number;
  action: string;
  msg: string;
  class: string | null;
  priority: number;
  /** Whether it counts. */
  on: boolean;
  /** What says so: its file, or the settings. */
  by: 'file' | 'settings';
  file: string;
  line: number;
  /** Why it cannot be loaded. */
  error?: string;
  text: string;
}

function* signatures(options: ConfigOptions): Generator<Signature> {
  const { configuration } = resolveConfiguration({ ...loadOptions(options), settings: true });
  const source = readRuleSource(configuration, configurationFile(options));
  const switches = {
    disabled: new Set(configuration['disabled-rules']),
    enabled: new Set(configuration['enabled-rules']),
  };
  const { addressGroups, portGroups } = source;
  const variables = Variables.withDefaults({ addressGroups, portGroups });
  for (const file of source.files) {
    for (const line of ruleLines(ruleFileText(file))) {
      const on = isOn(line, switches);
      yield { ...describe(line, file.path, variables), on, by: on === line.active ? 'file' : 'settings' };
    }
  }
}

function describe({ rule }: RuleLine, file: string, variables: Variables): Omit<Signature, 'on' | 'by'> {
  const place = { file, line: rule.place(0).line, text: rule.text };
  const action = rule.text.slice(0, rule.text.search(/\s|$/));
  try {
    const { sid, rev, msg, classtype, priority } = parseRule(rule, { variables, file }, []);
    return { sid, rev, action, msg, class: classtype, priority, ...place };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return {
      sid: rule.sid(),
      rev: 0,
      action,
      msg: '',
      class: null,
      priority: 0,
      ...place,
      error: error.message,
    };
  }
}

function wanted({ search, class: classtype, off }: ListOptions): (signature: Signature) => boolean {
  const sought = search?.toLowerCase();
  return (signature) =>
    (sought === undefined ||
      signature.msg.toLowerCase().includes(sought) ||
      String(signature.sid) === sought) &&
    (classtype === undefined || signature.class === classtype) &&
    (!off || !signature.on);
}

export function list(options: ListOptions): void {
  const { limit, offset } = options;
  const fits = wanted(options);
  const page: Signature[] = [];
  let total = 0;
  for (const signature of signatures(options)) {
    if (!fits(signature)) continue;
    if (total >= offset && page.length < limit) page.push(signature);
    total++;
  }
  if (options.json) {
    printJson({ total, rules: page.map(({ text: _, ...rest }) => rest) });
    return;
  }
  if (total === 0) {
    printLine('No rule fits.');
    return;
  }
  printTable(
    ['SID', 'REV', 'ACTION', 'STATE', 'CLASS', 'MESSAGE'],
    page.map((signature) => [
      String(signature.sid),
      String(signature.rev),
      signature.action,
      stateOf(signature),
      signature.class ?? '',
      terminalSafe(signature.msg || (signature.error ?? '')),
    ]),
  );
  if (page.length < total)
    printLine(
      `${formatCount(offset + 1)} to ${formatCount(offset + page.length)} of ${formatCount(total)}; more with --offset ${offset + page.length}`,
    );
}

function stateOf({ on, by, error }: Signature): string {
  if (error !== undefined) return 'cannot be loaded';
  return `${on ? 'on' : 'off'}${by === 'settings' ? ' (settings)' : ''}`;
}

export function show(sid: number, options: SignatureOptions): void {
  const found = [...signatures(options)].filter((signature) => signature.sid === sid);
  if (found.length === 0) throw new CommandError(Exit.NOT_SO, `there is no rule with sid ${sid}`);
  if (options.json) {
    printJson(found);
    return;
  }
  for (const signature of found) {
    printLine(
      `${signature.sid} rev ${signature.rev}: ${stateOf(signature)}, ${signature.file}:${signature.line}`,
    );
    if (signature.error !== undefined) printLine(terminalSafe(signature.error));
    printLine(terminalSafe(signature.text));
  }
}

/** Of two lists of settings, one for each direction, a sid stands in the one that its file does not say already. */
export async function turn(on: boolean, sids: readonly number[], options: SignatureOptions): Promise<void> {
  const { configuration } = resolveConfiguration({ ...loadOptions(options), settings: true });
  const inFile = new Map<number, boolean>();
  for (const { sid, on: is, by } of signatures(options)) {
    const active = by === 'file' ? is : !is;
    inFile.set(sid, (inFile.get(sid) ?? false) || active);
  }
  for (const sid of sids) {
    if (!inFile.has(sid)) throw new CommandError(Exit.NOT_SO, `there is no rule with sid ${sid}`);
  }
  const named = new Set(sids);
  const others = (list: readonly number[]) => list.filter((sid) => !named.has(sid));
  const against = [...named].filter((sid) => inFile.get(sid) !== on);
  const disabled = [...others(configuration['disabled-rules']), ...(on ? [] : against)];
  const enabled = [...others(configuration['enabled-rules']), ...(on ? against : [])];
  const answer = await changeSettings(options, {
    set: [`disabled-rules=${JSON.stringify(disabled)}`, `enabled-rules=${JSON.stringify(enabled)}`],
  });
  if (options.json) printJson({ disabled, enabled, live: answer.live });
  else
    printLine(
      `${sids.join(', ')} ${sids.length === 1 ? 'is' : 'are'} ${on ? 'on' : 'off'}${answer.live ? '' : ' when the engine starts'}.`,
    );
}
