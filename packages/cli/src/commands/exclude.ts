import { type Command, Option } from 'commander';
import { CommandError, Exit } from '../exit';
import { type ConfigOptions, parseWholeNumber, withConfig, withJson } from '../options';
import { printJson, printLine, printTable } from '../print';
import { changeSettings, shownSettings } from '../settings-client';

interface Options extends ConfigOptions {
  json?: boolean;
}

/** An exclusion as the configuration has it. */
interface Exclusion {
  src?: string;
  dst?: string;
  iface?: string;
  vlan?: number;
  port?: { first: number; last: number } | string;
  rule: string;
}

interface AddOptions extends Options {
  src?: string;
  dst?: string;
  iface?: string;
  vlan?: number;
  port?: string;
  rule: string;
  at?: number;
}

async function exclusionsOf(options: Options): Promise<Exclusion[]> {
  const { settings } = await shownSettings(options);
  return (settings.find(({ key }) => key === 'exclusions')?.value ?? []) as Exclusion[];
}

function portText(port: Exclusion['port']): string {
  if (port === undefined) return '';
  if (typeof port === 'string') return port;
  return port.first === port.last ? `${port.first}` : `${port.first}-${port.last}`;
}

function printExclusions(exclusions: readonly Exclusion[]): void {
  if (exclusions.length === 0) {
    printLine('Nothing is excluded.');
    return;
  }
  printTable(
    ['NO', 'FROM', 'TO', 'INTERFACE', 'VLAN', 'PORT', 'RULE'],
    exclusions.map(({ src, dst, iface, vlan, port, rule }, place) => [
      String(place + 1),
      src ?? 'any',
      dst ?? 'any',
      iface ?? 'any',
      vlan === undefined ? 'any' : String(vlan),
      portText(port) || 'any',
      rule,
    ]),
  );
}

async function store(options: Options, exclusions: readonly Exclusion[]): Promise<void> {
  const written = exclusions.map(({ port, ...rest }) => ({
    ...rest,
    ...(port !== undefined && { port: portText(port) }),
  }));
  const answer = await changeSettings(options, { set: [`exclusions=${JSON.stringify(written)}`] });
  const now = await exclusionsOf(options);
  if (options.json) {
    printJson({ exclusions: now, live: answer.live });
    return;
  }
  printExclusions(now);
  if (!answer.live) printLine('The engine is not running; this takes effect when it starts.');
}

async function add({ src, dst, iface, vlan, port, rule, at, ...options }: AddOptions): Promise<void> {
  const exclusions = await exclusionsOf(options);
  const made: Exclusion = {
    ...(src !== undefined && { src }),
    ...(dst !== undefined && { dst }),
    ...(iface !== undefined && { iface }),
    ...(vlan !== undefined && { vlan }),
    ...(port !== undefined && { port }),
    rule,
  };
  const place = at ?? exclusions.length + 1;
  if (place < 1 || place > exclusions.length + 1)
    throw new CommandError(Exit.USAGE, `--at takes 1 … ${exclusions.length + 1}`);
  await store(options, exclusions.toSpliced(place - 1, 0, made));
}

async function remove(number: number, options: Options): Promise<void> {
  const exclusions = await exclusionsOf(options);
  if (number < 1 || number > exclusions.length)
    throw new CommandError(
      Exit.NOT_SO,
      `there is no exclusion ${number}; 'portcullis exclude list' shows them`,
    );
  await store(options, exclusions.toSpliced(number - 1, 1));
}

export function addExcludeCommands(program: Command): void {
  const exclude = program
    .command('exclude')
    .description('list connections that are never blocked, or not inspected at all; the first match counts');
  withJson(withConfig(exclude.command('list').description('show what is excluded, in order')))
    .addHelpText('after', '\nExample:\n  portcullis exclude list')
    .action(async (options: Options) => {
      const exclusions = await exclusionsOf(options);
      if (options.json) printJson({ exclusions });
      else printExclusions(exclusions);
    });
  withJson(withConfig(exclude.command('add').description('exclude connections; takes effect at once')))
    .option('--src <prefix>', 'address or prefix of whoever opens the connection')
    .option('--dst <prefix>', 'address or prefix the connection goes to')
    .option('--iface <name>', 'interface it arrives on')
    .option('--vlan <id>', 'VLAN it arrives on', parseWholeNumber)
    .option('--port <range>', 'destination port or range, TCP or UDP')
    .addOption(
      new Option(
        '--rule <rule>',
        'do-not-scan: not inspected; do-not-block: inspected and reported, never blocked',
      )
        .choices(['do-not-scan', 'do-not-block'])
        .default('do-not-block'),
    )
    .option('--at <n>', 'position in the list (default: the end)', parseWholeNumber)
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis exclude add --src 192.0.2.10 --rule do-not-scan\n  portcullis exclude add --src 10.0.0.0/8 --port 443 --at 1',
    )
    .action(add);
  withJson(withConfig(exclude.command('remove <n>').description('remove the n-th exclusion of the list')))
    .addHelpText('after', '\nExample:\n  portcullis exclude remove 1')
    .action((number: string, options: Options) => remove(parseWholeNumber(number), options));
}
