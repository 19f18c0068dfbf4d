import type { PortsRow, StatusAnswer, WebAddressesAnswer } from '@portcullis/control';
import type { Command } from 'commander';
import { ask, type ConfigOptions, withConfig, withJson } from '../options';
import { colour, formatCount, formatDuration, printJson, printLine, printTable } from '../print';
import { shownSettings } from '../settings-client';
import { printSettings } from './config';

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** Rules for any port that are named; `--json` names all. */
const MOST_SIDS = 10;

function anyPortText({ any_port_rules: count, any_port_sids: sids }: PortsRow): string {
  const more = count > MOST_SIDS ? `, … ('--json' names all)` : '';
  const are = count === 1 ? '1 rule is' : `${formatCount(count)} rules are`;
  return `${are} for any port: sid ${sids.slice(0, MOST_SIDS).join(', ')}${more}`;
}

function printStatus(status: StatusAnswer): void {
  const state = status.state !== 'disabled' ? colour.green(status.state) : colour.yellow(status.state);
  printLine(
    `Portcullis ${status.version} is ${state} (${status.mode} mode, up ${formatDuration(status.uptime_s)})`,
  );
  const { rules } = status;
  const failed = rules.failed > 0 ? colour.yellow(`, ${formatCount(rules.failed)} could not be loaded`) : '';
  printLine(`Rules    ${formatCount(rules.loaded)} loaded${failed}`);
  if (status.ports) {
    const { text, any_port_rules: wide, reply_payload: replies } = status.ports;
    printLine(`Ports    ${text}${replies ? '' : '; no rule looks at the payload of replies'}`);
    if (wide > 0) printLine(`         ${anyPortText(status.ports)}`);
  }
  if (status.decoy) {
    const { ports, open, accepted, refused } = status.decoy;
    printLine(
      `Decoys   ${ports}; ${formatCount(open)} connections open, ${formatCount(accepted)} accepted, ${formatCount(refused)} refused`,
    );
  }
  printLine(
    `Bans     ${formatCount(status.bans.active)} in force, ${formatCount(status.bans.dropped_packets)} packets dropped by them`,
  );
  printLine(
    `Traffic  ${formatCount(status.packets.received)} packets inspected, ${formatCount(status.packets.dropped)} dropped, ${formatCount(status.packets.uninspected)} passed uninspected`,
  );
  if (status.mirrors.length > 0) {
    printLine();
    printTable(
      ['WATCHED', 'FRAMES', 'LOST'],
      status.mirrors.map((mirror) => [
        mirror.interface,
        formatCount(mirror.captured),
        formatCount(mirror.lost),
      ]),
    );
  }
  if (status.web_addresses) printWebAddresses(status.web_addresses);
  if (status.queues.length === 0) return;
  printLine();
  printTable(
    ['QUEUE', 'FAIL-OPEN', 'GSO', 'LENGTH', 'WAITING', 'KERNEL DROPS', 'OVERRUNS'],
    status.queues.map((queue) => [
      String(queue.queue),
      yesNo(queue.fail_open),
      yesNo(queue.gso),
      formatCount(queue.max_length),
      formatCount(queue.waiting),
      formatCount(queue.kernel_dropped),
      formatCount(queue.overruns),
    ]),
  );
}

function printWebAddresses({ entries, bytes, loading, problem, lists }: WebAddressesAnswer): void {
  const megabytes = formatCount(Math.ceil(bytes / 1e6));
  const busy = loading ? ', being read' : '';
  printLine(`Web      ${formatCount(entries)} web addresses in ${megabytes} MB${busy}`);
  if (problem) printLine(colour.yellow(`         ${problem}`));
  if (lists.length === 0) return;
  printLine();
  printTable(
    ['LIST', 'CATEGORY', 'ADDRESSES', 'BAD LINES', 'AGE', 'STATE'],
    lists.map((list) => [
      list.name,
      list.category,
      formatCount(list.entries),
      formatCount(list.bad_lines),
      list.age_s === null ? '–' : formatDuration(list.age_s),
      list.problem === null ? 'in force' : colour.yellow(list.problem),
    ]),
  );
}

export function addStatusCommand(program: Command): void {
  withJson(withConfig(program.command('status').description('show what the engine is doing right now')))
    .option('--effective', 'also show every setting and where it comes from')
    .addHelpText('after', '\nExample:\n  sudo portcullis status --json | jq .bans.active')
    .action(async (options: ConfigOptions & { json?: boolean; effective?: boolean }) => {
      const status = await ask<StatusAnswer>(options, 'status');
      const settings = options.effective ? (await shownSettings(options)).settings : null;
      if (options.json) {
        printJson({ ...status, ...(settings && { settings }) });
        return;
      }
      printStatus(status);
      if (settings === null) return;
      printLine();
      printSettings(settings);
    });
}
