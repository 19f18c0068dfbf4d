import { type CommandDescription, everyCommand, type ValueDescription } from './command-tree';

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/** A completion script for the whole program. */
export function completionScript(shell: Shell, program: CommandDescription): string {
  return shell === 'bash' ? bashScript(program) : zshScript(program);
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

// ── bash ───────────────────────────────────────────────────────────────────────────────────────────────────

const bashPath = ({ path }: CommandDescription) => path.map((word) => ` ${word}`).join('');

function bashScript(program: CommandDescription): string {
  const all = everyCommand(program);
  const subcommands = all.filter(({ path }) => path.length > 0);
  const valued = all.flatMap((command) =>
    command.options.flatMap(({ names, value }) =>
      value === null
        ? []
        : [{ patterns: names.map((name) => quoted(`${bashPath(command)}|${name}`)), value }],
    ),
  );
  return `# bash completion for portcullis, written by 'portcullis completion bash'.

_portcullis() {
  local word=\${COMP_WORDS[COMP_CWORD]} command= words= files= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command|\${COMP_WORDS[i]}" in
      ${valued.flatMap(({ patterns, value }) => (value.required ? patterns : [])).join(' | ')})
        # The next word is the value of this option.
        ((i++))
        continue ;;
    esac
    case "$command \${COMP_WORDS[i]}" in
      ${subcommands.map((command) => quoted(bashPath(command))).join(' | ')})
        command="$command \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$command|\${COMP_WORDS[COMP_CWORD-1]}" in
${valued.map(({ patterns, value }) => `    ${patterns.join(' | ')}) ${bashValue(value)} ;;`).join('\n')}
    *)
      case "$command" in
${all.map((command) => `        ${quoted(bashPath(command))}) ${bashWords(command)} ;;`).join('\n')}
      esac
      [[ $word == -* ]] && files= ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [[ -n $files ]]; then
    local IFS=$'\\n'
    compopt -o filenames
    COMPREPLY+=($(compgen -f -- "$word"))
  fi
}
complete -F _portcullis portcullis
`;
}

function bashValue({ choices, file }: ValueDescription): string {
  if (file) return 'files=yes';
  return choices.length > 0 ? `words=${quoted(choices.join(' '))}` : ':';
}

function bashWords({ commands, options, values }: CommandDescription): string {
  const words = [
    ...commands.map(({ path }) => path.at(-1)),
    ...values.flatMap(({ choices }) => choices),
    ...options.flatMap(({ names }) => names),
  ];
  return `words=${quoted(words.join(' '))}${values.some(({ file }) => file) ? ' files=yes' : ''}`;
}

// ── zsh ────────────────────────────────────────────────────────────────────────────────────────────────────

const zshFunction = ({ path }: CommandDescription) => ['_portcullis', ...path].join('_').replaceAll('-', '_');

function zshScript(program: CommandDescription): string {
  return `#compdef portcullis
# zsh completion for portcullis, written by 'portcullis completion zsh'.

${everyCommand(program)
  .reverse()
  .map((command) => (command.commands.length > 0 ? zshGroup(command) : zshLeaf(command)))
  .join('\n')}
if [[ "\${funcstack[1]}" == _portcullis ]]; then
  _portcullis "$@"
else
  compdef _portcullis portcullis
fi
`;
}

function zshGroup(command: CommandDescription): string {
  return `${zshFunction(command)}() {
  local state line context
  typeset -A opt_args
  _arguments -C \\
${[...zshOptions(command), "'1:command:->command'", "'*::argument:->argument'"].map((spec) => `    ${spec}`).join(' \\\n')}
  case $state in
    command)
      local -a commands=(
${command.commands.map(({ path, description }) => `        ${quoted(`${path.at(-1)}:${description.replaceAll(':', '\\:')}`)}`).join('\n')}
      )
      _describe -t commands command commands ;;
    argument)
      case $words[1] in
${command.commands.map((each) => `        ${each.path.at(-1)}) ${zshFunction(each)} ;;`).join('\n')}
      esac ;;
  esac
}
`;
}

function zshLeaf(command: CommandDescription): string {
  const values = command.values.map((value, place) =>
    quoted(`${value.several ? '*' : place + 1}:${zshText(value.name)}:${zshAction(value)}`),
  );
  return `${zshFunction(command)}() {
  _arguments \\
${[...zshOptions(command), ...values].map((spec) => `    ${spec}`).join(' \\\n')}
}
`;
}

/** An option with a value may stand more than once; commander says where it may not. */
function zshOptions({ options }: CommandDescription): string[] {
  return options.flatMap(({ names, value, description }) =>
    names.map((name) => {
      const action =
        value === null ? '' : `${value.required ? '' : ':'}:${zshText(value.name)}:${zshAction(value)}`;
      return quoted(`${value === null ? '' : '*'}${name}[${zshText(description)}]${action}`);
    }),
  );
}

const zshText = (text: string) => text.replace(/[[\]:\\]/g, '\\$&');

function zshAction({ choices, file }: ValueDescription): string {
  if (file) return '_files';
  return choices.length > 0 ? `(${choices.join(' ')})` : ' ';
}
