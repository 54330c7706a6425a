import type { Incidents } from "../../domain/incidents/incident.ts";
import type { History } from "../../domain/queries.ts";
import type { BookView, Status } from "../../domain/status.ts";
import { parseSymbol, type StreamFolder } from "../../domain/stream.ts";
import type { LogEntry } from "../../platform/log/recent-logs.ts";
import { count } from "../../text/amounts.ts";
import { fill, type Language } from "../../text/language.ts";
import { listTime, shortClock, zoneName } from "../../text/local-time.ts";
import type { Button } from "../api/bot-api.ts";
import type { PictureWorker } from "../pictures/picture-worker-client.ts";
import type { SharedWords } from "./shared-words.ts";

/** The recorder's data for commands. Only pictures make a command wait. */
export type Sources = {
  readonly status: () => Status;
  readonly history: History;
  readonly incidents: Incidents;
  /** Newest book of an upper-case symbol; "no_data" before the first book, null if the symbol is not recorded. */
  readonly book: (symbol: string) => BookView | "no_data" | null;
  readonly pictures: PictureWorker;
  /** The newest warnings and errors, oldest first. */
  readonly logs: () => readonly LogEntry[];
  readonly nowUs: () => number;
  /** Folder name of the best stream for a symbol's prices, or null. */
  readonly priceStream: (symbol: string) => StreamFolder | null;
  readonly dataDir: string;
};

/** A question: the words behind the command, the sender and the language. */
export type Ask = {
  readonly words: readonly string[];
  readonly language: Language;
  /** The words that commands share. */
  readonly say: SharedWords;
  /** Name of the sender, for "acknowledged by". */
  readonly who: string;
  /** Time zone of displayed times; the machine's time zone if missing. */
  readonly timeZone?: string;
};

/** The answer: Telegram's HTML, which becomes the caption if there is a picture. */
export type CommandAnswer = {
  readonly html: string;
  readonly buttons?: readonly (readonly Button[])[];
  readonly picture?: Uint8Array;
  /** Returns the next content of the same message, or null. Called again as long as the answer has a `follow`. */
  readonly follow?: (signal: AbortSignal) => Promise<CommandAnswer | null>;
};

/** A command that the menu and the help list. */
export type MenuCommand = { readonly name: string; readonly about: Readonly<Record<Language, string>> };

/** Answers a question. It may throw or reject; the reason becomes the answer. */
export type RunCommand = (ask: Ask) => CommandAnswer | Promise<CommandAnswer>;

/** A command of the bot, with its own words. */
export type BotCommand = {
  /** Name without the slash. */
  readonly name: string;
  /** Description for Telegram's menu and the help; null for an unlisted command. */
  readonly about: MenuCommand["about"] | null;
  /** True if the answer to these words is a picture; the chat then shows that a picture is coming. */
  readonly draws?: (words: readonly string[]) => boolean;
  readonly create: (
    sources: Sources,
    bot: { readonly host: string; readonly menu: readonly MenuCommand[] },
  ) => RunCommand;
};

/** Prefix in a button's data; a command line follows it. */
export const goPrefix = "go:";

/** Telegram's bound for a button's data, bytes. */
const mostData = 64;

/** Creates a button that replaces its message with a command's answer. Long symbols are shortened; no button if the line is too long then. */
export function go(text: string, line: string): readonly Button[] {
  const short = () => line.replace(/\S+/g, (word) => (isLongSymbol(word) ? shortWord(word) : word));
  const data = [line, short()].map((words) => goPrefix + words).find((words) => Buffer.byteLength(words) <= mostData);
  return data === undefined ? [] : [{ text, data }];
}

/** Tests whether a word is a symbol that its shortened form of eleven characters is shorter than. */
function isLongSymbol(word: string): boolean {
  return Buffer.byteLength(word) > 11 && parseSymbol(word) === word;
}

/** Shortens a word to a mark and ten characters of its hash. */
function shortWord(word: string): string {
  return `~${Bun.hash(word).toString(36).padStart(10, "0").slice(-10)}`;
}

/** Returns the symbol that a word of a button stands for; any other word as it is. */
export function longWord(word: string, symbols: () => readonly string[]): string {
  return word.startsWith("~") ? (symbols().find((symbol) => shortWord(symbol) === word) ?? word) : word;
}

/** Removes empty rows of buttons. */
export function rows(...all: readonly (readonly Button[])[]): readonly (readonly Button[])[] {
  return all.filter((row) => row.length > 0);
}

/** Creates the row that turns pages and refreshes. `line` returns the command line of a page. */
export function pageButtons(
  { say }: Ask,
  { page, hasMore }: { readonly page: number; readonly hasMore: boolean },
  line: (page: number) => string,
): readonly Button[] {
  return [
    ...(page > 1 ? go(say.previous, line(page - 1)) : []),
    ...go(`🔄 ${say.refresh}`, line(page)),
    ...(hasMore ? go(say.next, line(page + 1)) : []),
  ];
}

/** Formats the time of the figures, to the minute, with the zone of all times in the answer. */
export function asOf(us: number, { say, timeZone }: Ask): string {
  return `<i>${fill(say.asOf, { time: shortClock(us, timeZone), zone: zoneName(us, timeZone) })}</i>`;
}

/** Formats a time for lists: `11-24 15:04`. */
export function shortTime(us: number, { timeZone }: Ask): string {
  return listTime(us, timeZone);
}

/** Formats an age in at most four characters: `0.1s`, `12s`, `3m`, `5h`, `2d`. */
export function shortAge(us: number): string {
  const seconds = Math.max(0, us) / 1e6;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  if (seconds < 100) return `${Math.round(seconds)}s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)}m`;
  return seconds < 360_000 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`;
}

/** Formats how many segments wait to be compressed: `2 segments`, `no segments`. */
export function waitingSegments({ segments_waiting: n }: Status["archive"], { say, language }: Ask): string {
  return n === 0 ? say.noSegments : fill(say.segments, { n: count(n, language) });
}
