import { parseArgs } from "node:util";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { Channel } from "../../upgrade/protocol.ts";

/** A flag of a command. `value` names its value in the help; null for a switch. */
export type Flag = {
  readonly value: string | null;
  readonly help: string;
  /** For internal use; the help omits it. */
  readonly isHidden?: true;
};

/** The given flags with their values; a switch has the value "". */
export type Flags = Readonly<Record<string, string | undefined>>;

/** The parts of the process that a command may use. */
export type Terminal = {
  /** Prints a line on standard output. */
  readonly print: (line: string) => void;
  /** Tells whether standard error is a terminal. */
  readonly isInteractive: boolean;
  /** Aborted when the process is asked to stop. */
  readonly stop: AbortSignal;
  /** Sets the listener for requests to reload the config. */
  readonly onReload: (listener: () => void) => void;
  /** Sets the listener for requests to upgrade. */
  readonly onUpgrade: (listener: () => void) => void;
  /** Sets the listener for uncaught errors; with a listener the process goes on, without it ends. */
  readonly onFault: (listener: (part: string, error: unknown) => void) => void;
  /** The channel to the parent of an upgrade; null if this process is no child. */
  readonly predecessor: Channel | null;
};

/** A command of the command line. `run` resolves with the exit code; an OperatorError means 2. */
export type Command = {
  readonly name: string;
  readonly summary: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** The allowed words after the command, with their meaning, if it needs one. The word is stored as flag `topic`. */
  readonly topics?: readonly (readonly [word: string, meaning: string])[];
  /** A word after some of the topics. It is stored as flag `operand`. */
  readonly operand?: { readonly value: string; readonly help: string; readonly topics: readonly string[] };
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** Explanations at the end of the help. */
  readonly notes?: readonly string[];
  run(flags: Flags, terminal: Terminal): Promise<number>;
};

/** The exit codes of all commands. */
export const exitCodes: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "done; all is well"],
  ["1", "failed while running, or a check found something"],
  ["2", "a flag or a setting is wrong, or the data does not exist; you can fix it"],
];

/** Flags that people confuse. If a command has only one flag of a pair, the other spelling means the same. */
const twins: Readonly<Record<string, string>> = {
  symbol: "symbols",
  symbols: "symbol",
  stream: "streams",
  streams: "stream",
  data: "data-dir",
  "data-dir": "data",
};

/** Parses the words after the command. @throws OperatorError for unknown words and flags */
export function readFlags(command: Command, words: readonly string[]): Flags {
  const known: Readonly<Record<string, Flag>> = { help: { value: null, help: "" }, ...spellingsOf(command) };
  const options = Object.fromEntries(
    Object.entries(known).map(([name, flag]) => [
      name,
      { type: flag.value === null ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...words], options, strict: false, tokens: true, allowPositionals: true });
  const flags: Record<string, string> = {};
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (takesOperand(command, flags)) {
        flags.operand = token.value;
        continue;
      }
      if (command.topics === undefined || flags.topic !== undefined)
        throw refusal(command, `unexpected word "${token.value}"${flagForWord(token.value, command)}`);
      flags.topic = topicOf(command, command.topics, token.value);
      continue;
    }
    if (token.kind !== "option") continue;
    const flag = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (flag === undefined) {
      const names = ["help", ...Object.keys(command.flags)].map((name) => `--${name}`);
      throw refusal(command, `unknown flag ${token.rawName}${didYouMean(token.rawName, names)}`);
    }
    const isMissing =
      flag.value !== null && (token.value === undefined || (!token.inlineValue && token.value.startsWith("--")));
    if (isMissing) throw refusal(command, `${token.rawName} needs a value: ${token.rawName} ${flag.value}`);
    if (flag.value === null && token.value !== undefined) throw refusal(command, `${token.rawName} takes no value`);
    const name = nameOf(command, token.name);
    // A list may be given in several parts. Otherwise the last value counts.
    const isMore = flags[name] !== undefined && flag.value?.startsWith("A,B");
    flags[name] = isMore ? `${flags[name]},${token.value}` : (token.value ?? "");
  }
  if (command.topics !== undefined && flags.topic === undefined && flags.help === undefined)
    throw refusal(command, `${command.name} needs one of ${command.topics.map(([word]) => word).join(", ")}`);
  if (takesOperand(command, flags) && flags.help === undefined)
    throw refusal(command, `${flags.topic} needs ${command.operand?.value}`);
  return flags;
}

/** Tells whether the word after the topic is missing. */
function takesOperand({ operand }: Command, { topic, operand: given }: Flags): boolean {
  return given === undefined && topic !== undefined && operand?.topics.includes(topic) === true;
}

/** Returns the flags of a command under every accepted spelling. */
function spellingsOf({ flags }: Command): Record<string, Flag> {
  const more = Object.entries(twins).filter(([spelling]) => !Object.hasOwn(flags, spelling));
  return { ...flags, ...Object.fromEntries(more.flatMap(([spelling, name]) => optional(spelling, flags[name]))) };
}

function optional<T>(name: string, value: T | undefined): [string, T][] {
  return value === undefined ? [] : [[name, value]];
}

/** Returns the documented name of a flag. */
function nameOf({ flags }: Command, spelling: string): string {
  const twin = twins[spelling];
  return twin !== undefined && !Object.hasOwn(flags, spelling) ? twin : spelling;
}

/** Suggests the flag that a word without a flag may belong to: a symbol, a date or a path. */
function flagForWord(word: string, command: Command): string {
  const usual = word.includes("/") ? "data-dir" : /^\d{4}-\d\d-\d\d/.test(word) ? "from" : "symbol";
  const name = nameOf(command, usual);
  const isLikely = usual !== "symbol" || /^[A-Z0-9]{5,20}(,|$)/.test(word);
  return isLikely && Object.hasOwn(command.flags, name) ? ` (did you mean "--${name} ${word}"?)` : "";
}

function topicOf(command: Command, topics: NonNullable<Command["topics"]>, word: string): string {
  const words = topics.map(([topic]) => topic);
  if (words.includes(word)) return word;
  throw refusal(command, `unknown topic "${word}"${didYouMean(word, words)}; give one of ${words.join(", ")}`);
}

/** Returns the help of a command. */
export function helpOf(command: Command): string {
  const shown = Object.entries(command.flags)
    .filter(([, { isHidden }]) => !isHidden)
    .map(([name, { value, help }]) => [value === null ? `--${name}` : `--${name} ${value}`, help] as const);
  return [
    `rt-data ${command.name}: ${command.summary}`,
    ...(command.topics === undefined ? [] : ["", "Topics", ...columns(namedTopics(command))]),
    ...(shown.length > 0 ? ["", "Flags", ...columns(shown)] : []),
    ...(command.examples.length > 0 ? ["", "Examples", ...columns(command.examples)] : []),
    ...(command.notes === undefined ? [] : ["", ...command.notes]),
  ].join("\n");
}

/** Returns the topics as they are typed, with the word after them, and the meaning of that word. */
export function namedTopics({ topics = [], operand }: Command): readonly (readonly [words: string, meaning: string])[] {
  const rows = topics.map(
    ([topic, meaning]) => [operand?.topics.includes(topic) ? `${topic} ${operand.value}` : topic, meaning] as const,
  );
  return operand === undefined ? rows : [...rows, [operand.value, operand.help]];
}

/** Formats rows as two aligned, indented columns. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
}

function refusal(command: Command, problem: string): OperatorError {
  return new OperatorError(`${problem}. See rt-data ${command.name} --help`);
}
