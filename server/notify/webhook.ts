import type { Incident, IncidentChange } from "../domain/incidents/incident.ts";
import { boundedFetch, statusBytes } from "../platform/fetch/bounded-fetch.ts";
import type { Log } from "../platform/log/log.ts";

/** What is posted: one change of one incident. */
export type WebhookBody = {
  readonly event: Exclude<IncidentChange, "changed">;
  readonly incident: Incident;
  readonly host: string;
  readonly version: string;
  /** The page, where it can be reached from outside. */
  readonly url: string | null;
};

/** Posts incidents to somebody else's program. */
export type Webhook = {
  note(incident: Incident, change: IncidentChange): void;
  /** Call it once a second: tries again what is due. Returns at once. */
  tick(): void;
  status(): WebhookStatus;
  /** Ends the request under way. Idempotent. */
  stop(): Promise<void>;
};

/** How the receiver takes it; its URL is a secret, its host is not. */
export type WebhookStatus = {
  readonly host: string;
  readonly delivered: number;
  readonly waiting: number;
  /** Given up: refused, too old, or too many waited. */
  readonly dropped: number;
  readonly problem: string | null;
};

type Delivery = { readonly id: string; readonly body: string; readonly atUs: number };

/** So many wait at most, in memory: a restart forgets them, and a day makes them pointless. */
const mostWaiting = 500;
const oldestUs = 86_400_000_000;

/** Pauses between tries, s; the last one goes on. */
const pauses = [1, 5, 15, 60, 300] as const;

/** Named in every request, and the same when one is repeated: receivers tell repetitions by it. */
const deliveryHeader = "x-rt-data-delivery";

/** One request at a time, in order; what is refused with 4xx is not repeated. Redirections are not followed. */
export function createWebhook(
  options: {
    readonly url: string;
    readonly host: string;
    readonly version: string;
    readonly publicUrl: string | null;
    readonly timeoutMs?: number;
  },
  deps: { readonly nowUs: () => number; readonly log: Log },
): Webhook {
  const { nowUs, log } = deps;
  const receiver = webhookHost(options.url);
  const aborting = new AbortController();
  let queue: Delivery[] = [];
  let delivered = 0;
  let dropped = 0;
  let failures = 0;
  let untilUs = 0;
  let problem: string | null = null;
  let running: Promise<void> | null = null;

  function drop(delivery: Delivery, reason: string): void {
    queue = queue.filter((other) => other !== delivery);
    dropped++;
    log.warn("a webhook was not delivered", { host: receiver, delivery: delivery.id, reason });
  }

  async function work(): Promise<void> {
    while (!aborting.signal.aborted && nowUs() >= untilUs) {
      const [next] = queue;
      if (next === undefined) return;
      if (nowUs() - next.atUs > oldestUs) drop(next, "it has become too old");
      else await attempt(next);
    }
  }

  async function attempt(delivery: Delivery): Promise<void> {
    try {
      const headers = {
        "content-type": "application/json",
        [deliveryHeader]: delivery.id,
        "user-agent": `rt-data/${options.version}`,
      };
      const answer = await boundedFetch(
        options.url,
        { method: "POST", headers, body: delivery.body, signal: aborting.signal },
        { timeoutMs: options.timeoutMs ?? 10_000, maxBytes: statusBytes, statusOnly: true },
      );
      if (answer.ok) settle(delivery);
      else if (answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429)
        drop(delivery, `the receiver answered ${answer.status}`);
      else postpone(`the receiver answered ${answer.status}`);
    } catch (error) {
      if (!aborting.signal.aborted) postpone(problemOf(error, options.url));
    }
  }

  function settle(delivery: Delivery): void {
    queue = queue.filter((other) => other !== delivery);
    delivered++;
    if (problem !== null) log.info("the webhook works again", { host: receiver });
    problem = null;
    failures = 0;
  }

  function postpone(reason: string): void {
    if (problem === null) log.warn("the webhook does not work; it is tried again", { host: receiver, reason });
    problem = reason;
    untilUs = nowUs() + (pauses[Math.min(failures++, pauses.length - 1)] ?? 0) * 1e6;
  }

  function wake(): void {
    if (running !== null || aborting.signal.aborted) return;
    running = work().finally(() => {
      running = null;
    });
  }

  return {
    note(incident, event) {
      if (event === "changed" || aborting.signal.aborted) return;
      const { host, version, publicUrl: url } = options;
      const body: WebhookBody = { event, incident, host, version, url };
      const id = `${incident.id}-${event}-${incident.changed_us}`;
      queue.push({ id, body: JSON.stringify(body), atUs: nowUs() });
      const [oldest] = queue;
      if (queue.length > mostWaiting && oldest !== undefined) drop(oldest, "too much is waiting");
      wake();
    },
    tick: wake,
    status: () => ({ host: receiver, delivered, waiting: queue.length, dropped, problem }),
    async stop() {
      aborting.abort();
      await running;
    },
  };
}

/** Host and port of an URL whose path may be a secret. */
export function webhookHost(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

/** An error's own words, without the URL, or parts of it, that they may hold; bounded. */
export function problemOf(error: unknown, url: string): string {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  if (name === "TimeoutError") return "no answer in time";
  const parsed = new URL(url);
  const secrets = [
    url,
    parsed.href,
    `${parsed.pathname}${parsed.search}`,
    parsed.search,
    parsed.username,
    parsed.password,
  ];
  return secrets
    .filter((secret) => secret.length > 1)
    .reduce((text, secret) => text.replaceAll(secret, "…"), message)
    .slice(0, 200);
}
