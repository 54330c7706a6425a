import { parseArgs } from "node:util";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { Channel } from "../../upgrade/protocol.ts";

/** A flag of a command; `value` names what follows it, or is null for a switch. */
export type Flag = {
  readonly value: string | null;
  readonly help: string;
  /** Not for people: left out of the help. */
  readonly isHidden?: true;
};

/** Values of the flags that were given; switches are "". */
export type Flags = Readonly<Record<string, string | undefined>>;

/** What a command may use of the process. */
export type Terminal = {
  /** Prints a line on standard output. */
  readonly print: (line: string) => void;
  /** Standard error is a person's terminal. */
  readonly isInteractive: boolean;
  /** Aborted when the process is asked to stop. */
  readonly stop: AbortSignal;
  /** Calls back each time that the process is asked to read its config again. */
  readonly onReload: (listener: () => void) => void;
  /** Calls back each time that the process is asked to hand over to another one of its executable. */
  readonly onUpgrade: (listener: () => void) => void;
  /** Takes errors that nobody has caught; the process then goes on. Without a listener they end it. */
  readonly onFault: (listener: (part: string, error: unknown) => void) => void;
  /** The line to the recorder that has started this process to take over from it, or null. */
  readonly predecessor: Channel | null;
};

/** One verb of the command line. `run` resolves with the exit code; an OperatorError means 2. */
export type Command = {
  readonly name: string;
  readonly summary: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** What the word after the verb may be, with its meaning, where the command wants one; it is read into the flag `topic`. */
  readonly topics?: readonly (readonly [word: string, meaning: string])[];
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** What its words mean, for the end of the help. */
  readonly notes?: readonly string[];
  run(flags: Flags, terminal: Terminal): Promise<number>;
};

/** Reads the words behind the verb; throws an OperatorError for what the command does not know. */
export function readFlags(command: Command, words: readonly string[]): Flags {
  const known = { help: { value: null, help: "" }, ...command.flags };
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
      if (command.topics === undefined || flags.topic !== undefined)
        throw refusal(command, `"${token.value}" is one word too many`);
      flags.topic = topicOf(command, command.topics, token.value);
      continue;
    }
    if (token.kind !== "option") continue;
    const flag = known[token.name as keyof typeof known] as Flag | undefined;
    if (flag === undefined) {
      const names = Object.keys(known).map((name) => `--${name}`);
      throw refusal(command, `unknown flag ${token.rawName}${didYouMean(token.rawName, names)}`);
    }
    const isMissing =
      flag.value !== null && (token.value === undefined || (!token.inlineValue && token.value.startsWith("--")));
    if (isMissing) throw refusal(command, `${token.rawName} needs a value: ${token.rawName} ${flag.value}`);
    if (flag.value === null && token.value !== undefined) throw refusal(command, `${token.rawName} takes no value`);
    flags[token.name] = token.value ?? "";
  }
  if (command.topics !== undefined && flags.topic === undefined && flags.help === undefined)
    throw refusal(command, `say of what: ${command.topics.map(([word]) => word).join(", ")}`);
  return flags;
}

function topicOf(command: Command, topics: NonNullable<Command["topics"]>, word: string): string {
  const words = topics.map(([topic]) => topic);
  if (words.includes(word)) return word;
  throw refusal(command, `there is no "${word}"${didYouMean(word, words)}; there are ${words.join(", ")}`);
}

/** The help of one command, with its examples. */
export function helpOf(command: Command): string {
  const shown = Object.entries(command.flags)
    .filter(([, { isHidden }]) => !isHidden)
    .map(([name, { value, help }]) => [value === null ? `--${name}` : `--${name} ${value}`, help] as const);
  return [
    `rt-data ${command.name}: ${command.summary}`,
    ...(command.topics === undefined ? [] : ["", "Of what", ...columns(command.topics)]),
    ...(shown.length > 0 ? ["", "Flags", ...columns(shown)] : []),
    ...(command.examples.length > 0 ? ["", "Examples", ...columns(command.examples)] : []),
    ...(command.notes === undefined ? [] : ["", ...command.notes]),
  ].join("\n");
}

/** Two aligned columns, indented. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
}

function refusal(command: Command, problem: string): OperatorError {
  return new OperatorError(`${problem}. See rt-data ${command.name} --help`);
}
