import type { Command, Flag } from "./framework/command.ts";

/** `rt-data completion`, for a list of commands that includes this command itself. */
export function completionFor(commandsOf: () => readonly Command[]): Command {
  return {
    name: "completion",
    summary: "print the completion script of a shell",
    topics: [
      ["bash", "add to ~/.bashrc: source <(rt-data completion bash)"],
      ["zsh", "add to ~/.zshrc, after compinit: source <(rt-data completion zsh)"],
      ["fish", "rt-data completion fish > ~/.config/fish/completions/rt-data.fish"],
    ],
    flags: {},
    examples: [["source <(rt-data completion bash)", "complete commands and flags in this shell"]],
    async run({ topic }, { print }) {
      const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
      print(scripts[topic as keyof typeof scripts](commandsOf()));
      return 0;
    },
  };
}

function bashScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => `    ${command.name}) words="${wordsOf(command).join(" ")}" ;;`);
  const choices = commands.flatMap(choiceCases);
  return [
    "_rt_data() {",
    "  local words=",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's syntax
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    words="${commands.map(({ name }) => name).join(" ")} help"`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's syntax
    '  else case "${COMP_WORDS[1]}" in',
    ...cases,
    "  esac; fi",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's syntax
    '  case "${COMP_WORDS[1]} $previous" in',
    ...choices.map(([flag, words]) => `    "${flag}") words="${words}" ;;`),
    `    ${freeFlags(commands).join("|")}) words= ;;`,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o default -F _rt_data rt-data",
  ].join("\n");
}

/** Flags with free values, such as files: the shell completes those itself. */
function freeFlags(commands: readonly Command[]): readonly string[] {
  const names = commands.flatMap(({ flags }) =>
    shownFlags(flags).flatMap(([name, flag]) =>
      flag.value === null || choicesOf(flag).length > 0 ? [] : [`*" --${name}"`],
    ),
  );
  return [...new Set(names)];
}

/** Returns each flag of a command that lists its values, with the command in front, and the values. */
function choiceCases({ name, flags }: Command): [string, string][] {
  return shownFlags(flags).flatMap(([flagName, flag]): [string, string][] => {
    const words = choicesOf(flag);
    return words.length === 0 ? [] : [[`${name} --${flagName}`, words.join(" ")]];
  });
}

function zshScript(commands: readonly Command[]): string {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, flags, topics = [] }) => {
    const specs = shownFlags(flags).map(([name, flag]) => {
      const { value, help } = flag;
      const words = choicesOf(flag);
      const action = words.length > 0 ? `(${words.join(" ")})` : isPath(value) ? "_files" : " ";
      const text = help.replace(/[[\]:]/g, "\\$&");
      return quoted(`--${name}[${text}]${value === null ? "" : `:${value.replaceAll(":", " ")}:${action}`}`);
    });
    const topic = topics.length > 0 ? [quoted(`:topic:(${topics.map(([word]) => word).join(" ")})`)] : [];
    return [
      `    ${name})`,
      `      _arguments ${[...topic, ...specs, "'--help[show help]'"].join(" \\\n        ")}`,
      "      ;;",
    ];
  });
  return [
    "#compdef rt-data",
    "_rt_data() {",
    "  local -a names=(",
    ...names,
    "  )",
    "  if (( CURRENT == 2 )); then _describe command names; return; fi",
    // The command's own words begin after its name.
    "  local verb=$words[2]",
    "  shift words; (( CURRENT-- ))",
    "  case $verb in",
    ...cases.flat(),
    "  esac",
    "}",
    "compdef _rt_data rt-data",
  ].join("\n");
}

function fishScript(commands: readonly Command[]): string {
  const lines = commands.flatMap(({ name, summary, flags, topics = [] }) => {
    const within = `complete -c rt-data -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c rt-data -f -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...topics.map(([word, meaning]) => `${within} -f -a ${word} -d ${quoted(meaning)}`),
      ...shownFlags(flags).map(([flagName, flag]) => {
        const words = choicesOf(flag);
        const needs = flag.value === null ? "" : words.length > 0 ? ` -x -a ${quoted(words.join(" "))}` : " -r";
        return `${within} -l ${flagName}${needs} -d ${quoted(flag.help)}`;
      }),
    ];
  });
  return lines.join("\n");
}

function wordsOf({ flags, topics = [] }: Command): readonly string[] {
  return [...topics.map(([word]) => word), ...shownFlags(flags).map(([name]) => `--${name}`), "--help"];
}

function shownFlags(flags: Command["flags"]): readonly (readonly [string, Flag])[] {
  return Object.entries(flags).filter(([, { isHidden }]) => !isHidden);
}

/** Returns the values that a flag accepts, if its help lists them all: `csv|parquet`. */
function choicesOf({ value }: Flag): readonly string[] {
  return value !== null && /^[a-z0-9|]+$/.test(value) ? value.split("|") : [];
}

function isPath(value: string | null): boolean {
  return value !== null && /FILE|DIR|PATH/.test(value);
}

/** Quotes a text for a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
