import type { ChannelService, ChannelTarget } from "../../domain/incidents/channel-target.ts";

/** A message for a service. */
export type ChannelMessage = {
  /** First line, without its mark. */
  readonly title: string;
  /** The other lines; may be empty. */
  readonly text: string;
  /** Severity, or "ok" for an end. */
  readonly level: "critical" | "warning" | "info" | "ok";
  readonly isSilent: boolean;
  /** Address of the page, or null. */
  readonly page: string | null;
};

/** A request to a service. */
export type ChannelRequest = {
  readonly method: "POST" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, or null for a request without a body. */
  readonly body: unknown;
};

/** How a service takes messages. */
export type Service = {
  /** Creates the request for a new message. `id` is an id of ours, for services that take one. */
  send(target: ChannelTarget, message: ChannelMessage, id: string): ChannelRequest;
  /** Reads the id for later changes from an answer; null if the message cannot be changed. */
  idOf(answer: Readonly<Record<string, unknown>>, id: string): string | null;
  /** Create the requests that change and delete a message. Missing: the service cannot. */
  edit?(target: ChannelTarget, message: ChannelMessage, id: string): ChannelRequest;
  remove?(target: ChannelTarget, id: string): ChannelRequest;
};

const signs = { critical: "🔴", warning: "🟠", info: "🔵", ok: "✅" } as const;

/** Longest title and text that every service takes, characters. */
const mostTitle = 240;
const mostText = 3000;

/** Sources: docs.ntfy.sh/publish ("Publish as JSON", "Updating notifications", from 2.16 on). Other versions ignore `sequence_id`. */
const ntfy: Service = {
  send: (target, message, id) => ({
    method: "POST",
    url: `${target.root}/`,
    headers: ntfyAuthorization(target),
    body: {
      topic: target.last,
      title: cut(`${signs[message.level]} ${message.title}`, mostTitle),
      message: cut(message.text === "" ? message.title : message.text, mostText),
      priority: message.isSilent ? 2 : { critical: 5, warning: 4, info: 3, ok: 3 }[message.level],
      sequence_id: id,
      ...(message.page === null ? {} : { click: message.page }),
    },
  }),
  idOf: ({ sequence_id }, id) => (sequence_id === id ? id : null),
  edit: (target, message, id) => ntfy.send(target, { ...message, isSilent: true }, id),
};

function ntfyAuthorization({ user, password }: ChannelTarget): Record<string, string> {
  if (user === "") return {};
  if (password === "") return { authorization: `Bearer ${user}` };
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

/** Discord's flag for a message without a sound. Source: discord.com/developers/docs/resources/message, SUPPRESS_NOTIFICATIONS. */
const suppressNotifications = 4096;

/** Source: discord.com/developers/docs/resources/webhook: Execute, Edit and Delete Webhook Message. */
const discord: Service = {
  send: (target, message) => ({
    method: "POST",
    url: `${target.root}/${target.last}?wait=true`,
    headers: {},
    body: { ...discordBody(message), ...(message.isSilent ? { flags: suppressNotifications } : {}) },
  }),
  idOf: ({ id }) => (typeof id === "string" && /^\d{1,25}$/.test(id) ? id : null),
  edit: (target, message, id) => ({
    method: "PATCH",
    url: `${target.root}/${target.last}/messages/${id}`,
    headers: {},
    body: discordBody(message),
  }),
  remove: (target, id) => ({
    method: "DELETE",
    url: `${target.root}/${target.last}/messages/${id}`,
    headers: {},
    body: null,
  }),
};

function discordBody({ title, text, level, page }: ChannelMessage) {
  const color = { critical: 0xd93025, warning: 0xf29900, info: 0x1a73e8, ok: 0x188038 }[level];
  const embed = { title: cut(title, mostTitle), description: cut(text, mostText), color };
  return {
    // The content is what a phone shows in its notification.
    content: cut(`${signs[level]} ${title}`, mostTitle),
    embeds: text === "" ? [] : [{ ...embed, ...(page === null ? {} : { url: page }) }],
    allowed_mentions: { parse: [] },
  };
}

/** Incoming webhook of Slack; Mattermost and Rocket.Chat take the same. Source: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. */
const slack: Service = {
  send: (target, { title, text, level, page }) => {
    const head = cut(`${signs[level]} ${title}`, mostTitle);
    const link = page === null ? "" : `\n<${escapeSlack(page)}|${new URL(page).host}>`;
    const body = `*${escapeSlack(head)}*${text === "" ? "" : `\n${escapeSlack(cut(text, 2500))}`}${link}`;
    return {
      method: "POST",
      url: `${target.root}/${target.last}`,
      headers: {},
      body: { text: escapeSlack(head), blocks: [{ type: "section", text: { type: "mrkdwn", text: body } }] },
    };
  },
  idOf: () => null,
};

function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Source: gotify.net/api-docs, createMessage. */
const gotify: Service = {
  send: (target, { title, text, level, isSilent, page }) => ({
    method: "POST",
    url: `${target.root}/message`,
    headers: { "x-gotify-key": target.last },
    body: {
      title: cut(`${signs[level]} ${title}`, mostTitle),
      message: cut(text === "" ? title : text, mostText),
      priority: isSilent ? 1 : { critical: 9, warning: 6, info: 3, ok: 3 }[level],
      ...(page === null ? {} : { extras: { "client::notification": { click: { url: page } } } }),
    },
  }),
  idOf: () => null,
};

/** Source: github.com/caronc/apprise-api, POST /notify/{key}. */
const apprise: Service = {
  send: (target, { title, text, level, page }) => ({
    method: "POST",
    url: `${target.root.endsWith("/notify") ? target.root : `${target.root}/notify`}/${encodeURIComponent(target.last)}`,
    headers: {},
    body: {
      title: cut(`${signs[level]} ${title}`, mostTitle),
      body: [cut(text === "" ? title : text, mostText), ...(page === null ? [] : [page])].join("\n"),
      type: { critical: "failure", warning: "warning", info: "info", ok: "success" }[level],
      format: "text",
    },
  }),
  idOf: () => null,
};

/** Every service by its name. */
export const services: Readonly<Record<ChannelService, Service>> = { ntfy, discord, slack, gotify, apprise };

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
