import { dateOf } from "../../../domain/day.ts";
import { messageOf } from "../../../platform/errors.ts";
import { count, coverage, duration } from "../../../text/amounts.ts";
import { fill, texts } from "../../../text/language.ts";
import { cut, escapeHtml } from "../../api/html.ts";
import { table } from "../../text/text-table.ts";
import { type Ask, asOf, type BotCommand, type CommandAnswer, go, rows, type Sources } from "../command.ts";
import { dayRequest } from "../day-request.ts";

const phrases = texts({
  en: {
    todayHeads: "symbol missing recorded",
    todayTitle: "{date} so far (UTC)",
    todayGaps: "{n} {n|gap|gaps} today",
    todayNoGaps: "No gaps today",
    todayWhole: "{n} {n|symbol, whole|symbols, all of them whole}",
    todayOthers: "{n} {n|other is|others are} whole",
    picture: "Picture",
    pictureCaption: "Coverage by symbol, rate and delay; red is missing.",
  },
  ko: {
    todayHeads: "심볼 빠짐 기록률",
    todayTitle: "{date} 지금까지 (UTC)",
    todayGaps: "오늘 공백 {n}건",
    todayNoGaps: "오늘 공백 없음",
    todayWhole: "심볼 {n}개 모두 빠짐없이 기록",
    todayOthers: "나머지 {n}개는 빠짐없이 기록",
    picture: "이미지",
    pictureCaption: "심볼별 기록률, 수신량, 지연. 빨간색은 빠진 부분입니다.",
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
  return /^(picture|이미지|그림)$/i.test(word);
}

async function text({ history, nowUs }: Sources, ask: Ask): Promise<CommandAnswer> {
  const { say, language } = ask;
  const { date, gaps, days } = await history.today();
  const shares = new Map<string, number | null>();
  const missing = new Map<string, number>();
  for (const { symbol, coverage: share, missing_s } of days) {
    const before = shares.get(symbol) ?? null;
    shares.set(symbol, before === null ? share : Math.min(before, share ?? before));
    missing.set(symbol, Math.max(missing.get(symbol) ?? 0, missing_s));
  }
  const holes = [...shares].filter(([, share]) => share === null || share < 1);
  const worst = holes.sort(([, a], [, b]) => (a ?? 2) - (b ?? 2)).slice(0, most);
  const cells = worst.map(([symbol, share]) => [
    symbol.slice(0, 14),
    share === null ? "–" : duration((missing.get(symbol) ?? 0) * 1e6, language),
    share === null ? "–" : coverage(share, language),
  ]);
  const heads = phrases[language].todayHeads.split(" ");
  const whole = shares.size - holes.length;
  const html = [
    `<b>${fill(phrases[language].todayTitle, { date })}</b>`,
    ...(gaps > 0 ? [fill(phrases[language].todayGaps, { n: count(gaps, language) })] : []),
    ...(gaps === 0 && holes.length === 0 ? [phrases[language].todayNoGaps] : []),
    ...(cells.length > 0 ? [table([heads, ...cells])] : []),
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
