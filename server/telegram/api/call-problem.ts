import { GrammyError, HttpError } from "grammy";
import { messageOf } from "../../platform/errors.ts";
import { FetchBoundError } from "../../platform/fetch/bounded-body.ts";
import { cut } from "./html.ts";

/** The failure of a call. No text contains the token. */
export type CallProblem =
  /** There was no response, or an invalid response: try again later. */
  | { readonly kind: "unreachable"; readonly problem: string; readonly isTooLong?: boolean }
  /** Rate limit: call again after `seconds`, for this chat or for any chat. */
  | { readonly kind: "wait"; readonly seconds: number }
  /** The group has become a supergroup with this id. */
  | { readonly kind: "moved"; readonly chat: number }
  /** The message to change no longer exists. */
  | { readonly kind: "gone" }
  /** Telegram refuses this chat ("chat") or all calls ("bot") until the operator follows `advice`. */
  | { readonly kind: "refused"; readonly concerns: "chat" | "bot"; readonly problem: string; readonly advice: string }
  /** Telegram will never accept this call. `code` is Telegram's; 409: another program polls with this token. */
  | { readonly kind: "unacceptable"; readonly code: number; readonly problem: string };

export type CallOutcome<T> = { readonly kind: "done"; readonly value: T } | CallProblem;

/** Longest problem text, characters. */
const mostProblem = 200;

/** Reads the error of a call. */
export function callProblemOf(error: unknown, token: string): CallProblem {
  const outcome = error instanceof GrammyError ? refusalOf(error) : noAnswer(error);
  return "problem" in outcome ? { ...outcome, problem: scrub(outcome.problem, token) } : outcome;
}

/** Describes a problem for the log. */
export function problemText(problem: CallProblem): string {
  if ("problem" in problem) return problem.problem;
  if (problem.kind === "wait") return `Telegram asks for a pause of ${problem.seconds} s`;
  return problem.kind === "moved" ? `the chat has moved to ${problem.chat}` : "the message no longer exists";
}

/** True if a change of a message failed because it would change nothing. */
export function isUnchanged(error: unknown): boolean {
  return error instanceof GrammyError && /message is not modified/i.test(String(error.description));
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

function noAnswer(error: unknown): CallProblem {
  // The inner error names the cause. Its text may contain the URL with the token.
  const reason = error instanceof HttpError ? error.error : error;
  const isTooLong = reason instanceof FetchBoundError && reason.name === "AnswerTooLong";
  return { kind: "unreachable", problem: messageOf(reason), ...(isTooLong && { isTooLong }) };
}

function refusalOf(error: GrammyError): CallProblem {
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
  if (code >= 400 && code < 500) return { kind: "unacceptable", code, problem: `${code} ${problem}` };
  return {
    kind: "unreachable",
    problem: `the Bot API answered ${Number.isFinite(code) ? code : "nonsense"} ${problem}`,
  };
}

function badRequest(problem: string): CallProblem {
  if (/message to (edit|delete) not found|message can't be (edited|deleted)|MESSAGE_ID_INVALID/i.test(problem))
    return { kind: "gone" };
  if (
    /chat not found|PEER_ID_INVALID|chat_id is empty|rights|deactivated|CHAT_WRITE_FORBIDDEN|kicked|TOPIC_CLOSED/i.test(
      problem,
    )
  )
    return refused("chat", problem, adviceFor(problem));
  return { kind: "unacceptable", code: 400, problem };
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

function refused(concerns: "chat" | "bot", problem: string, advice: string): CallProblem {
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
