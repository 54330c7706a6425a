import type { NotificationStore } from "../../domain/notification-state.ts";
import type { AlertChannel, ChannelOutcome } from "../../notify/channels/channel.ts";
import type { ChannelMessage } from "../../notify/channels/services.ts";
import type { ChatMessage, Sender, SendOutcome } from "../../telegram/api/bot-api.ts";
import { plainOf } from "../../telegram/api/html.ts";

/** Marks of first lines, and the level that they stand for. */
const levels = { "🔴": "critical", "🟠": "warning", "🔵": "info", "✅": "ok", "⚠️": "warning" } as const;

/** Key of the ids of messages, and how many are kept. Older messages are not changed any more. */
const idsKey = "message ids";
const mostIds = 200;

/**
 * Creates a sender of messages over a channel. Messages get numbers of ours; the service's own ids are stored, so that a message can be
 * changed after a restart. If the service cannot change messages, ends are messages of their own.
 */
export function createChannelSender(
  channel: AlertChannel,
  deps: { readonly store: () => Pick<NotificationStore, "readValue" | "saveValue">; readonly page: string | null },
): Sender {
  function ids(): readonly (readonly [number: number, id: string | null])[] {
    try {
      return JSON.parse(deps.store().readValue(idsKey) ?? "[]") as [number, string | null][];
    } catch {
      return [];
    }
  }

  /** Returns the number of a new message. */
  function remember(id: string | null): number {
    const known = ids();
    const number = (known.at(-1)?.[0] ?? 0) + 1;
    try {
      deps.store().saveValue(idsKey, JSON.stringify([...known, [number, id]].slice(-mostIds)));
    } catch {
      // Without the catalogue the message cannot be changed later. It has been sent.
    }
    return number;
  }

  async function onKnown(number: number, call: (id: string) => Promise<ChannelOutcome>): Promise<SendOutcome> {
    const id = ids().find(([known]) => known === number)?.[1] ?? null;
    return id === null ? { kind: "gone" } : outcomeOf(await call(id), number);
  }

  return {
    async send(_, message) {
      const outcome = await channel.send(channelMessageOf(message, deps.page));
      return outcome.kind === "done" ? { kind: "done", messageId: remember(outcome.id) } : outcomeOf(outcome, 0);
    },
    edit: (_, number, message) => onKnown(number, (id) => channel.edit(id, channelMessageOf(message, deps.page))),
    remove: (_, number) => onKnown(number, channel.remove),
    sendPhoto: async () => ({ kind: "unacceptable", code: 0, problem: "channels get no pictures" }),
    editPhoto: async () => ({ kind: "gone" }),
    abort: channel.abort,
  };
}

function outcomeOf(outcome: ChannelOutcome, messageId: number): SendOutcome {
  if (outcome.kind === "done") return { kind: "done", messageId };
  return outcome.kind === "refused" ? { ...outcome, concerns: "bot" } : outcome;
}

/** Turns a message with markup into title, text and level. */
export function channelMessageOf({ html, silent }: ChatMessage, page: string | null): ChannelMessage {
  const [first = "", ...lines] = plainOf(html).split("\n");
  const [sign, level] = Object.entries(levels).find(([mark]) => first.startsWith(mark)) ?? ["", "info" as const];
  const title = first.slice(sign.length).trim();
  return { title, text: lines.join("\n").trim(), level, isSilent: silent === true, page };
}
