import { Elysia, t } from "elysia";
import type { Incident, Incidents, Mute } from "../../domain/incidents/incident.ts";
import { type IncidentRule, incidentRules, ruleFacts } from "../../domain/incidents/incident-rules.ts";
import { errorBody } from "../core/errors.ts";
import { limitOf, optional, QueryError, symbolOf } from "../core/request-params.ts";

/** Upper bound for a mute in minutes: thirty days. */
const mostMinutes = 30 * 24 * 60;

/** Name recorded for an acknowledgement or a mute if the request gives no name. */
const byPage = "dashboard";
const longestName = 40;

const tags = ["alerts"];
const text = (description: string) => t.Optional(t.String({ description }));
const pathId = t.Object({ id: t.String({ description: "a number" }) });
const noIncident = errorBody("no_incident", "There is no such incident.");
const overIncident = errorBody("incident_over", "This incident is over and cannot be acknowledged.");
const noMute = errorBody("no_mute", "There is no such mute; it may be over already.");

/** The body of a mute request. A missing or null `rule` or `symbol` matches every rule or symbol. */
const muteBody = t.Object({
  rule: t.Optional(t.Nullable(t.String({ description: `accepted rules: ${incidentRules.join(", ")}` }))),
  symbol: t.Optional(t.Nullable(t.String({ description: "BTCUSDT: only incidents of this symbol" }))),
  kind: t.Optional(t.String({ description: "mute (default) or maintenance: all notifications are paused" })),
  minutes: t.Number({ description: `whole minutes from now, 1 to ${mostMinutes}` }),
  by: text("name of the person, in a word"),
});

/** Serves incidents and mutes. */
export function createIncidentRoutes(incidents: Incidents) {
  return new Elysia({ name: "alerts-api", prefix: "/api" })
    .get(
      "/alerts",
      ({ query, set }) => {
        set.headers["cache-control"] = "no-store";
        const { items, next } = incidents.page(limitOf(query.limit, 50, 500), query.after ?? null);
        return { open: incidents.open().map(withUnit), items: items.map(withUnit), next };
      },
      {
        query: t.Object({
          limit: text("items a page, 1 to 500 (default 50)"),
          after: text("`next` of the page before"),
        }),
        detail: {
          tags,
          summary: "Open incidents, and all incidents page by page, newest first",
          description: "`muted`: no notifications are sent for it now. `value`, `worst` and `limit` are in `unit`.",
        },
      },
    )
    .get(
      "/alerts/:id",
      ({ params, set, status }) => {
        set.headers["cache-control"] = "no-store";
        const incident = incidents.get(idOf(params.id));
        return incident === null ? status(404, noIncident) : withUnit(incident);
      },
      { params: pathId, detail: { tags, summary: "One incident by its number" } },
    )
    .post(
      "/alerts/:id/acknowledge",
      ({ params, body, status }) => {
        const incident = acknowledged(idOf(params.id), nameOf(body?.by));
        return "error" in incident ? status(incident.error.code === "no_incident" ? 404 : 409, incident) : incident;
      },
      {
        params: pathId,
        body: t.Optional(t.Object({ by: text("name of the person, in a word") })),
        detail: { tags, summary: "Acknowledge an incident: it is not repeated any more" },
      },
    )
    .delete(
      "/alerts/:id/acknowledge",
      ({ params, status }) => {
        const incident = acknowledged(idOf(params.id), null);
        return "error" in incident ? status(incident.error.code === "no_incident" ? 404 : 409, incident) : incident;
      },
      { params: pathId, detail: { tags, summary: "Take an acknowledgement back: the incident is repeated again" } },
    )
    .get(
      "/mutes",
      ({ set }) => {
        set.headers["cache-control"] = "no-store";
        return { items: [...incidents.mutes()] };
      },
      { detail: { tags, summary: "Current mutes and their ends" } },
    )
    .post(
      "/mutes",
      ({ body, status }) => {
        const untilUs = (Math.floor(Date.now() / 1000) + minutesOf(body.minutes) * 60) * 1_000_000;
        const kind = kindOf(body.kind);
        const rule = optional(body.rule ?? undefined, ruleOf);
        const symbol = optional(body.symbol ?? undefined, symbolOf);
        if (kind === "maintenance" && (rule !== null || symbol !== null))
          throw new QueryError("A maintenance concerns everything; leave rule and symbol out.");
        return status(201, incidents.mute({ rule, symbol, kind }, untilUs, nameOf(body.by)));
      },
      { body: muteBody, detail: { tags, summary: "Pause notifications for a rule, a symbol or everything" } },
    )
    .delete(
      "/mutes/:id",
      ({ params, status }) => (incidents.unmute(idOf(params.id)) > 0 ? { removed: 1 } : status(404, noMute)),
      { params: pathId, detail: { tags, summary: "End a mute before its time" } },
    );

  /** Acknowledges, or takes that back (null). Returns the incident, or why that is not possible. */
  function acknowledged(id: number, by: string | null) {
    const isDone = incidents.acknowledge(id, by);
    const incident = incidents.get(id);
    if (incident === null) return noIncident;
    return isDone ? withUnit(incident) : overIncident;
  }

  function withUnit(incident: Incident) {
    return { ...incident, unit: ruleFacts[incident.rule].unit, muted: incidents.isMuted(incident) };
  }
}

function idOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new QueryError(`id "${text}" is not accepted; give the number of an incident or a mute.`);
}

function ruleOf(text: string): IncidentRule {
  const rule = incidentRules.find((known) => known === text);
  if (rule !== undefined) return rule;
  throw new QueryError(`rule "${text}" is not accepted; give one of ${incidentRules.join(", ")}.`);
}

function kindOf(text: string | undefined): Mute["kind"] {
  if (text === undefined || text === "mute" || text === "maintenance") return text ?? "mute";
  throw new QueryError(`kind "${text}" is not accepted; give mute or maintenance.`);
}

function minutesOf(minutes: number): number {
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= mostMinutes) return minutes;
  throw new QueryError(`minutes ${minutes} is not accepted; give a whole number from 1 to ${mostMinutes}.`);
}

function nameOf(by: string | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this expression removes control characters
  const name = (by ?? "").replace(/[\u0000-\u001f\u007f]/g, "").trim();
  return name === "" ? byPage : [...name].slice(0, longestName).join("");
}
