import { cut, escapeHtml } from "../../api/html.ts";
import { asOf, type BotCommand, go, rows, type Sources, shortTime } from "./command.ts";

/** Entries shown unless another number is asked for, the most, and letters of each. */
const usual = 10;
const most = 40;
const longest = 220;

/** Letters of all of them: what Telegram takes in one message, with room for what else is said. */
const room = 3500;

/** `/logs [N]`: newest first. */
export function logsCommand({ logs, nowUs }: Sources): BotCommand {
  return {
    name: "logs",
    run(ask) {
      const { say, words } = ask;
      const wanted = Math.min(most, Math.max(1, Number(/^\d{1,3}$/.test(words[0] ?? "") ? words[0] : usual)));
      const lines: string[] = [];
      let length = 0;
      for (const { at_us, level, text } of logs().slice(-wanted).reverse()) {
        const line = `${level === "error" ? "🔴" : "⚠️"} ${shortTime(at_us, ask)} ${cut(text, longest)}`;
        length += line.length;
        if (length > room) break;
        lines.push(escapeHtml(line));
      }
      const html = [`<b>${say.logsTitle}</b>`, ...(lines.length === 0 ? [say.noLogs] : lines), asOf(nowUs(), ask)];
      return { html: html.join("\n"), buttons: rows(go(`🔄 ${say.refresh}`, `logs ${wanted}`)) };
    },
  };
}
