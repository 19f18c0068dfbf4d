import type { EventEmitter } from 'node:events';
import type { Argument, Command, Option } from 'commander';

/** What stands where a value is wanted. */
export interface ValueDescription {
  /** As help shows it: `file`, `key=value`. */
  name: string;
  required: boolean;
  several: boolean;
  /** The values there are, where they are few. */
  choices: readonly string[];
  /** The name of a file or folder. */
  file: boolean;
}

export interface OptionDescription {
  /** As help shows it: `-n, --lines <n>`. */
  flags: string;
  /** Each way to write it: `-n`, `--lines`. */
  names: readonly string[];
  value: ValueDescription | null;
  description: string;
}

/** A command of the program and those below it, as data: shell completion and the manual page are written from it. */
export interface CommandDescription {
  /** Words behind `portcullis`; none for the program itself. */
  path: readonly string[];
  description: string;
  values: readonly (ValueDescription & { description: string })[];
  options: readonly OptionDescription[];
  /** What help has below the options: examples. */
  notes: string;
  commands: readonly CommandDescription[];
}

/** Names of values that stand for files. */
const FILE_VALUES: ReadonlySet<string> = new Set(['file', 'capture']);

export function describeCommand(command: Command, path: readonly string[] = []): CommandDescription {
  const help = command.createHelp();
  return {
    path,
    description: command.description(),
    values: command.registeredArguments.map(describeArgument),
    options: help.visibleOptions(command).map(describeOption),
    notes: notesOf(command),
    commands: help
      .visibleCommands(command)
      .filter((each) => each.name() !== 'help')
      .map((each) => describeCommand(each, [...path, each.name()])),
  };
}

/** The command and all below it, each before its own. */
export function everyCommand(command: CommandDescription): CommandDescription[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** As help writes it: `[address...]`, `<file>`. */
export function valueText({ name, required, several }: ValueDescription): string {
  const inner = `${name}${several ? '...' : ''}`;
  return required ? `<${inner}>` : `[${inner}]`;
}

function describeArgument(argument: Argument): ValueDescription & { description: string } {
  return {
    name: argument.name(),
    required: argument.required,
    several: argument.variadic,
    choices: argument.argChoices ?? [],
    file: FILE_VALUES.has(argument.name()),
    description: argument.description,
  };
}

function describeOption(option: Option): OptionDescription {
  const [, name] = /[<[]([^\]>]+?)(?:\.\.\.)?[\]>]/.exec(option.flags) ?? [];
  return {
    flags: option.flags,
    names: [option.short, option.long].filter((each) => each !== undefined),
    value:
      name === undefined
        ? null
        : {
            name,
            required: option.required,
            several: option.variadic,
            choices: option.argChoices ?? [],
            file: FILE_VALUES.has(name),
          },
    description: option.description,
  };
}

/** Commander (an EventEmitter, though its types do not say so) hands these texts out where help is being written. */
function notesOf(command: Command): string {
  let text = '';
  const write = (part: string) => {
    text += part;
  };
  (command as unknown as EventEmitter).emit('afterHelp', { error: false, command, write });
  return text.trim();
}
