import { type Command, exitCodes, type Flag } from "./command.ts";

/** What the page says besides the commands. */
export type ManPageFacts = {
  readonly version: string;
  /** Date of the version, `2026-11-30`. */
  readonly date: string;
  /** What the program does, in one sentence. */
  readonly about: string;
  readonly environment: readonly (readonly [name: string, meaning: string])[];
  readonly files: readonly (readonly [path: string, meaning: string])[];
};

/** Longest line of the source; mandoc complains above 80 bytes. */
const longestLine = 78;

/** Formats the manual page rt-data(1) in mdoc (mandoc.bsd.lv/man/mdoc.7), from the same texts as `--help`. */
export function manPage(commands: readonly Command[], facts: ManPageFacts): string {
  return [
    `.Dd ${dateOf(facts.date)}`,
    ".Dt RT-DATA 1",
    ".Os",
    ".Sh NAME",
    ".Nm rt-data",
    ".Nd recorder of the Binance spot market that proves what it recorded",
    ".Sh SYNOPSIS",
    ".Nm",
    ".Ar command",
    ".Op Ar flags",
    ".Nm",
    ".Ar command",
    ".Fl -help",
    ".Sh DESCRIPTION",
    ...text(`${facts.about} This page describes version ${facts.version}.`),
    ...paragraph(
      "Results go to standard output, everything else to standard error. Commands that only read also work while a recorder is running.",
    ),
    ".Pp",
    "The commands are:",
    ...list(commands.map(({ name, summary }) => [`Ic ${word(name)}`, summary] as const)),
    ...commands.flatMap((command) => [`.Ss rt-data ${command.name}`, ...sectionOf(command)]),
    ".Sh ENVIRONMENT",
    ...list(facts.environment.map(([name, meaning]) => [`Ev ${argument(name)}`, meaning] as const)),
    ".Sh FILES",
    ...list(facts.files.map(([path, meaning]) => [`Pa ${argument(path)}`, meaning] as const)),
    ".Sh EXIT STATUS",
    ...list(exitCodes.map(([code, meaning]) => [`Li ${word(code)}`, meaning] as const)),
  ].join("\n");
}

function sectionOf(command: Command): string[] {
  const { summary, topics = [], operand, flags, examples, notes = [] } = command;
  const shown = Object.entries(flags).filter(([, { isHidden }]) => !isHidden);
  return [
    ...text(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`),
    ...list([
      ...topics.map(([topic, meaning]) => {
        const more = operand?.topics.includes(topic) ? ` Ar ${word(operand.value)}` : "";
        return [`Cm ${word(topic)}${more}`, meaning] as const;
      }),
      ...(operand === undefined ? [] : [[`Ar ${word(operand.value)}`, operand.help] as const]),
      ...shown.map(([name, flag]) => [flagItem(name, flag), flag.help] as const),
    ]),
    ...noteLines(notes),
    ...(examples.length === 0 ? [] : [".Pp", "Examples:"]),
    ...list(examples.map(([line, meaning]) => [`Ic ${argument(line)}`, meaning] as const)),
  ];
}

function flagItem(name: string, { value }: Flag): string {
  return `Fl -${name}${value === null ? "" : ` Ar ${argument(value)}`}`;
}

/** Notes are lines of paragraphs; lines that begin with "- " are items of a list, and "  " continues an item. */
function noteLines(notes: readonly string[]): string[] {
  const blocks: { isItem: boolean; words: string }[] = [];
  for (const line of notes) {
    const last = blocks.at(-1);
    if (line.startsWith("- ")) blocks.push({ isItem: true, words: line.slice(2) });
    else if (last !== undefined && last.isItem === line.startsWith("  ")) last.words += ` ${line.trim()}`;
    else blocks.push({ isItem: false, words: line });
  }
  return blocks.flatMap(({ isItem, words }, index) => {
    if (!isItem) return paragraph(words);
    return [
      ...(blocks[index - 1]?.isItem ? [] : [".Bl -bullet -compact"]),
      ".It",
      ...text(words),
      ...(blocks[index + 1]?.isItem ? [] : [".El"]),
    ];
  });
}

function list(items: readonly (readonly [macros: string, meaning: string])[]): string[] {
  if (items.length === 0) return [];
  return [".Bl -tag -width Ds", ...items.flatMap(([macros, meaning]) => [`.It ${macros}`, ...text(meaning)]), ".El"];
}

function paragraph(words: string): string[] {
  return [".Pp", ...text(words)];
}

/** Breaks a text into lines of text. A new sentence begins a new line, as mandoc wants it. */
function text(words: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const next of words.trim().split(/\s+/)) {
    const isFull = line.length + 1 + escaped(next).length > longestLine;
    const isNewSentence = /[.!?][)"']*$/.test(line) || (/\.:$/.test(line) && next !== "");
    if (line !== "" && (isFull || isNewSentence)) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? lineStart(escaped(next)) : `${line} ${escaped(next)}`;
  }
  return line === "" ? lines : [...lines, line];
}

/** A point or an apostrophe at the start of a line would be a request. */
function lineStart(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

/** Escapes what has a meaning in roff, and every character outside ASCII. */
function escaped(words: string): string {
  return (
    words
      .replaceAll("\\", "\\e")
      .replace(/-/g, "\\-")
      // mandoc would take it for a function of C.
      .replaceAll("()", "\\&()")
      .replace(/[\u0080-\u{10ffff}]/gu, (character) => {
        const code = character.codePointAt(0) ?? 0;
        return `\\[u${code.toString(16).toUpperCase().padStart(4, "0")}]`;
      })
  );
}

/** A single word as argument of a macro, protected from being read as a macro. */
function word(name: string): string {
  return `\\&${escaped(name)}`;
}

/** A text as one argument of a macro. */
function argument(words: string): string {
  const end = /[.,:;!?)\]]$/.test(words) ? "\\&" : "";
  return `"\\&${escaped(words).replaceAll('"', '""')}${end}"`;
}

/** The date as mdoc wants it: `November 30, 2026`. */
function dateOf(date: string): string {
  const day = new Date(`${date}T00:00:00Z`);
  return `${day.toLocaleString("en-US", { month: "long", timeZone: "UTC" })} ${day.getUTCDate()}, ${day.getUTCFullYear()}`;
}
