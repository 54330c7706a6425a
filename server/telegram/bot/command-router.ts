import { nearest } from "../../platform/did-you-mean.ts";
import { messageOf } from "../../platform/errors.ts";
import { cut, escapeHtml } from "../api/html.ts";
import { ackCommand, alertsCommand } from "./commands/alerts.ts";
import { bookCommand } from "./commands/book.ts";
import { chartCommand } from "./commands/chart.ts";
import { type Ask, type BotCommand, type CommandAnswer, fill, go, rows, type Sources } from "./commands/command.ts";
import { delayCommand } from "./commands/delay.ts";
import { diskCommand } from "./commands/disk.ts";
import { gapsCommand } from "./commands/gaps.ts";
import { commandNames, helpCommand } from "./commands/help.ts";
import { logsCommand } from "./commands/logs.ts";
import { muteCommand, unmuteCommand } from "./commands/mute.ts";
import { statusCommand } from "./commands/status.ts";
import { symbolsCommand } from "./commands/symbols.ts";
import { todayCommand } from "./commands/today.ts";
import { verifyCommand } from "./commands/verify.ts";

/** Answers lines such as `chart ETHUSDT 6h`, wherever they come from. */
export type CommandRouter = {
  /** Never rejects: what goes wrong is said. */
  answer(line: string, ask: Omit<Ask, "words">): Promise<CommandAnswer>;
  /** True if the answer to it is a picture that takes its time. */
  draws(line: string): boolean;
};

/** Words behind a command that are looked at, and letters of each. */
const mostWords = 8;
const longestWord = 64;

/** Every command of the bot. */
export function createCommandRouter(options: { readonly host: string }, sources: Sources): CommandRouter {
  const commands: readonly BotCommand[] = [
    statusCommand(sources),
    symbolsCommand(sources),
    bookCommand(sources),
    chartCommand(sources),
    delayCommand(sources),
    gapsCommand(sources),
    diskCommand(sources),
    todayCommand(sources),
    alertsCommand(sources),
    ackCommand(sources),
    muteCommand(sources),
    unmuteCommand(sources),
    verifyCommand(sources),
    logsCommand(sources),
    helpCommand("help", options),
    helpCommand("start", options),
  ];
  const find = (line: string) => {
    const [name = ""] = wordsOf(line);
    return commands.find((command) => command.name === name.toLowerCase());
  };

  return {
    async answer(line, ask) {
      const [name = "", ...words] = wordsOf(line);
      const command = find(line);
      if (command === undefined) return unknown(name, ask);
      try {
        return await command.run({ ...ask, words });
      } catch (error) {
        return { html: fill(ask.say.failed, { reason: escapeHtml(cut(messageOf(error), 200)) }) };
      }
    },
    draws(line) {
      return find(line)?.draws === true || /^today +(picture|그림)/i.test(line);
    },
  };
}

function wordsOf(line: string): readonly string[] {
  return line
    .trim()
    .split(/\s+/, mostWords + 1)
    .map((word) => word.slice(0, longestWord));
}

function unknown(name: string, { say }: Omit<Ask, "words">): CommandAnswer {
  const near = nearest(name, commandNames);
  const html = [
    fill(say.unknownCommand, { name: escapeHtml(name.slice(0, 32)) }),
    near === null ? "/help" : fill(say.meant, { name: near }),
  ];
  return {
    html: html.join(" "),
    buttons: rows([...(near === null ? [] : go(`/${near}`, near)), ...go("/help", "help")]),
  };
}
