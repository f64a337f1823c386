import { usageError } from '../frame/errors.ts';
import type { Command, NamedCommand } from './command.ts';

/** Shells for which there is a script; zsh reads that of bash. */
const shells = ['bash', 'zsh'] as const;

/** zsh's own loader of scripts for bash. */
const zshHead = 'autoload -U +X bashcompinit && bashcompinit\n';

/**
 * `maskstream completion`
 *
 * @param loadCommands all of them; asked when the command runs, since this one is among them
 */
export function completionCommand(loadCommands: () => Promise<readonly NamedCommand[]>): Command {
  return {
    usage: ['source <(maskstream completion bash)'],
    maxPositionals: 1,
    options: {},
    epilogue: `SHELL is ${shells.join(' or ')}. Put the line above into ~/.bashrc (~/.zshrc) to have it always.`,
    run: async (args, io) => {
      const [shell] = args.positionals;
      const known = shells.find((name) => name === shell);
      if (known === undefined) {
        throw usageError(`expected a shell (${shells.join(', ')}), got ${JSON.stringify(shell)}`);
      }
      io.stdout.write(`${known === 'zsh' ? zshHead : ''}${bashCompletion(await loadCommands())}`);
    },
  };
}

/** A function for bash: it knows the words, and leaves file names to the shell. */
export function bashCompletion(commands: readonly NamedCommand[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const options = commands.map(
    ({ name, options: all }) =>
      `    ${name}) words="${[...Object.keys(all), 'help'].map((option) => `--${option}`).join(' ')}" ;;\n`,
  );
  const values = commands.flatMap(({ name, options: all }) =>
    Object.entries(all).flatMap(([option, { values: known }]) =>
      known === undefined ? [] : [`    ${name}:--${option}) words="${known.join(' ')}" ;;\n`],
    ),
  );
  return `_maskstream() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]}" words=""
  case "$command:$previous" in
${values.join('')}  esac
  if [[ $COMP_CWORD == 1 ]]; then
    words="${names} --help --version"
  elif [[ -z $words && $current == -* ]]; then
    case "$command" in
${options.join('')}    esac
  fi
  if [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    COMPREPLY=()
  fi
}
complete -o default -F _maskstream maskstream
`;
}
