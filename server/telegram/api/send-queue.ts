import { Api, GrammyError, HttpError, InputFile } from "grammy";
import { messageOf } from "../../platform/errors.ts";
import { boundedFetchOf } from "../../platform/fetch/bounded-fetch.ts";
import { cut, mostCaption, mostText, plainOf } from "./html.ts";

/** A button under a message: its label, and the data that a press sends back. */
export type Button = { readonly text: string; readonly data: string };

/** A message for one chat. */
export type ChatMessage = {
  /** Telegram's HTML. A text that is too long is cut and sent as plain text. */
  readonly html: string;
  readonly buttons?: readonly (readonly Button[])[];
  /** The message makes no sound. */
  readonly silent?: boolean;
  /** Id of the message that it replies to; 0 if that message was never sent. */
  readonly replyTo?: number | null;
};

/** The result of a call. */
export type SendOutcome =
  | { readonly kind: "done"; readonly messageId: number }
  /** There was no response, or an invalid response: try again later. */
  | { readonly kind: "unreachable"; readonly problem: string }
  /** Rate limit: send again after `seconds`, to this chat or to any chat. */
  | { readonly kind: "wait"; readonly seconds: number }
  /** The group has become a supergroup with this id. */
  | { readonly kind: "moved"; readonly chat: number }
  /** The message to change no longer exists. */
  | { readonly kind: "gone" }
  /** Telegram refuses this chat ("chat") or all chats ("bot") until the operator follows `advice`. */
  | { readonly kind: "refused"; readonly concerns: "chat" | "bot"; readonly problem: string; readonly advice: string }
  /** Telegram will never accept this message. */
  | { readonly kind: "unacceptable"; readonly problem: string };

/** The Bot API calls that the notifier needs. No call rejects; each ends soon after its deadline. */
export type SendQueue = {
  send(chat: number, message: ChatMessage): Promise<SendOutcome>;
  edit(chat: number, messageId: number, message: ChatMessage): Promise<SendOutcome>;
  remove(chat: number, messageId: number): Promise<SendOutcome>;
  /** Sends a picture with a caption. */
  sendPhoto(chat: number, picture: Uint8Array, message: ChatMessage): Promise<SendOutcome>;
  /** Aborts all running calls. */
  abort(): void;
};

export type SendQueueOptions = {
  readonly token: string;
  readonly apiRoot: string;
  readonly timeoutMs?: number;
  /** Replaces the network in tests. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
};

/** Longest response, bytes. Each call returns one message of a few KB. */
const mostAnswerBytes = 1024 * 1024;

/** Longest problem text, characters. */
const mostProblem = 200;

/** Creates the calls. Problem texts never contain the token. */
export function createSendQueue({ token, apiRoot, timeoutMs = 15_000, fetch: go }: SendQueueOptions): SendQueue {
  const aborting = new AbortController();
  const ask = go ?? boundedFetchOf({ timeoutMs, maxBytes: mostAnswerBytes });
  const api = new Api(token, {
    apiRoot,
    timeoutSeconds: timeoutMs / 1000,
    // The token is in the URL, so redirects are refused.
    fetch: ((url: string, init: RequestInit) =>
      ask(url, {
        ...init,
        redirect: "error",
        signal: AbortSignal.any([aborting.signal, init.signal].filter((signal) => signal != null)),
      })) as never,
  });

  /** Sends with markup, and again as plain text if Telegram rejects the markup. */
  async function attempt(html: string, most: number, call: (text: string, mode?: "HTML") => Promise<number>) {
    const plain = cut(plainOf(html), most);
    const withMarkup = plainOf(html).length <= most;
    if (withMarkup) {
      const outcome = await outcomeOfCall(() => call(html, "HTML"));
      if (outcome.kind !== "unacceptable" || !/parse|entit/i.test(outcome.problem)) return outcome;
    }
    return outcomeOfCall(() => call(plain));
  }

  async function outcomeOfCall(call: () => Promise<number>): Promise<SendOutcome> {
    try {
      const messageId = await call();
      if (Number.isSafeInteger(messageId)) return { kind: "done", messageId };
      return { kind: "unreachable", problem: "the Bot API returned no message id" };
    } catch (error) {
      const outcome = outcomeOf(error);
      return "problem" in outcome ? { ...outcome, problem: scrub(outcome.problem, token) } : outcome;
    }
  }

  const options = ({ buttons, silent, replyTo }: ChatMessage) => ({
    ...(silent === true ? { disable_notification: true } : {}),
    ...(replyTo == null || replyTo <= 0
      ? {}
      : { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } }),
    ...keyboard(buttons),
  });

  return {
    send: (chat, message) =>
      attempt(message.html, mostText, async (text, parse_mode) => {
        const more = { link_preview_options: { is_disabled: true }, ...options(message) };
        return (await api.sendMessage(chat, text, { parse_mode, ...more })).message_id;
      }),
    edit: (chat, messageId, message) =>
      attempt(message.html, mostText, async (text, parse_mode) => {
        const more = { link_preview_options: { is_disabled: true }, ...keyboard(message.buttons) };
        await api.editMessageText(chat, messageId, text, { parse_mode, ...more }).catch(unlessUnchanged);
        return messageId;
      }),
    remove: (chat, messageId) =>
      outcomeOfCall(async () => {
        await api.deleteMessage(chat, messageId);
        return messageId;
      }),
    sendPhoto: (chat, picture, message) =>
      attempt(message.html, mostCaption, async (caption, parse_mode) => {
        const file = new InputFile(picture, "digest.png");
        return (await api.sendPhoto(chat, file, { caption, parse_mode, ...options(message) })).message_id;
      }),
    abort: () => aborting.abort(),
  };
}

/** Replaces a bot's token and its secret half in a text; cuts the text to `mostProblem`. */
export function scrub(text: string, token: string): string {
  const secret = token.slice(token.indexOf(":") + 1);
  const parts = [token, encodeURIComponent(token), ...(secret.length >= 8 ? [secret] : [])];
  const clean = parts
    .filter((part) => part !== "")
    .reduce((cleaned, part) => cleaned.replaceAll(part, "<token>"), text);
  return cut(clean.replace(/\s+/g, " ").trim(), mostProblem);
}

function keyboard(buttons: ChatMessage["buttons"]) {
  if (buttons === undefined || buttons.length === 0) return {};
  const rows = buttons.map((row) => row.map(({ text, data }) => ({ text, callback_data: data })));
  return { reply_markup: { inline_keyboard: rows } };
}

function unlessUnchanged(error: unknown): void {
  if (error instanceof GrammyError && /message is not modified/i.test(String(error.description))) return;
  throw error;
}

function outcomeOf(error: unknown): SendOutcome {
  if (!(error instanceof GrammyError)) {
    // The inner error names the cause. Its text may contain the URL with the token.
    const reason = error instanceof HttpError ? error.error : error;
    return { kind: "unreachable", problem: messageOf(reason) };
  }
  const code = Number(error.error_code);
  const problem = typeof error.description === "string" ? error.description : "";
  const { retry_after, migrate_to_chat_id } = parametersOf(error);
  if (typeof migrate_to_chat_id === "number" && Number.isSafeInteger(migrate_to_chat_id))
    return { kind: "moved", chat: migrate_to_chat_id };
  if (code === 429) return { kind: "wait", seconds: secondsOf(retry_after) };
  if (code === 401 || code === 404)
    return refused(
      "bot",
      `Telegram does not know the token (${code})`,
      "put the token from @BotFather into telegram.token, and check telegram.api_root",
    );
  if (code === 403) return refused("chat", problem, adviceFor(problem));
  if (code === 400) return badRequest(problem);
  if (code >= 400 && code < 500) return { kind: "unacceptable", problem: `${code} ${problem}` };
  return {
    kind: "unreachable",
    problem: `the Bot API answered ${Number.isFinite(code) ? code : "nonsense"} ${problem}`,
  };
}

function badRequest(problem: string): SendOutcome {
  if (/message to (edit|delete) not found|message can't be (edited|deleted)|MESSAGE_ID_INVALID/i.test(problem))
    return { kind: "gone" };
  if (
    /chat not found|PEER_ID_INVALID|chat_id is empty|rights|deactivated|CHAT_WRITE_FORBIDDEN|kicked|TOPIC_CLOSED/i.test(
      problem,
    )
  )
    return refused("chat", problem, adviceFor(problem));
  return { kind: "unacceptable", problem };
}

function adviceFor(problem: string): string {
  if (/blocked/i.test(problem)) return "unblock the bot in Telegram, or take the chat out of telegram.chats";
  if (/kicked|not a member/i.test(problem))
    return "add the bot to the group again, or take the chat out of telegram.chats";
  if (/initiate|chat not found|PEER_ID/i.test(problem))
    return "write /start to the bot from that chat, and check its id with `rt-data check --telegram`";
  if (/rights|FORBIDDEN|TOPIC/i.test(problem)) return "allow the bot to write in that chat";
  return "check the chat with `rt-data check --telegram`, or take it out of telegram.chats";
}

function refused(concerns: "chat" | "bot", problem: string, advice: string): SendOutcome {
  return { kind: "refused", concerns, problem, advice };
}

function parametersOf(error: GrammyError): { retry_after?: unknown; migrate_to_chat_id?: unknown } {
  const { parameters } = error;
  return typeof parameters === "object" && parameters !== null ? parameters : {};
}

/** Returns Telegram's pause in s: at most a day, 5 s if it is invalid. */
function secondsOf(retryAfter: unknown): number {
  const seconds = Number(retryAfter);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), 86_400) : 5;
}
