import type { Configuration } from '@portcullis/configuration';
import { ControlError, type ShownSettings, type StatusAnswer } from '@portcullis/control';
import { type EngineFacts, withEngineSettings } from './circumstances';
import { type Finding, failed, ok, unknown, warning } from './finding';
import type { Host } from './host';

/** Asks the engine what it does, and with which settings. */
export async function askForFacts(
  host: Host,
  configuration: Configuration,
): Promise<{ engine: EngineFacts; configuration: Configuration }> {
  const { socket } = configuration.control;
  try {
    const status = (await host.askEngine(socket, 'status')) as StatusAnswer;
    const { settings } = (await host.askEngine(socket, 'config.show')) as ShownSettings;
    return {
      engine: { status, problem: null, code: null },
      configuration: withEngineSettings(configuration, settings),
    };
  } catch (error) {
    const code = error instanceof ControlError ? error.code : 'SILENT';
    // The lock of a running engine is a name that everybody in the network namespace can see.
    const runs =
      code === 'ENGINE_UNREACHABLE' && / @portcullis-engine$/m.test(host.read('/proc/net/unix') ?? '');
    const { message } = error as Error;
    return { engine: { status: null, problem: message, code: runs ? 'ELSEWHERE' : code }, configuration };
  }
}

export function checkEngine({ status, problem, code }: EngineFacts, version: string): Finding {
  const name = 'engine';
  if (status !== null) {
    if (status.version === version)
      return ok(name, `version ${version}, up ${status.uptime_s} s, ${status.firewall}`);
    return warning(
      name,
      `version ${status.version} is running, ${version} is installed`,
      'restart the engine to change over',
    );
  }
  switch (code) {
    case 'PERMISSION':
      return unknown(name, problem, 'use sudo');
    case 'ELSEWHERE':
      return failed(
        name,
        `one is running, but ${problem}`,
        "name its configuration with --config (its 'control.socket' is another), or restart it",
      );
    case 'SILENT':
      return failed(name, problem, 'look into its log; restart it where it stays so');
    default:
      return failed(name, problem, "start it: 'systemctl start portcullis', or 'portcullis run --enable'");
  }
}

export function checkProtection({ status }: EngineFacts): Finding {
  const name = 'protection';
  if (status === null) return unknown(name, 'no engine answers');
  if (status.state === 'disabled') return warning(name, 'is off', "turn it on: 'portcullis enable'");
  const counts = `${status.bans.active} banned, ${status.packets.received} packets inspected`;
  return ok(name, `${status.state}, ${counts}`);
}

/** How often the engine had to put rules back that somebody else had changed. */
export function checkRepairs({ status }: EngineFacts): Finding {
  const name = 'firewall repairs';
  if (status === null) return unknown(name, 'no engine answers');
  const count = status.firewall_repairs;
  if (count === 0) return ok(name, 'nobody has changed our rules');
  return warning(
    name,
    `rules of ours were changed and put back ${count} times since the start`,
    'let the program that does so (a firewall manager, a script) leave chains and sets named portcullis* alone',
  );
}
