import type { BookView } from "../book.ts";
import type { History } from "../history.ts";
import type { Incidents } from "../incident.ts";
import type { LogEntry } from "../log-tail.ts";
import type { Status } from "../status.ts";
import type { Language } from "./amounts.ts";
import { type CommandName, type CommandWords, commandWordsEn } from "./command-words-en.ts";
import { commandWordsKo } from "./command-words-ko.ts";
import type { Pictures } from "./pictures.ts";
import type { Button } from "./sender.ts";

/** What the commands ask the recorder. None of it waits for anything but pictures. */
export type Sources = {
  readonly status: () => Status;
  readonly history: History;
  readonly incidents: Incidents;
  /** The newest book of a symbol in upper case; "no_data" until one has come, null when it is not recorded. */
  readonly book: (symbol: string) => BookView | "no_data" | null;
  readonly pictures: Pictures;
  /** The newest warnings and errors, oldest first. */
  readonly logs: () => readonly LogEntry[];
  readonly nowUs: () => number;
  /** Folder name of the stream that shows a symbol's prices best, or null. */
  readonly priceStream: (symbol: string) => string | null;
  readonly dataDir: string;
};

/** One question: the words behind the command, and who asks in which language. */
export type Ask = {
  readonly words: readonly string[];
  readonly language: Language;
  readonly say: CommandWords;
  /** For "acknowledged by". */
  readonly who: string;
  /** In which times are told; the machine's own where it is not given. */
  readonly timeZone?: string;
};

/** What is shown for it: text with Telegram's HTML, or a picture with it as caption. */
export type Answer = {
  readonly html: string;
  readonly buttons?: readonly (readonly Button[])[];
  readonly picture?: Uint8Array;
  /** A moment later the same message is to say something else; to be asked again as long as the answer has this. */
  readonly follow?: (signal: AbortSignal) => Promise<Answer | null>;
};

/** A verb of the bot. Its `run` may throw or reject; the asker is told why. */
export type Command = {
  /** As written behind the slash. */
  readonly name: CommandName | "start" | "ack";
  /** It draws: the asker is told meanwhile that a picture is coming. */
  readonly draws?: boolean;
  readonly run: (ask: Ask) => Answer | Promise<Answer>;
};

const tables: Record<Language, CommandWords> = { en: commandWordsEn, ko: commandWordsKo };

/** The texts of a language. */
export function wordsOf(language: Language): CommandWords {
  return tables[language];
}

/** A text with its `{…}` filled in. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** What begins the data of a button that asks something; the rest is the command's line. */
export const goPrefix = "go:";

/** Bytes of a button's data that Telegram takes. */
const mostData = 64;

/** A button that asks a command in place of the message it stands under; none where its line is too long for a button. */
export function go(text: string, line: string): readonly Button[] {
  const data = goPrefix + line;
  return Buffer.byteLength(data) > mostData ? [] : [{ text, data }];
}

/** Rows of buttons without the empty ones. */
export function rows(...all: readonly (readonly Button[])[]): readonly (readonly Button[])[] {
  return all.filter((row) => row.length > 0);
}
