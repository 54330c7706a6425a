import type { Incidents } from "../../domain/incidents/incident.ts";
import type { History } from "../../domain/queries.ts";
import type { BookView, Status } from "../../domain/status.ts";
import type { StreamFolder } from "../../domain/stream.ts";
import type { LogEntry } from "../../platform/log/recent-logs.ts";
import { zoneName } from "../../text/amounts.ts";
import { fill, type Language } from "../../text/language.ts";
import type { Button } from "../api/send-queue.ts";
import type { PictureWorker } from "../pictures/picture-worker-client.ts";
import type { SharedWords } from "./shared-words.ts";

/** What the commands ask the recorder. None of it waits for anything but pictures. */
export type Sources = {
  readonly status: () => Status;
  readonly history: History;
  readonly incidents: Incidents;
  /** The newest book of a symbol in upper case; "no_data" until one has come, null when it is not recorded. */
  readonly book: (symbol: string) => BookView | "no_data" | null;
  readonly pictures: PictureWorker;
  /** The newest warnings and errors, oldest first. */
  readonly logs: () => readonly LogEntry[];
  readonly nowUs: () => number;
  /** Folder name of the stream that shows a symbol's prices best, or null. */
  readonly priceStream: (symbol: string) => StreamFolder | null;
  readonly dataDir: string;
};

/** One question: the words behind the command, and who asks in which language. */
export type Ask = {
  readonly words: readonly string[];
  readonly language: Language;
  /** The words that commands share. */
  readonly say: SharedWords;
  /** For "acknowledged by". */
  readonly who: string;
  /** In which times are told; the machine's own where it is not given. */
  readonly timeZone?: string;
};

/** What is shown for it: text with Telegram's HTML, or a picture with it as caption. */
export type CommandAnswer = {
  readonly html: string;
  readonly buttons?: readonly (readonly Button[])[];
  readonly picture?: Uint8Array;
  /** A moment later the same message is to say something else; to be asked again as long as the answer has this. */
  readonly follow?: (signal: AbortSignal) => Promise<CommandAnswer | null>;
};

/** A command that the menu and the help list. */
export type MenuCommand = { readonly name: string; readonly about: Readonly<Record<Language, string>> };

/** Answers one question. May throw or reject; the asker is told why. */
export type RunCommand = (ask: Ask) => CommandAnswer | Promise<CommandAnswer>;

/** A command of the bot, with its own words. */
export type BotCommand = {
  /** As written behind the slash. */
  readonly name: string;
  /** What it does, for Telegram's menu and the help; null for a command that is not listed. */
  readonly about: MenuCommand["about"] | null;
  /** True if the answer to these words is a picture; the asker is told meanwhile that one is coming. */
  readonly draws?: (words: readonly string[]) => boolean;
  readonly create: (
    sources: Sources,
    bot: { readonly host: string; readonly menu: readonly MenuCommand[] },
  ) => RunCommand;
};

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

/** When the numbers above were true; it also makes a refreshed message differ from the one before. */
export function asOf(us: number, ask: Ask): string {
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  const time = new Intl.DateTimeFormat("en-GB", { ...options, ...zoneOf(ask) }).format(us / 1000);
  return `<i>${fill(ask.say.asOf, { time, zone: zoneName(us, ask.timeZone) })}</i>`;
}

/** `11-24 15:04`, as short as a list needs it. */
export function shortTime(us: number, ask: Ask): string {
  const options = { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const parts = new Intl.DateTimeFormat("en-GB", { ...options, ...zoneOf(ask) }).formatToParts(us / 1000);
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.find(({ type }) => type === name)?.value ?? "";
  return `${part("month")}-${part("day")} ${part("hour")}:${part("minute")}`;
}

/** `0.1s`, `12s`, `3m`, `5h`, `2d`: four letters at most. */
export function shortAge(us: number): string {
  const seconds = Math.max(0, us) / 1e6;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  if (seconds < 100) return `${Math.round(seconds)}s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)}m`;
  return seconds < 360_000 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`;
}

function zoneOf({ timeZone }: Ask): { timeZone?: string } {
  return timeZone === undefined ? {} : { timeZone };
}
