import { type Day, dateStartUs } from "../../../domain/day.ts";
import type { ArchiveSummary, VerifyState } from "../../../domain/queries.ts";
import { parseStreamType, parseSymbol, streamTypeOfFolder } from "../../../domain/stream.ts";
import { count, duration, percent } from "../../../text/amounts.ts";
import { fill, texts } from "../../../text/language.ts";
import { cut, escapeHtml } from "../../api/html.ts";
import { type Ask, type BotCommand, type CommandAnswer, go, rows } from "../command.ts";

const phrases = texts({
  en: {
    verifyUsage: "Which day? /verify BTCUSDT depth20 2026-11-21",
    verifyNoArchives: "No day has been archived yet. The first archives are made after midnight UTC.",
    verifyNone: "There is no archive of {name}.",
    verifyBusy: "Another archive is being checked: {name}, {percent}.",
    verifying: "Checking {name}: {percent}",
    verified: "{name} is whole: archive and manifest agree. {rows} rows, checked in {time}.",
    verifyFailed: "{name} does not agree with its manifest:",
    verifyLost: "The check of {name} was given up.",
  },
  ko: {
    verifyUsage: "어느 날짜인가요? /verify BTCUSDT depth20 2026-11-21",
    verifyNoArchives: "아직 보관된 날짜가 없습니다. 첫 아카이브는 UTC 자정 이후에 만들어집니다.",
    verifyNone: "{name}의 아카이브가 없습니다.",
    verifyBusy: "다른 아카이브를 검사하는 중입니다: {name}, {percent}",
    verifying: "{name} 검사 중: {percent}",
    verified: "{name} 이상 없음: 아카이브와 매니페스트가 일치합니다. {rows}행, {time} 만에 검사했습니다.",
    verifyFailed: "{name}이(가) 매니페스트와 다릅니다:",
    verifyLost: "{name} 검사가 중단되었습니다.",
  },
});

/** Number of offered archives, number of listed problems, and time between progress updates in ms. */
const offered = 5;
const mostProblems = 8;
const everyMs = 2500;

/** `/verify SYMBOL STREAM DATE`: checks an archive and shows progress and result in the same message. */
export const verifyCommand: BotCommand = {
  name: "verify",
  about: { en: "check an archived day", ko: "보관된 날짜 검사" },
  create:
    ({ history }) =>
    (ask) => {
      const { language } = ask;
      const day = dayOf(ask.words);
      if (typeof day === "string")
        return choice(history.archives({ stream: null, symbol: day || null, date: null }, offered, null).items, ask);
      const archive = history.archive(day);
      const begun = archive === null ? "no_archive" : history.verify(day);
      const name = nameOf(day);
      if (archive === null || begun === "no_archive") {
        const { items } = history.archives({ stream: null, symbol: day.symbol, date: null }, offered, null);
        const { html, buttons = [] } = choice(items, ask);
        return { html: `${fill(phrases[language].verifyNone, { name: escapeHtml(name) })}\n${html}`, buttons };
      }
      if (begun === "busy") return { html: busy(history.verification(), ask), buttons: again(day, ask) };
      return progress(history.verification, archive, ask);
    },
};

/** Parses a day from words in any order. If a part is missing, returns the named symbol, or "". */
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

function choice(items: readonly ArchiveSummary[], { language }: Ask): CommandAnswer {
  if (items.length === 0) return { html: phrases[language].verifyNoArchives };
  const each = items.map((day) => go(nameOf(day), `verify ${nameOf(day)}`));
  return { html: phrases[language].verifyUsage, buttons: rows(...each) };
}

function progress(state: () => VerifyState, archive: ArchiveSummary, ask: Ask): CommandAnswer {
  const { language } = ask;
  const name = nameOf(archive);
  const running = (share: number) =>
    `⏳ ${fill(phrases[language].verifying, { name, percent: percent(share, language) })}`;
  const follow = async (signal: AbortSignal): Promise<CommandAnswer | null> => {
    const endMs = performance.now() + everyMs;
    while (performance.now() < endMs && state().kind === "running" && !signal.aborted) await Bun.sleep(50);
    const now = state();
    if (signal.aborted) return null;
    if (now.kind === "idle" || nameOf(now.day) !== name) return { html: fill(phrases[language].verifyLost, { name }) };
    if (now.kind === "running") return { html: running(now.progress), follow };
    return { html: ended(now, archive, ask), buttons: again(archive, ask) };
  };
  return { html: running(0), follow };
}

function ended(done: VerifyState & { kind: "done" }, archive: ArchiveSummary, { say, language }: Ask): string {
  const name = nameOf(done.day);
  if (done.problems.length === 0) {
    const time = duration(Math.max(1e6, done.ended_us - done.started_us), language);
    return `✅ ${fill(phrases[language].verified, { name, rows: count(archive.rows, language), time })}`;
  }
  const shown = done.problems.slice(0, mostProblems).map(({ detail }) => `• ${escapeHtml(cut(detail, 300))}`);
  const rest = done.problems.length - shown.length;
  return [
    `🔴 <b>${fill(phrases[language].verifyFailed, { name })}</b>`,
    ...shown,
    ...(rest > 0 ? [fill(say.andMore, { n: rest })] : []),
  ].join("\n");
}

function busy(state: VerifyState, { language }: Ask): string {
  const name = state.kind === "idle" ? "" : nameOf(state.day);
  return fill(phrases[language].verifyBusy, {
    name,
    percent: percent(state.kind === "running" ? state.progress : 1, language),
  });
}

function again(day: Day, { say }: Ask) {
  return rows(go(`🔄 ${say.refresh}`, `verify ${nameOf(day)}`));
}

function nameOf({ symbol, stream, date }: Day): string {
  return `${symbol} ${stream} ${date}`;
}
