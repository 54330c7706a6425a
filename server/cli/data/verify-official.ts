import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSome } from "../../config/config.ts";
import { type Day, dateOf, dateStartUs, dayUs, nameOfDay } from "../../domain/day.ts";
import type { IdRange } from "../../domain/ids/id-ranges.ts";
import { type Comparison, checkDay, type IdList, type OfficialCheck } from "../../official/check-day.ts";
import { officialKind, officialStreams } from "../../official/official-file.ts";
import { OperatorError } from "../../platform/errors.ts";
import { createBandwidthLimit } from "../../platform/fetch/bandwidth-limit.ts";
import { firstDate } from "../../storage/list/invented-day.ts";
import { isDemoFolder } from "../../storage/lock/data-folder.ts";
import type { Flags } from "../framework/command.ts";
import type { SelectedStream } from "./selection.ts";
import { withNoun } from "./verify-report.ts";

/** The result of comparing one day with Binance's file. */
export type OfficialDay = Day & { readonly official: OfficialCheck };

/** How a day compares. Only "equal" and "file incomplete" prove that the recording is complete. */
type Verdict = "equal" | "missing" | "differs" | "file incomplete" | "not published" | "not compared";

/** Returns the days that can be compared: those of trade streams that are over, also days without files. */
export function officialDays(tracks: readonly SelectedStream[], today: string = dateOf(Date.now() * 1000)): Day[] {
  return tracks.flatMap(({ stream, days }) => {
    // Days in the future come from a wrong clock.
    const dates = days.map(({ date }) => date).filter((date) => date <= today && date >= firstDate);
    const [first, last] = [dates.toSorted()[0], dates.toSorted().at(-1)];
    if (officialKind(stream.type.folder) === null || first === undefined || last === undefined) return [];
    const between: Day[] = [];
    for (let us = dateStartUs(first); us <= dateStartUs(last) && dateOf(us) < today; us += dayUs)
      between.push({ stream: stream.type.folder, symbol: stream.symbol, date: dateOf(us) });
    return between;
  });
}

/**
 * Compares days with Binance's files, one at a time, oldest first.
 * @throws OperatorError if no day can be compared, the folder is the demo's, or the file's address in the config is invalid
 */
export async function compareWithOfficial(
  flags: Flags,
  { dataDir, tracks }: { readonly dataDir: string; readonly tracks: readonly SelectedStream[] },
  { stop, onProgress }: { readonly stop: AbortSignal; readonly onProgress: (share: number, item: string) => void },
): Promise<OfficialDay[]> {
  if (isDemoFolder(dataDir))
    throw new OperatorError(
      `${dataDir} holds the demo's invented trades, which are in no file of Binance; leave out --official`,
    );
  const loaded = loadSome(["official.url", "official.bandwidth_mbps"], flags.config ?? null);
  if (!loaded.ok)
    throw new OperatorError(loaded.problems.map(({ where, problem }) => `${where}: ${problem}`).join("\n"));
  const [baseUrl, mbps] = [String(loaded.values[0]), Number(loaded.values[1])];
  const days = officialDays(tracks);
  if (days.length === 0)
    throw new OperatorError(
      `there is no day to compare: Binance publishes files of ${officialStreams.join(" and ")} for days that are over`,
    );
  const folder = join(tmpdir(), `rt-data-official-${crypto.randomUUID()}`);
  const limit = createBandwidthLimit(mbps);
  const compared: OfficialDay[] = [];
  for (const [at, day] of days.entries()) {
    const steps = { download: 0, recording: 1, comparison: 2 };
    const official = await checkDay(day, {
      ...{ dataDir, baseUrl, folder, limit, signal: stop, ...edgesOf(day, tracks) },
      onStep: (step) => onProgress((at + steps[step] / 3) / days.length, `${nameOfDay(day)}: ${step}`),
    });
    if (official === null) continue;
    compared.push({ ...day, official });
    if (official.kind !== "failed" || !official.isUnreachable) continue;
    const untried = { kind: "failed", reason: "not tried, for the same reason", isUnreachable: true } as const;
    compared.push(...days.slice(at + 1).map((other) => ({ ...other, official: untried })));
    break;
  }
  return compared;
}

/** Tells whether a stream has no earlier and no later day than this day. */
function edgesOf(day: Day, tracks: readonly SelectedStream[]): { isFirst: boolean; isLast: boolean } {
  const own = tracks.filter(({ stream }) => stream.symbol === day.symbol && stream.type.folder === day.stream);
  const dates = own.flatMap(({ days }) => days.map(({ date }) => date));
  return {
    isFirst: !own.some(({ hasEarlier }) => hasEarlier) && !dates.some((date) => date < day.date),
    isLast: !own.some(({ hasLater }) => hasLater) && !dates.some((date) => date > day.date),
  };
}

/** True if Binance's file proves that the recording of the day lacks no trade. */
export function isProved({ official }: OfficialDay): boolean {
  return ["equal", "file incomplete"].includes(verdictOf(official));
}

function verdictOf(official: OfficialCheck): Verdict {
  if (official.kind === "absent") return "not published";
  if (official.kind === "failed") return "not compared";
  if (official.differing.count > 0) return "differs";
  if (official.missing.count > 0) return "missing";
  return official.beyond.count > 0 ? "file incomplete" : "equal";
}

/** Formats the comparison: the summary, then a line per day with its findings below it. */
export function officialText(days: readonly OfficialDay[], isShown: (day: OfficialDay) => boolean): string {
  const proved = days.filter(isProved).length;
  const summary = `Binance's daily files: ${withNoun(proved, "day")} of ${days.length} proved complete`;
  return `${[summary, ...days.filter(isShown).flatMap(linesOf)].join("\n")}\n`;
}

function linesOf({ stream, symbol, date, official }: OfficialDay): string[] {
  const verdict = verdictOf(official);
  const lines = official.kind === "compared" ? findings(official) : [];
  const said = {
    "not published": "Binance has not published the file; it usually comes some hours after midnight UTC",
    "not compared": official.kind === "failed" ? official.reason : "",
  };
  const more = verdict === "not published" || verdict === "not compared" ? said[verdict] : "";
  const rows = official.kind === "compared" ? `${withNoun(official.equal, "trade")} equal` : more;
  return [
    `${verdict.padEnd(15)}  ${stream}  ${symbol}  ${date}  ${rows}`,
    ...lines.map((line) => `${" ".repeat(17)}${line}`),
  ];
}

function findings({ missing, differing, beyond, notDue, checksum }: Comparison): string[] {
  return [
    ...(missing.count > 0 ? [`not recorded: ${listed(missing)}`] : []),
    ...(differing.count > 0 ? [`with other values than recorded: ${listed(differing)}`] : []),
    ...(beyond.count > 0 ? [`recorded, but not in Binance's file: ${listed(beyond)}`] : []),
    ...(notDue > 0 ? [`${withNoun(notDue, "trade")} from before the first or after the last record`] : []),
    ...(checksum === "stale" ? ["the file does not match its CHECKSUM; Binance may have replaced either"] : []),
    ...(checksum === "none" ? ["Binance has published no CHECKSUM for it"] : []),
  ];
}

/** Formats ids, e.g. `12 trades, ids 5 to 9, 20 to 26`. */
function listed({ count, ranges }: IdList): string {
  const rangeText = ({ first, last }: IdRange) => (first === last ? `${first}` : `${first} to ${last}`);
  const shown = ranges.slice(0, 5).map(rangeText);
  return `${withNoun(count, "trade")}, ids ${shown.join(", ")}${ranges.length > shown.length ? " and more" : ""}`;
}

/** Returns the JSON form of a day. */
export function officialJson(day: OfficialDay) {
  const { stream, symbol, date, official } = day;
  const head = { stream, symbol, date, verdict: verdictOf(official), proved: isProved(day) };
  if (official.kind !== "compared") return { ...head, reason: official.kind === "failed" ? official.reason : null };
  const { kind: _, notDue, ...rest } = official;
  return { ...head, ...rest, not_due: notDue };
}
