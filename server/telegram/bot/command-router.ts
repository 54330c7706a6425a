import { nearest } from "../../platform/did-you-mean.ts";
import { messageOf } from "../../platform/errors.ts";
import { fill } from "../../text/language.ts";
import { cut, escapeHtml } from "../api/html.ts";
import { botCommands, menuCommands } from "./bot-commands.ts";
import { type Ask, type CommandAnswer, go, longWord, rows, type Sources } from "./command.ts";

/** Answers lines such as `chart ETHUSDT 6h` from commands and buttons. */
export type CommandRouter = {
  /** Answers a line. Never rejects; a failure becomes the answer. */
  answer(line: string, ask: Omit<Ask, "words">): Promise<CommandAnswer>;
  /** True if the answer is a picture, which takes a moment to draw. */
  draws(line: string): boolean;
};

/** Upper bounds for the words behind a command and for their length. */
const mostWords = 8;
const longestWord = 100;

/** Creates a router over all commands of the bot. */
export function createCommandRouter(options: { readonly host: string }, sources: Sources): CommandRouter {
  const runs = new Map(
    botCommands.map(({ name, create }) => [name, create(sources, { ...options, menu: menuCommands })]),
  );

  return {
    async answer(line, ask) {
      const [name = "", ...words] = wordsOf(line);
      const run = runs.get(name.toLowerCase());
      if (run === undefined) return unknown(name, ask);
      try {
        const symbols = () => sources.status().symbols.map(({ symbol }) => symbol);
        return await run({ ...ask, words: words.map((word) => longWord(word, symbols)) });
      } catch (error) {
        return { html: fill(ask.say.failed, { reason: escapeHtml(cut(messageOf(error), 200)) }) };
      }
    },
    draws(line) {
      const [name = "", ...words] = wordsOf(line);
      return botCommands.find((command) => command.name === name.toLowerCase())?.draws?.(words) === true;
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
  const near = nearest(
    name,
    menuCommands.map((command) => command.name),
  );
  const html = [
    fill(say.unknownCommand, { name: escapeHtml(name.slice(0, 32)) }),
    near === null ? "/help" : fill(say.meant, { name: near }),
  ];
  return {
    html: html.join(" "),
    buttons: rows([...(near === null ? [] : go(`/${near}`, near)), ...go("/help", "help")]),
  };
}
