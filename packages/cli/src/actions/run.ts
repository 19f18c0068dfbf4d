import type { StatusAnswer } from '@portcullis/control';
import { engineVersion, type Logger, PortcullisDaemon } from '@portcullis/daemon';
import { AlertLines } from '../alert-lines';
import { CommandError, Exit } from '../exit';
import { type ConfigOptions, configurationFile, policyFile } from '../options';
import { colour, formatCount, printLine } from '../print';
import { shown } from '../terminal-safe';

export interface RunOptions extends ConfigOptions {
  enable?: boolean;
  purge?: boolean;
}

/** A line that continues another has no time, so that nothing in a message can look like a line of its own. */
const CONTINUED = `\n${' '.repeat(9)}`;

function jsonLogger(): Logger {
  const { default: pino } = require('pino') as typeof import('pino');
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });
  return {
    info: (message) => log.info(shown(message, false)),
    warn: (message) => log.warn(shown(message, false)),
    error: (message) => log.error(shown(message, false)),
  };
}

/** For a person a short line; for a service manager or a log collector JSON. */
function makeLogger(): Logger {
  if (!process.stdout.isTTY && !process.env.PORTCULLIS_LOG_TEXT) return jsonLogger();
  const line = (mark: string) => (message: string) =>
    printLine(
      `${colour.dim(new Date().toTimeString().slice(0, 8))} ${mark}${shown(message, false).replaceAll('\n', CONTINUED)}`,
    );
  return { info: line(''), warn: line(colour.yellow('warning: ')), error: line(colour.red('error: ')) };
}

function sourcesText({ mirrors, ports, queues, firewall }: StatusAnswer): string {
  if (mirrors.length > 0) return `watching ${mirrors.map((mirror) => mirror.interface).join(' and ')}`;
  return `${ports?.text}, queues ${queues.map(({ queue }) => queue).join(' and ')}, ${firewall}`;
}

export async function run(options: RunOptions): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new CommandError(
      Exit.PERMISSION,
      "the engine needs root (CAP_NET_ADMIN and CAP_NET_RAW): use sudo, or 'portcullis replay' for captures",
    );
  const logger = makeLogger();
  const daemon = new PortcullisDaemon({
    configurationFile: configurationFile(options),
    overrides: options.set ?? [],
    policyFile: policyFile(),
    enable: options.enable ?? false,
    logger,
    version: engineVersion(),
  });
  const alerts = new AlertLines(logger);
  daemon.on('alert', (record) => alerts.tell(record));
  // Listened to from the beginning: a signal that comes while the rules are being installed must not end the process
  // with half of them in the kernel.
  let started = false;
  let reloadWanted = false;
  const reload = () => {
    daemon
      .reload()
      .catch((error: Error) => logger.error(`not reloaded, the old settings stay: ${error.message}`));
  };
  process.on('SIGHUP', () => {
    if (started) reload();
    else reloadWanted = true;
  });
  const ended = new Promise<void>((resolve) => {
    process.on('SIGINT', () => resolve());
    process.on('SIGTERM', () => resolve());
  });
  await daemon.start();
  started = true;
  if (reloadWanted) reload();
  const status = await daemon.status();
  logger.info(
    daemon.protecting
      ? `${status.state}: ${formatCount(status.rules.loaded)} rules, ${sourcesText(status)}`
      : "running, protection is off: turn it on with 'portcullis enable'",
  );
  if (status.bans.active > 0) logger.info(`${formatCount(status.bans.active)} devices are blocked`);

  await ended;
  const { bansLeft, bypassKept } = await daemon.stop({ purge: options.purge ?? false });
  alerts.close();
  logger.info('stopped: the rules are gone, traffic passes uninspected');
  if (bansLeft > 0)
    logger.info(
      `${formatCount(bansLeft)} bans stay in force until their time is up; 'portcullis run --purge' or 'ipset flush portcullis_ban4; ipset flush portcullis_ban6' lifts them`,
    );
  if (bypassKept) logger.info('the chain portcullis_bypass holds rules of yours and was left in place');
}
