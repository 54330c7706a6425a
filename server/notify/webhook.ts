import type { Incident, IncidentChange } from "../domain/incidents/incident.ts";
import type { NotificationStore } from "../domain/notification-state.ts";
import { messageOf } from "../platform/errors.ts";
import { boundedFetch, statusBytes } from "../platform/fetch/bounded-fetch.ts";
import type { Log } from "../platform/log/log.ts";
import { backoff } from "../platform/time/backoff.ts";
import { Late } from "../platform/time/deadline.ts";

/** Body of a webhook request: one change of one incident. */
export type WebhookBody = {
  readonly event: Exclude<IncidentChange, "changed">;
  readonly incident: Incident;
  readonly host: string;
  readonly version: string;
  /** URL of the page; null if it has no public URL. */
  readonly url: string | null;
};

/** Posts incidents to an external program. */
export type Webhook = {
  /** Takes up the deliveries that an earlier run left. */
  start(): void;
  enqueue(incident: Incident, change: IncidentChange): void;
  /** Must be called every second: retries due requests. Returns at once. */
  tick(): void;
  status(): WebhookStatus;
  /** Aborts the running request. Idempotent. */
  stop(): Promise<void>;
};

/** State of the webhook. The URL is a secret, so only its host is shown. */
export type WebhookStatus = {
  readonly host: string;
  readonly delivered: number;
  readonly waiting: number;
  /** Deliveries given up: refused, too old, or too many waiting. */
  readonly dropped: number;
  readonly problem: string | null;
};

type Delivery = { readonly id: string; readonly body: string; readonly atUs: number };

/** Most deliveries that wait. They are stored, so that a restart does not lose them. */
const maxWaiting = 500;
/** Age at which a waiting delivery is pointless, µs. */
const maxAgeUs = 86_400_000_000;

const queueKey = "webhook queue";

/** Pauses between attempts, s. */
const pauses = { first: 1, longest: 300, growth: 4 };

/** Header with the id of a delivery. Repeated requests have the same id, so that receivers can detect duplicates. */
const deliveryHeader = "x-rt-data-delivery";

/** Creates a webhook. It sends one request at a time, in order, does not repeat a request refused with 4xx, and follows no redirects. */
export function createWebhook(
  options: {
    readonly url: string;
    readonly host: string;
    readonly version: string;
    readonly publicUrl: string | null;
    readonly timeoutMs?: number;
  },
  deps: {
    readonly nowUs: () => number;
    /** Keeps the queue across restarts. Called each time, because a restored catalogue has a new store. Its methods may throw. */
    readonly store?: () => Pick<NotificationStore, "readValue" | "saveValue">;
    readonly log: Log;
  },
): Webhook {
  const { nowUs, store, log } = deps;
  const receiver = webhookHost(options.url);
  const aborting = new AbortController();
  let queue: Delivery[] = [];
  let delivered = 0;
  let dropped = 0;
  let failures = 0;
  let untilUs = 0;
  let problem: string | null = null;
  let running: Promise<void> | null = null;

  /** Changes the queue and stores it. If that fails, the deliveries are still made. */
  function setQueue(next: Delivery[]): void {
    queue = next;
    try {
      store?.().saveValue(queueKey, JSON.stringify(next));
    } catch {
      // The catalogue reports its own failures.
    }
  }

  function giveUp(delivery: Delivery, reason: string): void {
    setQueue(queue.filter((waiting) => waiting !== delivery));
    dropped++;
    log.warn("gave up the delivery of a webhook", { host: receiver, delivery: delivery.id, reason });
  }

  async function deliverDue(): Promise<void> {
    while (!aborting.signal.aborted && nowUs() >= untilUs) {
      const [next] = queue;
      if (next === undefined) return;
      if (nowUs() - next.atUs > maxAgeUs) giveUp(next, "it is too old");
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
      if (answer.ok) onDelivered(delivery);
      else if (answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429)
        giveUp(delivery, `the receiver answered ${answer.status}`);
      else retryLater(`the receiver answered ${answer.status}`);
    } catch (error) {
      if (!aborting.signal.aborted) retryLater(problemOf(error, options.url));
    }
  }

  function onDelivered(delivery: Delivery): void {
    setQueue(queue.filter((waiting) => waiting !== delivery));
    delivered++;
    if (problem !== null) log.info("the webhook works again", { host: receiver });
    problem = null;
    failures = 0;
  }

  function retryLater(reason: string): void {
    if (problem === null) log.warn("the webhook failed; retrying", { host: receiver, reason });
    problem = reason;
    untilUs = nowUs() + backoff(pauses, failures++) * 1e6;
  }

  function wake(): void {
    if (running !== null || aborting.signal.aborted) return;
    running = deliverDue().finally(() => {
      running = null;
    });
  }

  return {
    start() {
      const left = leftBy(store);
      if (left.length > 0) setQueue([...left, ...queue].slice(-maxWaiting));
      wake();
    },
    enqueue(incident, event) {
      if (event === "changed" || aborting.signal.aborted) return;
      const { host, version, publicUrl: url } = options;
      const body: WebhookBody = { event, incident, host, version, url };
      const id = `${incident.id}-${event}-${incident.changed_us}`;
      setQueue([...queue, { id, body: JSON.stringify(body), atUs: nowUs() }]);
      const [oldest] = queue;
      if (queue.length > maxWaiting && oldest !== undefined) giveUp(oldest, "too many deliveries are waiting");
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

/** Reads the deliveries of an earlier run; empty if they cannot be read. */
function leftBy(store: (() => Pick<NotificationStore, "readValue">) | undefined): Delivery[] {
  try {
    const left: unknown = JSON.parse(store?.().readValue(queueKey) ?? "[]");
    return Array.isArray(left) ? (left as Delivery[]).filter(({ id, body, atUs }) => id && body && atUs > 0) : [];
  } catch {
    return [];
  }
}

/** Returns host and port of a URL whose path may be a secret. */
export function webhookHost(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

/** Returns an error's message without the URL or parts of it. Bounded length. */
export function problemOf(error: unknown, url: string): string {
  if (error instanceof Late) return "no answer in time";
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
    .reduce((text, secret) => text.replaceAll(secret, "…"), messageOf(error))
    .slice(0, 200);
}
