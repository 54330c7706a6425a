import type { BotStatus } from "../../domain/status.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Language } from "../../text/language.ts";
import { type BotApi, createBotApi } from "../api/bot-api.ts";
import { problemText } from "../api/call-problem.ts";
import { createAllowance, createStrangers } from "./access.ts";
import { menuCommands } from "./bot-commands.ts";
import { goPrefix, type Sources } from "./command.ts";
import { createCommandRouter } from "./command-router.ts";
import type { IncidentButtons } from "./incident-buttons.ts";
import { createReply, type ReplyPlace } from "./reply.ts";
import { sharedWords } from "./shared-words.ts";
import { type Incoming, readIncoming } from "./update-parser.ts";
import { createUpdatePoller, type UpdatePollerPace } from "./update-poller.ts";

/** Answers questions on Telegram. The recorder never waits for it. */
export type Bot = {
  start(): void;
  /** Aborts all work; resolves within about a second. Idempotent. */
  stop(): Promise<void>;
  status(): BotStatus;
};

export type BotOptions = {
  readonly token: string;
  readonly apiRoot: string;
  readonly language: Language;
  readonly host: string;
  readonly timeZone?: string;
  readonly pace?: UpdatePollerPace;
  /** Limit per chat: `burst` questions at once, then a question every `everyMs`. */
  readonly allowance?: { readonly burst: number; readonly everyMs: number };
};

export type BotDeps = Sources & {
  /** Current ids of the chats that get answers. */
  readonly chats: () => readonly number[];
  /** Handles the buttons under incident messages. */
  readonly buttons: IncidentButtons;
  readonly log: Log;
};

/** Commands older than this are ignored, s: their answers would come too late. */
const oldSeconds = 300;

/** Telegram accepts about a message a second per chat. */
const usualAllowance = { burst: 20, everyMs: 1500 };

/** Upper bound for running answers in all chats; further questions are refused. */
const mostAtOnce = 12;

/** Creates the bot of a token. `start` starts it. */
export function createBot(options: BotOptions, deps: BotDeps): Bot {
  const { language, timeZone } = options;
  const { log } = deps;
  const say = sharedWords[language];
  const ending = new AbortController();
  const calls = createBotApi(options);
  const reply = createReply({ sender: calls, signal: ending.signal, log });
  const conversation = createCommandRouter(options, deps);
  const strangers = createStrangers({ log });
  const allowance = createAllowance(options.allowance ?? usualAllowance);
  const underWay = new Set<Promise<void>>();
  let startedS = 0;
  let answered = 0;
  let old = 0;
  const poller = createUpdatePoller({ calls, onUpdate, onName, log }, options.pace);

  function onName(name: string): void {
    log.info("the Telegram bot listens", { bot: `@${name}` });
    void setMenus(calls, log);
  }

  function onUpdate(update: unknown, botName: string): void {
    const incoming = readIncoming(update, botName);
    if (incoming === null) return;
    if (!deps.chats().includes(incoming.chat)) strangers.record(incoming.chat, incoming.title);
    else if (incoming.kind !== "talk" && !isOld(incoming)) begin(incoming);
  }

  /** True for commands that are too old to answer. Logged once: a night without network may leave a hundred of them. */
  function isOld(incoming: Incoming): boolean {
    if (incoming.kind !== "command") return false;
    const isFresh = incoming.date >= startedS && Date.now() / 1000 - incoming.date <= oldSeconds;
    if (!isFresh && old++ === 0) log.info("ignoring commands that are old or from before the start");
    return !isFresh;
  }

  function begin(incoming: Incoming & { kind: "command" | "press" }): void {
    const allowed = underWay.size >= mostAtOnce ? "refused" : allowance.acquire(incoming.chat);
    if (allowed === "granted") answered++;
    const work = (allowed === "granted" ? handle(incoming) : refuse(incoming, allowed === "first_refusal"))
      .catch((error) => log.debug("cannot answer a question on Telegram", { reason: String(error?.message) }))
      .finally(() => underWay.delete(work));
    underWay.add(work);
  }

  async function refuse(incoming: Incoming & { kind: "command" | "press" }, isFirst: boolean): Promise<void> {
    if (incoming.kind === "press") await calls.answerPress(incoming.callback, say.tooFast);
    else if (isFirst) await reply(placeOf(incoming), { html: say.tooFast });
  }

  async function handle(incoming: Incoming & { kind: "command" | "press" }): Promise<void> {
    const { chat, who } = incoming;
    const line = lineOf(incoming);
    if (line === null) return;
    // Telegram forgets a press after a while. Then the press is ignored.
    if (incoming.kind === "press" && (await calls.answerPress(incoming.callback, null)).kind !== "done") return;
    if (conversation.draws(line)) void calls.drawing(chat);
    const answer = await conversation.answer(line, { say, language, who, ...(timeZone && { timeZone }) });
    await reply(placeOf(incoming), answer);
  }

  /** Returns the command line of a command or a button. Handles other buttons at once and returns null. */
  function lineOf(incoming: Incoming & { kind: "command" | "press" }): string | null {
    if (incoming.kind === "command") return incoming.line;
    const { data, callback, who } = incoming;
    if (data.startsWith(goPrefix)) return data.slice(goPrefix.length);
    void calls.answerPress(callback, deps.buttons.press(data, who) ?? say.outdated);
    return null;
  }

  return {
    start() {
      startedS = Math.floor(Date.now() / 1000);
      poller.start();
    },
    async stop() {
      ending.abort();
      calls.abort();
      await poller.stop();
      await Promise.all(underWay);
    },
    status: () => ({ ...poller.state(), answered, strangers: strangers.count() }),
  };
}

function placeOf(incoming: Incoming & { kind: "command" | "press" }): ReplyPlace {
  const { chat, messageId } = incoming;
  if (incoming.kind === "press") return { chat, messageId, isPicture: incoming.isPicture, replyTo: null };
  return { chat, messageId: null, isPicture: false, replyTo: incoming.isGroup ? messageId : null };
}

/** Sets the menu in both languages. The bot also works without a menu. */
async function setMenus(calls: BotApi, log: Log): Promise<void> {
  for (const [language, code] of [
    ["en", null],
    ["en", "en"],
    ["ko", "ko"],
  ] as const) {
    const done = await calls.setMenu(
      menuCommands.map(({ name, about }) => ({ command: name, description: about[language] })),
      code,
    );
    if (done.kind !== "done") {
      log.debug("cannot set the menu of the Telegram bot", { reason: problemText(done) });
      return;
    }
  }
}
