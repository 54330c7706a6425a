import { texts } from "../../../text/language.ts";
import { cut, escapeHtml } from "../../api/html.ts";
import { asOf, type BotCommand, go, rows, shortTime } from "../command.ts";

const phrases = texts({
  en: {
    logsTitle: "Newest warnings and errors",
    noLogs: "No warnings and no errors since the start.",
  },
  ko: {
    logsTitle: "최근 경고와 오류",
    noLogs: "시작 후 경고와 오류가 없습니다.",
  },
});

/** Default and maximum number of entries, and the longest entry in characters. */
const usual = 10;
const most = 40;
const longest = 220;

/** Upper bound for all entries, characters. It leaves room for the other text in a Telegram message. */
const room = 3500;

/** `/logs [N]`: newest first. */
export const logsCommand: BotCommand = {
  name: "logs",
  about: { en: "newest warnings and errors", ko: "최근 경고와 오류" },
  create:
    ({ logs, nowUs }) =>
    (ask) => {
      const { say, words, language } = ask;
      const wanted = Math.min(most, Math.max(1, Number(/^\d{1,3}$/.test(words[0] ?? "") ? words[0] : usual)));
      const lines: string[] = [];
      let length = 0;
      for (const { at_us, level, text } of logs().slice(-wanted).reverse()) {
        const line = `${level === "error" ? "🔴" : "⚠️"} ${shortTime(at_us, ask)} ${cut(text, longest)}`;
        length += line.length;
        if (length > room) break;
        lines.push(escapeHtml(line));
      }
      const html = [
        `<b>${phrases[language].logsTitle}</b>`,
        ...(lines.length === 0 ? [phrases[language].noLogs] : lines),
        asOf(nowUs(), ask),
      ];
      return { html: html.join("\n"), buttons: rows(go(`🔄 ${say.refresh}`, `logs ${wanted}`)) };
    },
};
