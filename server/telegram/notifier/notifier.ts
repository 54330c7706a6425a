import type { Incident, IncidentChange, Incidents } from "../../domain/incidents/incident.ts";
import type { RecordingState } from "../../domain/incidents/recording-state.ts";
import type { NotificationState, NotificationStore } from "../../domain/notification-state.ts";
import type { TelegramStatus } from "../../domain/status.ts";
import type { Log } from "../../platform/log/log.ts";
import { isDoneWithin } from "../../platform/time/deadline.ts";
import { fill } from "../../text/language.ts";
import type { Sender, SendOutcome } from "../api/bot-api.ts";
import { incidentMessage } from "../text/incident-message.ts";
import { incidentTexts } from "../text/incident-phrases.ts";
import { createBacklog } from "./backlog.ts";
import { createChatSpeech, type NotifierOptions } from "./chat-speech.ts";
import { deliver, hashOf } from "./deliver.ts";
import { createDeliveryHealth } from "./delivery-health.ts";
import { mutedUntil } from "./muted-until.ts";
import { type Action, type ChatIncident, nextAction, shownOf } from "./next-step.ts";
import { createOneOffMessages, type OneOffMessage } from "./one-off-messages.ts";
import { createOutbox } from "./outbox.ts";

/** Sends incidents to chats: a message each, edited while the incident lasts and repeated until acknowledged. */
export type Notifier = {
  /** Continues from the saved state and starts to follow incidents. */
  start(): void;
  /** Call it once a second: starts the due actions and returns at once. */
  tick(): void;
  /** Updates the incident's message as soon as possible. */
  refresh(incident: number): void;
  /** Queues a one-off message for one chat, or for all chats. */
  post(post: OneOffMessage, chat?: number): void;
  /** Returns the current ids of the chats. A group that became a supergroup has another id than in the config. */
  chats(): readonly number[];
  /** Reads a value that is kept across restarts, or null. */
  readValue(name: string): string | null;
  saveValue(name: string, value: string): void;
  status(): TelegramStatus;
  /** Starts no further calls; resolves when running calls have ended or were aborted after `deadlineMs`. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
};

export type NotifierDeps = {
  readonly incidents: Pick<Incidents, "open" | "get" | "page" | "mutes" | "isMuted" | "isGone" | "onChange">;
  readonly sender: Sender;
  /** Called each time, because a restored catalogue has a new store. */
  readonly store: () => NotificationStore;
  /** Whether data is recorded now, for the first line of each message. */
  readonly recording: () => RecordingState;
  readonly nowUs: () => number;
  readonly log: Log;
};

/** Shortest time between two edits of a message, µs; a pressed button skips it. */
const editEveryUs = 45_000_000;

/** Shortest time between two checks for an edit, µs. */
const checkEveryUs = 5_000_000;

/** Creates a notifier. Each chat has at most one running call; everything else waits in the outbox. */
export function createNotifier(options: NotifierOptions, deps: NotifierDeps): Notifier {
  const { incidents, sender, recording, nowUs, log } = deps;
  const outbox = createOutbox(deps.store, log);
  const service = options.service ?? "Telegram";
  const health = createDeliveryHealth({ service, nowUs, outbox, log });
  const posts = createOneOffMessages(log);
  const backlog = createBacklog({
    chats: options.chats,
    minSeverity: options.minSeverity ?? "info",
    incidents,
    outbox,
  });
  const urgent = new Set<NotificationState>();
  const checkedUs = new WeakMap<NotificationState, number>();
  const { speech, isQuiet } = createChatSpeech(options, { nowUs, recording });
  let sent = 0;
  let running: Promise<void> | null = null;
  let phase: "new" | "started" | "stopped" = "new";

  /** Returns the configured chats, except groups whose supergroup is also configured. */
  function chats(): readonly number[] {
    return options.chats.filter((chat) => health.idOf(chat) === chat || !options.chats.includes(health.idOf(chat)));
  }

  function onChange(incident: Incident, change: IncidentChange): void {
    if (phase !== "started") return;
    if (change === "opened") backlog.onOpened(incident);
    if (change === "worse") for (const chat of chats()) markWorse(chat, incident.id);
    if (change === "acknowledged" || change === "unacknowledged") refresh(incident.id);
    wake();
  }

  function markWorse(chat: number, id: number): void {
    const row = outbox.of(chat).find(({ incident, messageId }) => incident === id && messageId !== null);
    if (row === undefined) return;
    row.isWorse = true;
    outbox.save(row);
    urgent.add(row);
  }

  function refresh(id: number): void {
    for (const chat of chats()) for (const row of outbox.of(chat)) if (row.incident === id) urgent.add(row);
    wake();
  }

  function incidentsOf(chat: number): ChatIncident[] {
    return outbox.of(chat).flatMap((row) => {
      const incident = incidents.get(row.incident);
      if (incident !== null) return [{ row, incident }];
      outbox.remove(row);
      return [];
    });
  }

  function isOutdated({ row, incident }: ChatIncident): boolean {
    const now = nowUs();
    const isTooSoon = now - row.shownUs < editEveryUs || now - (checkedUs.get(row) ?? 0) < checkEveryUs;
    if (isTooSoon && !urgent.has(row)) return false;
    checkedUs.set(row, now);
    urgent.delete(row);
    return shownOf(incident, hashOf(incidentMessage(incident, speech(), mutedUntilUs(incident)))) !== row.shown;
  }

  const mutedUntilUs = (incident: Incident) => mutedUntil(incident, incidents, nowUs());

  async function work(): Promise<void> {
    while (phase === "started") {
      const done = await Promise.all(chats().map((chat) => workOn(chat)));
      if (!done.includes(true)) break;
    }
  }

  /** Performs one action of a chat; false if no action is due. */
  async function workOn(chat: number): Promise<boolean> {
    if (phase !== "started" || health.readyUs(chat) > nowUs()) return false;
    const moment = {
      nowUs: nowUs(),
      isMuted: incidents.isMuted,
      isGone: incidents.isGone,
      isOutdated,
      isQuiet: isQuiet(),
    };
    const step = nextAction(incidentsOf(chat), moment);
    const post = step === null ? posts.next(chat, nowUs()) : null;
    if (step === null && post === null) return false;
    const to = health.idOf(chat);
    const outcome =
      step !== null ? await run(step, chat, to) : post !== null ? await posts.send(chat, to, post, sender) : null;
    if (step?.kind === "summary" && outcome?.kind === "done") backlog.clearForgotten(chat);
    if (phase === "started" && outcome !== null) onOutcome(chat, outcome);
    return true;
  }

  function run(step: Action, chat: number, to: number): Promise<SendOutcome | null> {
    return deliver(step, sender, {
      chat: to,
      speech: speech(),
      isQuiet: isQuiet(),
      mutedUntilUs,
      outage: health.outage(),
      forgotten: backlog.forgotten(chat),
      save: outbox.save,
      remove(row) {
        urgent.delete(row);
        outbox.remove(row);
      },
    });
  }

  function onOutcome(chat: number, outcome: SendOutcome): void {
    health.record(chat, outcome);
    if (outcome.kind === "done") sent++;
    if (outcome.kind === "unacceptable") log.error(`${service} rejects a message`, { reason: outcome.problem });
    if (outcome.kind !== "moved") return;
    backlog.requeue(chat);
    const values = { id: String(outcome.chat), old: String(chat) };
    const notice = { html: fill(incidentTexts(options.language).moved, values), silent: true };
    post({ name: "new id of the group", letter: notice, picture: null, untilUs: nowUs() + 86_400e6 }, chat);
  }

  function post(message: OneOffMessage, chat?: number): void {
    for (const to of chat === undefined ? chats() : [chat]) posts.add(to, message);
    wake();
  }

  function wake(): void {
    if (phase !== "started" || running !== null) return;
    running = Promise.resolve()
      .then(work)
      .catch((error: unknown) =>
        log.error(`cannot send messages to ${service}`, { reason: String(error).slice(0, 200) }),
      )
      .finally(() => {
        running = null;
      });
  }

  return {
    start() {
      if (phase !== "new") return;
      phase = "started";
      outbox.load(options.chats);
      backlog.catchUp();
      incidents.onChange(onChange);
      wake();
    },
    tick() {
      if (phase !== "started") return;
      backlog.addDue();
      wake();
    },
    refresh,
    post,
    chats: () => chats().map((chat) => health.idOf(chat)),
    readValue: outbox.readValue,
    saveValue: outbox.saveValue,
    status() {
      const problem = health.problem();
      const waiting = chats().reduce((sum, chat) => sum + backlog.waiting(chat) + posts.waiting(chat), 0);
      return {
        state: problem?.state ?? "ok",
        chats: chats().length,
        waiting,
        sent,
        last_error: problem?.text ?? null,
        since_us: problem?.sinceUs ?? null,
      };
    },
    async stop(deadlineMs) {
      phase = "stopped";
      if (running !== null && !(await isDoneWithin(running, deadlineMs))) sender.abort();
      await running;
    },
  };
}
