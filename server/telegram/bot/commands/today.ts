import { dateOf } from "../../../domain/day.ts";
import { messageOf } from "../../../platform/errors.ts";
import { count, coverage } from "../../../text/amounts.ts";
import { fill, texts } from "../../../text/language.ts";
import { cut, escapeHtml } from "../../api/html.ts";
import { table } from "../../text/text-table.ts";
import { type Ask, asOf, type BotCommand, type CommandAnswer, go, rows, type Sources } from "../command.ts";
import { dayRequest } from "../day-request.ts";

const phrases = texts({
  en: {
    todayTitle: "{date} so far (UTC)",
    todayGaps: "{n} {n|gap|gaps} today",
    todayNoGaps: "No gaps today",
    todayWhole: "{n} {n|symbol, whole|symbols, all of them whole}",
    todayOthers: "{n} {n|other is|others are} whole",
    picture: "Picture",
    pictureCaption: "Coverage by symbol, rate and delay; red is missing.",
  },
  ko: {
    todayTitle: "{date} 지금까지 (UTC)",
    todayGaps: "오늘 공백 {n}건",
    todayNoGaps: "오늘 공백 없음",
    todayWhole: "심볼 {n}개 모두 빠짐없음",
    todayOthers: "나머지 {n}개는 빠짐없음",
    picture: "그림",
    pictureCaption: "심볼별 기록률, 빈도, 지연. 빨간색은 빠진 부분입니다.",
  },
});

/** Upper bound for listed symbols, the worst first. */
const most = 20;

/** `/today`, and `/today picture` */
export const todayCommand: BotCommand = {
  name: "today",
  about: { en: "coverage of today", ko: "오늘의 기록률" },
  draws: isForPicture,
  create: (sources) => (ask) => (isForPicture(ask.words) ? picture(sources, ask) : text(sources, ask)),
};

function isForPicture([word = ""]: readonly string[]): boolean {
  return /^(picture|그림)$/i.test(word);
}

async function text({ history, nowUs }: Sources, ask: Ask): Promise<CommandAnswer> {
  const { say, language } = ask;
  const { date, gaps, days } = await history.today();
  const shares = new Map<string, number | null>();
  for (const { symbol, coverage: share } of days) {
    const before = shares.get(symbol) ?? null;
    shares.set(symbol, before === null ? share : Math.min(before, share ?? before));
  }
  const holes = [...shares].filter(([, share]) => share === null || share < 1);
  const worst = holes.sort(([, a], [, b]) => (a ?? 2) - (b ?? 2)).slice(0, most);
  const cells = worst.map(([symbol, share]) => [
    symbol.slice(0, 14),
    bar(share ?? 0),
    share === null ? "–" : coverage(share, language),
  ]);
  const whole = shares.size - holes.length;
  const html = [
    `<b>${fill(phrases[language].todayTitle, { date })}</b>`,
    fill(gaps === 0 ? phrases[language].todayNoGaps : phrases[language].todayGaps, { n: count(gaps, language) }),
    ...(cells.length > 0 ? [table(cells, [0, 1])] : []),
    ...(holes.length > most ? [fill(say.andMore, { n: holes.length - most })] : []),
    ...(whole > 0
      ? [
          fill(holes.length === 0 ? phrases[language].todayWhole : phrases[language].todayOthers, {
            n: count(whole, language),
          }),
        ]
      : []),
    asOf(nowUs(), ask),
  ];
  const buttons = rows([...go(`🔄 ${say.refresh}`, "today"), ...go(`🖼 ${phrases[language].picture}`, "today picture")]);
  return { html: html.join("\n"), buttons };
}

/** Draws a bar of ten fields. Only full coverage fills the last field. */
function bar(share: number): string {
  const full = Math.floor(Math.min(1, Math.max(0, share)) * 10);
  return "█".repeat(full) + "░".repeat(10 - full);
}

async function picture(sources: Sources, ask: Ask): Promise<CommandAnswer> {
  const { say, language } = ask;
  const date = dateOf(sources.nowUs());
  try {
    const drawn = await sources.pictures.draw(await dayRequest(sources, date));
    const html = `<b>${fill(phrases[language].todayTitle, { date })}</b>\n${phrases[language].pictureCaption}\n${asOf(sources.nowUs(), ask)}`;
    return { html, picture: drawn, buttons: rows(go(`🔄 ${say.refresh}`, "today picture")) };
  } catch (error) {
    return { html: fill(say.chartFailed, { reason: escapeHtml(cut(messageOf(error), 200)) }) };
  }
}
