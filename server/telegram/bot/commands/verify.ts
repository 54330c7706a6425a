import { type Day, dateStartUs } from "../../../domain/day.ts";
import type { ArchiveSummary, VerifyState } from "../../../domain/queries.ts";
import { parseStreamType, parseSymbol, streamTypeOfFolder } from "../../../domain/stream.ts";
import { count, duration, percent } from "../../../text/amounts.ts";
import { cut, escapeHtml } from "../../api/html.ts";
import { type Ask, type BotCommand, type CommandAnswer, fill, go, rows, type Sources } from "./command.ts";

/** Archives offered, problems shown, and how often progress is told, ms. */
const offered = 5;
const mostProblems = 8;
const everyMs = 2500;

/** `/verify SYMBOL STREAM DATE`: checks an archive and tells in the same message how it ended. */
export function verifyCommand({ history }: Sources): BotCommand {
  return {
    name: "verify",
    run(ask) {
      const { say } = ask;
      const day = dayOf(ask.words);
      if (typeof day === "string")
        return choice(history.archives({ stream: null, symbol: day || null, date: null }, offered, null).items, ask);
      const archive = history.archive(day);
      const begun = archive === null ? "no_archive" : history.verify(day);
      const name = nameOf(day);
      if (archive === null || begun === "no_archive") {
        const { items } = history.archives({ stream: null, symbol: day.symbol, date: null }, offered, null);
        const { html, buttons = [] } = choice(items, ask);
        return { html: `${fill(say.verifyNone, { name: escapeHtml(name) })}\n${html}`, buttons };
      }
      if (begun === "busy") return { html: busy(history.verification(), ask), buttons: again(day, ask) };
      return progress(history.verification, archive, ask);
    },
  };
}

/** Day of the words in any order; where one is missing, the symbol that they name, or "". */
function dayOf(words: readonly string[]): Day | string {
  let [stream, symbol, date] = ["", "", ""];
  for (const word of words) {
    const type = parseStreamType(word) ?? streamTypeOfFolder(word);
    if (!Number.isNaN(dateStartUs(word))) date = word;
    else if (type !== null) stream = type.folder;
    else symbol = parseSymbol(word) ?? "";
  }
  return stream === "" || symbol === "" || date === "" ? symbol : { stream, symbol, date };
}

function choice(items: readonly ArchiveSummary[], { say }: Ask): CommandAnswer {
  if (items.length === 0) return { html: say.verifyNoArchives };
  const each = items.map((day) => go(nameOf(day), `verify ${nameOf(day)}`));
  return { html: say.verifyUsage, buttons: rows(...each) };
}

function progress(state: () => VerifyState, archive: ArchiveSummary, ask: Ask): CommandAnswer {
  const { say, language } = ask;
  const name = nameOf(archive);
  const running = (share: number) => `⏳ ${fill(say.verifying, { name, percent: percent(share, language) })}`;
  const follow = async (signal: AbortSignal): Promise<CommandAnswer | null> => {
    const endMs = performance.now() + everyMs;
    while (performance.now() < endMs && state().kind === "running" && !signal.aborted) await Bun.sleep(50);
    const now = state();
    if (signal.aborted) return null;
    if (now.kind === "idle" || nameOf(now.day) !== name) return { html: fill(say.verifyLost, { name }) };
    if (now.kind === "running") return { html: running(now.progress), follow };
    return { html: ended(now, archive, ask), buttons: again(archive, ask) };
  };
  return { html: running(0), follow };
}

function ended(done: VerifyState & { kind: "done" }, archive: ArchiveSummary, { say, language }: Ask): string {
  const name = nameOf(done.day);
  if (done.problems.length === 0) {
    const time = duration(Math.max(1e6, done.ended_us - done.started_us), language);
    return `✅ ${fill(say.verified, { name, rows: count(archive.rows, language), time })}`;
  }
  const shown = done.problems.slice(0, mostProblems).map(({ detail }) => `• ${escapeHtml(cut(detail, 300))}`);
  const rest = done.problems.length - shown.length;
  return [
    `🔴 <b>${fill(say.verifyFailed, { name })}</b>`,
    ...shown,
    ...(rest > 0 ? [fill(say.andMore, { n: rest })] : []),
  ].join("\n");
}

function busy(state: VerifyState, { say, language }: Ask): string {
  const name = state.kind === "idle" ? "" : nameOf(state.day);
  return fill(say.verifyBusy, { name, percent: percent(state.kind === "running" ? state.progress : 1, language) });
}

function again(day: Day, { say }: Ask) {
  return rows(go(`🔄 ${say.refresh}`, `verify ${nameOf(day)}`));
}

function nameOf({ symbol, stream, date }: Day): string {
  return `${symbol} ${stream} ${date}`;
}
