import { type Configuration, type LoadOptions, resolveConfiguration } from '@portcullis/configuration';
import { describeFailedRule, Replay } from '@portcullis/engine';
import { Registration } from '../registration';
import { readRuleSource } from '../rule-source';
import type { EngineFacts } from './circumstances';
import { type Finding, failed, ok, warning } from './finding';

const CONFIRM_SETTINGS =
  "look at 'portcullis config show', then 'portcullis config set' anything that is missing";

/** What is configured, or null with what is wrong. */
export function checkConfiguration(options: LoadOptions): {
  configuration: Configuration | null;
  findings: Finding[];
} {
  const from = options.file ?? 'no file, the defaults count';
  const policyText = options.policy ? `read from ${options.policy}` : 'none';
  try {
    const { configuration, warnings } = resolveConfiguration({ ...options, settings: true });
    const doubts = warnings.map((doubt) => warning('settings', doubt, CONFIRM_SETTINGS));
    return { configuration, findings: [ok('configuration', from), ...doubts, ok('policy', policyText)] };
  } catch (error) {
    const { message } = error as Error;
    const problem = failed(
      'configuration',
      message.replaceAll('\n', '; '),
      "correct that line; 'portcullis config check' reads it again",
    );
    return { configuration: null, findings: [problem] };
  }
}

/** The processing mode, as the registration has it. */
export function checkRegistration(stateDirectory: string): Finding {
  try {
    const registered = new Registration(stateDirectory).read();
    if (registered === null) return ok('registration', 'not registered: Standard mode');
    return ok('registration', `${registered.mode} mode since ${registered.registered}`);
  } catch (error) {
    return failed(
      'registration',
      (error as Error).message,
      "'portcullis service unregister', then 'portcullis service register --mode …'",
    );
  }
}

/** Files can be read; rules load. Without an engine they are loaded here, to see. */
export async function checkRules(
  configuration: Configuration,
  configurationFile: string | null,
  engine: EngineFacts,
): Promise<Finding[]> {
  const files = 'rule files';
  const name = 'rules';
  let source: ReturnType<typeof readRuleSource>;
  try {
    source = readRuleSource(configuration, configurationFile);
  } catch (error) {
    const mend = "correct 'rule-files' or the file; until then neither a start nor a reload works";
    return [
      failed(files, (error as Error).message, mend),
      ...(engine.status ? [inForce(engine.status.rules)] : []),
    ];
  }
  const readable = ok(files, `${source.files.length} can be read`);
  if (engine.status !== null && engine.status.state !== 'disabled')
    return [readable, inForce(engine.status.rules)];
  try {
    const replay = await Replay.load({
      rules: { ...source, cacheDirectory: null },
      stream: {},
      inline: false,
      decodePolicy: 'open',
    });
    const { loaded, failed: wrong } = replay.rules;
    return [
      readable,
      judged(loaded, wrong.length, 'can be loaded', wrong[0] && describeFailedRule(wrong[0])),
    ];
  } catch (error) {
    return [
      readable,
      failed(name, (error as Error).message, "'portcullis rules check FILE…' names what is wrong"),
    ];
  }
}

function inForce({ loaded, failed: wrong }: { loaded: number; failed: number }): Finding {
  return judged(loaded, wrong, 'in force');
}

function judged(loaded: number, wrong: number, are: string, first?: string): Finding {
  const name = 'rules';
  const mend = "'portcullis rules check FILE…' names them with line and reason";
  if (loaded === 0) return failed(name, `none ${are}, ${wrong} could not be loaded`, mend);
  if (wrong === 0) return ok(name, `${loaded} ${are}`);
  const example = first === undefined ? '' : ` (${first})`;
  return warning(name, `${loaded} ${are}, ${wrong} could not be loaded${example}`, mend);
}
