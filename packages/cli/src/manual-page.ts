import { type CommandDescription, everyCommand, type OptionDescription, valueText } from './command-tree';
import { EXIT_MEANINGS } from './exit';
import { USUAL_FILE, USUAL_POLICY } from './options';

const FILES: readonly (readonly [string, string])[] = [
  [USUAL_FILE, 'local configuration'],
  [USUAL_POLICY, "the administration's policy, which wins over it; with one, protection is on by default"],
  ['/var/lib/portcullis', 'bans, settings made from the command line, registration (state-dir)'],
  ['/var/log/portcullis/eve.json', 'events, one JSON object a line (log-dir, outputs.eve)'],
  ['/run/portcullis/control.sock', 'where commands reach the engine (control.socket)'],
];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['PORTCULLIS_CONFIG', `names the configuration in place of ${USUAL_FILE}`],
  ['PORTCULLIS_POLICY', `names the policy in place of ${USUAL_POLICY}; empty: there is none`],
];

/** The program as a manual page, for man(1); see man(7) for the language. */
export function manualPage(program: CommandDescription, version: string): string {
  return [
    `.TH PORTCULLIS 8 "" "portcullis ${version}" "System administration"`,
    '.SH NAME',
    'portcullis \\- network threat protection for Linux gateways and endpoints',
    '.SH SYNOPSIS',
    '.B portcullis',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    text(
      'Portcullis takes inbound traffic from the kernel (NFQUEUE), reassembles TCP, parses protocols and matches signatures written in the rule language of Suricata. A packet that carries an attack is not delivered, its source is banned in the kernel for a while, and an event tells who did what and what was done about it.',
    ),
    '.SH OPTIONS',
    ...program.options.flatMap(optionLines),
    '.SH COMMANDS',
    ...everyCommand(program)
      .filter(({ path, commands }) => path.length > 0 && commands.length === 0)
      .flatMap(commandLines),
    '.SH EXIT STATUS',
    ...EXIT_MEANINGS.flatMap(([code, meaning]) => item(`.B ${code}`, meaning)),
    '.SH FILES',
    ...FILES.flatMap(([path, meaning]) => item(`.I ${text(path)}`, meaning)),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, meaning]) => item(`.B ${text(name)}`, meaning)),
    '.SH SEE ALSO',
    '.BR iptables (8),',
    '.BR ipset (8),',
    '.BR systemctl (1)',
    '',
  ].join('\n');
}

function commandLines({ path, description, values, options, notes }: CommandDescription): string[] {
  const described = values.filter((value) => value.description !== '');
  return [
    `.SS ${text(['portcullis', ...path, ...values.map(valueText)].join(' '))}`,
    text(`${description.charAt(0).toUpperCase()}${description.slice(1)}.`),
    ...described.flatMap((value) => item(`.I ${text(valueText(value))}`, value.description)),
    ...options.flatMap(optionLines),
    ...(notes === '' ? [] : ['.P', '.nf', ...notes.split('\n').map(text), '.fi']),
  ];
}

function optionLines({ flags, description }: OptionDescription): string[] {
  return item(`.B ${text(flags)}`, description);
}

function item(term: string, meaning: string): string[] {
  return ['.TP', term, text(meaning)];
}

/** A line that no request of the language can begin, with hyphens that can be copied. */
function text(line: string): string {
  return line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replace(/^(?=[.'])/, '\\&');
}
