/** Services that take alerts, as their documentation describes them: a body that it does not describe is refused with 400. */
export type Services = {
  /** Address of a channel of each service. */
  readonly urls: Readonly<Record<"ntfy" | "discord" | "slack" | "gotify" | "apprise", string>>;
  /** What people see there, oldest first; a changed message has its newest text. */
  seen(service: string): readonly { readonly text: string; readonly edits: number; readonly isDeleted: boolean }[];
  readonly refusals: readonly string[];
  calls(): number;
  /** "down": every call is answered with 503. */
  be(state: "up" | "down"): void;
  stop(): Promise<void>;
};

type Shown = { id: string; text: string; edits: number; isDeleted: boolean };
type Fields = Readonly<Record<string, unknown>>;

export const secrets = [
  "tk_s3cr3tNtfyToken",
  "s3cr3tDiscordToken",
  "s3cr3tSlackHook",
  "As3cr3tGotify",
  "s3cr3tAppriseKey",
];
const [ntfyToken = "", discordToken = "", slackHook = "", gotifyToken = "", appriseKey = ""] = secrets;

export function startServices(): Services {
  const shown = new Map<string, Shown[]>();
  const refusals: string[] = [];
  let state: "up" | "down" = "up";
  let calls = 0;
  let nextId = 1_300_000_000_000_000_000n;
  const listOf = (service: string) => shown.get(service) ?? shown.set(service, []).get(service) ?? [];

  function show(service: string, id: string, text: string, hasEdits: boolean): void {
    const known = hasEdits ? listOf(service).find((message) => message.id === id) : undefined;
    if (known === undefined) listOf(service).push({ id, text, edits: 0, isDeleted: false });
    else Object.assign(known, { text, edits: known.edits + 1 });
  }

  function refuse(why: string): Response {
    refusals.push(why);
    return Response.json({ message: why }, { status: 400 });
  }

  const isText = (value: unknown, most: number) => typeof value === "string" && value !== "" && value.length <= most;

  function ntfy(request: Request, body: Fields): Response {
    if (request.headers.get("authorization") !== `Bearer ${ntfyToken}`) return new Response(null, { status: 401 });
    const { topic, title, message, priority, sequence_id } = body;
    if (topic !== "alerts" || !isText(title, 250) || !isText(message, 4096))
      return refuse("ntfy: topic, title, message");
    if (![1, 2, 3, 4, 5].includes(Number(priority)) || !/^[-_A-Za-z0-9]{1,64}$/.test(String(sequence_id)))
      return refuse("ntfy: priority, sequence_id");
    show("ntfy", String(sequence_id), `${title}\n${message}`, true);
    return Response.json({ id: "xyz", event: "message", topic, sequence_id });
  }

  function discord(request: Request, path: string, query: string, body: Fields): Response {
    const messageId = /\/messages\/(\d+)$/.exec(path)?.[1];
    const known = listOf("discord").find(({ id, isDeleted }) => id === messageId && !isDeleted);
    if (messageId !== undefined && known === undefined)
      return Response.json({ message: "Unknown Message", code: 10008 }, { status: 404 });
    if (request.method === "DELETE") {
      if (known !== undefined) known.isDeleted = true;
      return new Response(null, { status: 204 });
    }
    const { content, embeds, allowed_mentions, flags = 0 } = body;
    const areEmbeds = Array.isArray(embeds) && embeds.length <= 10;
    if (!isText(content, 2000) || !areEmbeds || ![0, 4096].includes(Number(flags)))
      return refuse("discord: content, embeds");
    if (JSON.stringify(allowed_mentions) !== '{"parse":[]}') return refuse("discord: allowed_mentions");
    if (request.method === "POST" && query !== "?wait=true") return refuse("discord: wait");
    const id = messageId ?? String(nextId++);
    show("discord", id, `${content}\n${String((embeds[0] as Fields | undefined)?.description ?? "")}`, true);
    return Response.json({ id, content });
  }

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      calls++;
      if (state === "down") return new Response("busy", { status: 503 });
      const { pathname, search } = new URL(request.url);
      const body = (request.method === "DELETE" ? {} : await request.json()) as Fields;
      if (pathname === "/") return ntfy(request, body);
      if (pathname.startsWith(`/api/webhooks/4711/${discordToken}`)) return discord(request, pathname, search, body);
      if (pathname === `/services/T1/B1/${slackHook}`) {
        if (!isText(body.text, 3000) || !Array.isArray(body.blocks)) return refuse("slack: text, blocks");
        show("slack", "", String(body.text), false);
        return new Response("ok");
      }
      if (pathname === "/message") {
        if (request.headers.get("x-gotify-key") !== gotifyToken) return new Response(null, { status: 401 });
        if (!isText(body.title, 500) || !isText(body.message, 10_000) || !Number.isInteger(body.priority))
          return refuse("gotify: title, message, priority");
        show("gotify", "", String(body.title), false);
        return Response.json({ id: 1 });
      }
      if (pathname === `/notify/${appriseKey}`) {
        if (!isText(body.body, 10_000) || !["info", "success", "warning", "failure"].includes(String(body.type)))
          return refuse("apprise: body, type");
        show("apprise", "", String(body.title), false);
        return Response.json({ error: null });
      }
      return new Response(null, { status: 404 });
    },
  });
  const at = `127.0.0.1:${server.port}`;
  return {
    urls: {
      ntfy: `ntfy://${ntfyToken}@${at}/alerts?tls=off`,
      discord: `discord://${at}/api/webhooks/4711/${discordToken}?tls=off`,
      slack: `slack://${at}/services/T1/B1/${slackHook}?tls=off`,
      gotify: `gotify://${at}/${gotifyToken}?tls=off`,
      apprise: `apprise://${at}/${appriseKey}?tls=off`,
    },
    seen: listOf,
    refusals,
    calls: () => calls,
    be(next) {
      state = next;
    },
    stop: () => server.stop(true),
  };
}
