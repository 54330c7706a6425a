import { createDeadline, pause } from "../../platform/time/deadline.ts";
import { type BotApi, createBotApi, type SendOutcome } from "../../telegram/api/bot-api.ts";
import { type CallProblem, problemText } from "../../telegram/api/call-problem.ts";
import { escapeHtml } from "../../telegram/api/html.ts";
import { readIncoming, updateIdOf } from "../../telegram/bot/update-parser.ts";
import type { Terminal } from "../framework/command.ts";

/** The settings of the first contact with the bot. */
export type TelegramSettings = {
  readonly token: string;
  readonly apiRoot: string;
  readonly chats: readonly number[];
  /** How long it waits for someone to write, ms. */
  readonly patienceMs?: number;
};

const tenMinutes = 600_000;

/** Duration of a long poll: Telegram answers after this time even without a message, s. */
const longPollSeconds = 20;

/**
 * Makes the first contact with the bot. Checks the token, sends a test message to each configured chat, then prints the id of each chat
 * that writes to the bot, until it is stopped or the time is over. Resolves with the exit code: 0 if everything worked.
 */
export async function helloTelegram(
  settings: TelegramSettings,
  terminal: Pick<Terminal, "print" | "stop">,
): Promise<number> {
  const { print, stop } = terminal;
  const { token, apiRoot, chats, patienceMs = tenMinutes } = settings;
  if (token === "") {
    print("telegram.token is empty: open t.me/BotFather, send /newbot, and put the token into telegram.token,");
    print("or into the file that RT_DATA_TELEGRAM_TOKEN_FILE names");
    return 2;
  }
  const ending = createDeadline({ what: "nobody wrote", ms: patienceMs, signal: stop });
  const calls = createBotApi({ token, apiRoot });
  try {
    const me = await calls.me(ending.signal);
    if (me.kind !== "done") {
      print(adviceOn(me, apiRoot));
      return 1;
    }
    print(`ok      the token belongs to @${me.value}`);
    let areTestsSent = true;
    for (const chat of chats) {
      const [word, text] = sentLine(await calls.send(chat, { html: testText(chat) }), chat);
      areTestsSent &&= word === "ok";
      print(`${word.padEnd(7)} ${text}`);
    }
    print(
      `waiting for a message to t.me/${me.value} (in a group: add the bot, then send /start@${me.value}); Ctrl-C ends the wait`,
    );
    const heard = await listen({ calls, name: me.value, chats, signal: ending.signal }, print);
    if (heard.problem !== null) print(heard.problem);
    else if (heard.count === 0 && chats.length === 0) print("no message received");
    return heard.problem === null && areTestsSent && (heard.count > 0 || chats.length > 0) ? 0 : 1;
  } finally {
    ending.clear();
    calls.abort();
  }
}

type Listening = {
  readonly calls: BotApi;
  readonly name: string;
  readonly chats: readonly number[];
  readonly signal: AbortSignal;
};

/** Prints each chat once. Returns the number of chats, and why it had to stop listening, or null. */
async function listen(
  { calls, name, chats, signal }: Listening,
  print: (line: string) => void,
): Promise<{ count: number; problem: string | null }> {
  const known = new Set<number>();
  let offset = 0;
  let failures = 0;
  while (!signal.aborted) {
    const answer = await calls.updates(offset, longPollSeconds, signal);
    if (signal.aborted) break;
    if (answer.kind !== "done") {
      const text = problemText(answer);
      if (answer.kind === "unacceptable" && answer.code === 409)
        return { count: known.size, problem: conflictText(text) };
      if (++failures > 5) return { count: known.size, problem: `failed  Telegram does not answer: ${text}` };
      await pause((answer.kind === "wait" ? answer.seconds : failures) * 1000, signal);
      continue;
    }
    failures = 0;
    for (const update of answer.value) {
      offset = Math.max(offset, (updateIdOf(update) ?? -1) + 1);
      const incoming = readIncoming(update, name);
      if (incoming === null || known.has(incoming.chat)) continue;
      known.add(incoming.chat);
      const { chat, title } = incoming;
      const isListed = chats.includes(chat);
      print(
        `chat    ${chat}  ${chat < 0 ? "group" : "private"}  ${title}${isListed ? "  (already in telegram.chats)" : ""}`,
      );
      if (isListed) continue;
      const [word, text] = sentLine(await calls.send(chat, { html: testText(chat) }), chat);
      print(`${word.padEnd(7)} ${text}`);
      print(
        `        to notify and answer this chat, set: telegram.chats = [${[...chats, ...known].filter(isOnce).join(", ")}]`,
      );
    }
    // Telegram drops fetched updates only when the next request confirms them by its offset.
  }
  return { count: known.size, problem: null };
}

function isOnce<T>(value: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(value) === index;
}

function testText(chat: number): string {
  return escapeHtml(
    `RT-Data can write to this chat. Its id is ${chat}.\nRT-Data가 이 채팅에 쓸 수 있습니다. id는 ${chat}입니다.`,
  );
}

function sentLine(outcome: SendOutcome, chat: number): readonly [word: "ok" | "failed", text: string] {
  switch (outcome.kind) {
    case "done":
      return ["ok", `a test message was sent to ${chat}`];
    case "moved":
      return ["failed", `${chat} has become a supergroup; replace it by ${outcome.chat} in telegram.chats`];
    case "wait":
      return ["failed", `${chat}: Telegram limits the rate; try again in ${outcome.seconds} s`];
    case "refused":
      return ["failed", `${chat}: ${outcome.problem}: ${outcome.advice}`];
    default:
      return ["failed", `${chat}: ${problemText(outcome)}`];
  }
}

function conflictText(problem: string): string {
  if (/webhook/i.test(problem))
    return "failed  a webhook is set for this token, so no messages can be read: delete it (deleteWebhook), or create another bot at @BotFather";
  return [
    "failed  another program polls with this token. If it is a recorder: its log shows the chat id of anyone who writes to the bot,",
    "        for telegram.chats (send /logs to the bot, or run journalctl -u rt-data). Otherwise stop that program,",
    "        or create a separate bot at @BotFather",
  ].join("\n");
}

function adviceOn(problem: CallProblem, apiRoot: string): string {
  if (problem.kind === "refused") return `failed  ${problem.problem}: ${problem.advice}`;
  const host = new URL(apiRoot).host;
  return `failed  ${host} does not answer: ${problemText(problem)}. Check the network, a proxy, and telegram.api_root`;
}
