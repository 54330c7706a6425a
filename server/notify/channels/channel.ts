import { type ChannelTarget, channelName } from "../../domain/incidents/channel-target.ts";
import { messageOf } from "../../platform/errors.ts";
import { type BoundedAnswer, boundedFetch } from "../../platform/fetch/bounded-fetch.ts";
import { Late } from "../../platform/time/deadline.ts";
import { type ChannelMessage, type ChannelRequest, services } from "./services.ts";

/** The result of a call. No text contains a secret of the channel. */
export type ChannelOutcome =
  /** The service took the message; `id` is null if it cannot be changed later. */
  | { readonly kind: "done"; readonly id: string | null }
  /** There was no answer, or the service has a problem: try again later. */
  | { readonly kind: "unreachable"; readonly problem: string }
  /** Rate limit: call again after `seconds`. */
  | { readonly kind: "wait"; readonly seconds: number }
  /** The message no longer exists, or the service cannot change messages. */
  | { readonly kind: "gone" }
  /** The service refuses this channel until the operator follows `advice`. */
  | { readonly kind: "refused"; readonly problem: string; readonly advice: string }
  /** The service will never accept this message. */
  | { readonly kind: "unacceptable"; readonly code: number; readonly problem: string };

/** A channel to people. No call rejects; each ends soon after its deadline. */
export type AlertChannel = {
  /** Service and host, without secrets. */
  readonly name: string;
  send(message: ChannelMessage): Promise<ChannelOutcome>;
  edit(id: string, message: ChannelMessage): Promise<ChannelOutcome>;
  remove(id: string): Promise<ChannelOutcome>;
  /** Aborts all running calls; later calls fail at once. */
  abort(): void;
};

const usualTimeoutMs = 10_000;

/** An honest answer is a message of a few KB. */
const mostAnswerBytes = 256 * 1024;

/** Longest pause that a service may ask for, s. */
const longestWaitS = 3600;

/** Creates the calls of a channel. Redirects are not followed, because secrets are in the address. */
export function createChannel(
  target: ChannelTarget,
  options: { readonly version: string; readonly timeoutMs?: number },
): AlertChannel {
  const service = services[target.service];
  const ending = new AbortController();

  async function call(request: ChannelRequest, idOf: (answer: Readonly<Record<string, unknown>>) => string | null) {
    const { method, url, headers, body } = request;
    try {
      const answer = await boundedFetch(
        url,
        {
          method,
          headers: { "content-type": "application/json", "user-agent": `rt-data/${options.version}`, ...headers },
          body: body === null ? null : JSON.stringify(body),
          signal: ending.signal,
        },
        { timeoutMs: options.timeoutMs ?? usualTimeoutMs, maxBytes: mostAnswerBytes },
      );
      return outcomeOf(answer, target, idOf);
    } catch (error) {
      const problem = error instanceof Late ? "no answer in time" : scrub(messageOf(error), target);
      return { kind: "unreachable", problem } as const;
    }
  }

  return {
    name: channelName(target),
    send(message) {
      const id = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
      return call(service.send(target, message, id), (answer) => service.idOf(answer, id));
    },
    edit: async (id, message) =>
      service.edit === undefined ? { kind: "gone" } : call(service.edit(target, message, id), () => id),
    remove: async (id) =>
      service.remove === undefined ? { kind: "gone" } : call(service.remove(target, id), () => null),
    abort: () => ending.abort(new Error("the recorder is stopping")),
  };
}

/** Reads an answer. A service that knows the address but not the message says 404 with a code of its own (Discord: 10008). */
function outcomeOf(
  answer: BoundedAnswer,
  target: ChannelTarget,
  idOf: (answer: Readonly<Record<string, unknown>>) => string | null,
): ChannelOutcome {
  const { status } = answer;
  const json = parse(answer.text());
  if (answer.ok) return { kind: "done", id: idOf(json) };
  if (status === 404 && json.code === 10_008) return { kind: "gone" };
  if (status === 429) return { kind: "wait", seconds: pauseOf(answer) };
  const detail = scrub(String(json.message ?? json.error ?? "").slice(0, 120), target);
  const problem = `${channelName(target)} answered ${status}${detail === "" ? "" : ` ${detail}`}`;
  if ([401, 403, 404, 410].includes(status))
    return {
      kind: "refused",
      problem,
      advice: "correct url in [[alerts.channel]], or create a new address at the service",
    };
  // Apprise answers 424 if a service behind it did not take the message.
  if (status >= 400 && status < 500 && status !== 408 && status !== 424)
    return { kind: "unacceptable", code: status, problem };
  return { kind: "unreachable", problem };
}

function pauseOf({ headers }: BoundedAnswer): number {
  const seconds = Number(headers.get("retry-after") ?? 30);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), longestWaitS) : 30;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Removes the secrets of a channel from a text. */
function scrub(text: string, { root, last, user, password }: ChannelTarget): string {
  const { pathname } = new URL(root);
  return [`${root}/${last}`, `${pathname}/${last}`, last, ...(pathname === "/" ? [] : [pathname]), password, user]
    .flatMap((secret) => [secret, encodeURIComponent(secret)])
    .filter((secret) => secret.length > 2)
    .reduce((cleaned, secret) => cleaned.replaceAll(secret, "…"), text)
    .slice(0, 200);
}
