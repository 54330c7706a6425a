import { type CommandName, commandWordsEn } from "../../../text/en/command-texts.ts";
import { escapeHtml } from "../../api/html.ts";
import { type BotCommand, fill, go, rows } from "./command.ts";

/** Commands that are told of, in the order of the menu. */
export const commandNames = Object.keys(commandWordsEn.about) as readonly CommandName[];

/** `/help`, and `/start`, which Telegram sends when somebody begins to talk to a bot. */
export function helpCommand(name: "help" | "start", options: { readonly host: string }): BotCommand {
  return {
    name,
    run({ say }) {
      const html = [
        fill(say.help, { host: escapeHtml(options.host) }),
        "",
        ...commandNames.map((command) => `/${command} ${say.about[command]}`),
        "",
        say.helpEnd,
      ];
      const buttons = rows([...go("/status", "status"), ...go("/alerts", "alerts"), ...go("/today", "today")]);
      return { html: html.join("\n"), buttons };
    },
  };
}
