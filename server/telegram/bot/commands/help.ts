import { fill, texts } from "../../../text/language.ts";
import { escapeHtml } from "../../api/html.ts";
import { type BotCommand, go, rows } from "../command.ts";

const phrases = texts({
  en: {
    help: "I watch over the recorder on <b>{host}</b>.",
    helpEnd: "Words behind a command narrow it down: /chart ETHUSDT 6h",
  },
  ko: {
    help: "<b>{host}</b>의 레코더를 지켜보고 있습니다.",
    helpEnd: "명령 뒤에 낱말을 붙여 좁힐 수 있습니다: /chart ETHUSDT 6h",
  },
});

const create: BotCommand["create"] =
  (_sources, { host, menu }) =>
  ({ language }) => {
    const html = [
      fill(phrases[language].help, { host: escapeHtml(host) }),
      "",
      ...menu.map(({ name, about }) => `/${name} ${about[language]}`),
      "",
      phrases[language].helpEnd,
    ];
    const buttons = rows([...go("/status", "status"), ...go("/alerts", "alerts"), ...go("/today", "today")]);
    return { html: html.join("\n"), buttons };
  };

/** `/help` */
export const helpCommand: BotCommand = { name: "help", about: { en: "these commands", ko: "명령 목록" }, create };

/** `/start`, which Telegram sends when a person opens the bot for the first time. */
export const startCommand: BotCommand = { name: "start", about: null, create };
