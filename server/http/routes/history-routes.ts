import { Elysia, t } from "elysia";
import { dateStartUs, dayUs } from "../../domain/day.ts";
import { type GapCause, gapCauses } from "../../domain/gap.ts";
import type { History } from "../../domain/queries.ts";
import { errorBody } from "../core/errors.ts";
import {
  dateOfText,
  dayOf,
  instantOf,
  limitOf,
  optional,
  QueryError,
  streamOf,
  symbolOf,
} from "../core/request-params.ts";

/** Upper bound for the days of a coverage table. */
const mostDays = 92;

/** Most levels a side of a book. */
const mostLevels = 5000;

const text = (description: string) => t.Optional(t.String({ description }));
const after = text("`next` of the page before");
const limit = (fallback: number, most: number) => text(`items a page, 1 to ${most} (default ${fallback})`);
const stream = text("folder name of a stream: depth20, aggTrade, …");
const symbol = text("BTCUSDT; in any case");
const pathDay = t.Object({ stream: t.String(), symbol: t.String(), date: t.String({ description: "UTC date" }) });
const detail = (tag: string, summary: string, description?: string) => ({
  detail: { tags: [tag], summary, ...(description === undefined ? {} : { description }) },
});

/** Serves the recorder's history: series, gaps, events, coverage. Every response is bounded. */
export function createHistoryRoutes(history: History) {
  const today = cached(5000, () => history.today());
  return new Elysia({ name: "history-api", prefix: "/api" })
    .onRequest(({ set }) => {
      set.headers["cache-control"] = "no-store";
    })
    .get("/series", ({ query }) => history.series(spanOf(query.span)), {
      query: t.Object({ span: text("hour (steps of 10 s, default) or week (steps of 5 minutes)") }),
      ...detail("history", "Rate, delay, gaps and load over time", "Equally spaced values, null where unknown."),
    })
    .get("/mids", () => history.mids(), {
      ...detail("history", "Mid prices of the last hour", "A value a minute and symbol, null where unknown."),
    })
    .get(
      "/gaps",
      ({ query }) =>
        history.gaps(
          {
            stream: optional(query.stream, streamOf),
            symbol: optional(query.symbol, symbolOf),
            cause: optional(query.cause, causeOf),
            fromUs: instantOf("from", query.from),
            toUs: instantOf("to", query.to),
          },
          limitOf(query.limit, 100, 1000),
          query.after ?? null,
        ),
      {
        query: t.Object({
          stream,
          symbol,
          cause: text(`accepted causes: ${gapCauses.join(", ")}`),
          limit: limit(100, 1000),
          after,
          from: text("UTC time: gaps that end after it"),
          to: text("UTC time: gaps that begin before it"),
        }),
        ...detail(
          "history",
          "Gaps, newest first",
          "`missing` is null if ids cannot tell how many records are missing.",
        ),
      },
    )
    .get(
      "/book/:symbol",
      async ({ params, query, status }) => {
        const atUs = instantOf("at", query.at);
        if (atUs === null) throw new QueryError("at is missing; give a UTC time such as 2026-11-22T15:04:05.250Z.");
        const request = { symbol: symbolOf(params.symbol), atUs, depth: limitOf(query.depth, 20, mostLevels, "depth") };
        const book = await history.bookAt(request);
        if (book === "busy") return status(503, errorBody("book_busy", "Too many books are being read; try again."));
        if (book === "failed") return status(500, errorBody("book_failed", "The book could not be read."));
        return book;
      },
      {
        params: t.Object({ symbol: t.String({ description: "BTCUSDT; in any case" }) }),
        query: t.Object({
          at: text("UTC time of the instant, to the microsecond"),
          depth: text(`levels a side, 1 to ${mostLevels} (default 20)`),
        }),
        ...detail(
          "history",
          "The order book of a symbol at an instant",
          "Rebuilt from REST book and diffs (`source` depth), else the nearest partial book. Without a book, `source` is null and `reason` says why.",
        ),
      },
    )
    .get("/events", ({ query }) => history.events(limitOf(query.limit, 100, 1000), query.after ?? null), {
      query: t.Object({ limit: limit(100, 1000), after }),
      ...detail("history", "What happened to the recorder, newest first"),
    })
    .get("/coverage", ({ query }) => history.coverage(rangeOf(query)), {
      query: t.Object({
        stream,
        from: text("first UTC date (default: 30 days before `to`)"),
        to: text(`last UTC date (default: today); at most ${mostDays} days`),
      }),
      ...detail(
        "coverage",
        "Symbols by days",
        "Recorded share and missing seconds of each day, of the worst selected stream. `first_us`: nothing was due before.",
      ),
    })
    .get("/coverage/today", () => today(), detail("coverage", "Every recorded stream today, by minute"))
    .get(
      "/coverage/:stream/:symbol/:date",
      ({ params, status }) =>
        history.day(dayOf(params)) ?? status(404, errorBody("no_day", "This stream has no record of this day.")),
      { params: pathDay, ...detail("coverage", "One stream's day: rows a minute, gaps, spans") },
    );
}

function spanOf(text: string | undefined): "hour" | "week" {
  if (text === undefined || text === "hour") return "hour";
  if (text === "week") return text;
  throw new QueryError(`span "${text}" is not accepted; give hour or week.`);
}

function causeOf(text: string): GapCause {
  const cause = gapCauses.find((known) => known === text);
  if (cause !== undefined) return cause;
  throw new QueryError(`cause "${text}" is not accepted; give one of ${gapCauses.join(", ")}.`);
}

function rangeOf(query: { stream?: string | undefined; from?: string | undefined; to?: string | undefined }) {
  const to = dateOfText("to", query.to ?? new Date().toISOString().slice(0, 10));
  const fallback = new Date((dateStartUs(to) - 30 * dayUs) / 1000).toISOString().slice(0, 10);
  const from = dateOfText("from", query.from ?? fallback);
  const days = (dateStartUs(to) - dateStartUs(from)) / dayUs + 1;
  if (days >= 1 && days <= mostDays) return { stream: optional(query.stream, streamOf), from, to };
  throw new QueryError(`from ${from} to ${to} is not accepted; give 1 to ${mostDays} days, the earlier date first.`);
}

/** Caches a result for `ms`, so that concurrent requests share one read. A failure is not cached. */
function cached<T>(ms: number, read: () => Promise<T>): () => Promise<T> {
  let value: { readonly at: number; readonly result: Promise<T> } | null = null;
  return () => {
    if (value !== null && performance.now() - value.at <= ms) return value.result;
    const next = { at: performance.now(), result: read() };
    next.result.catch(() => {
      if (value === next) value = null;
    });
    value = next;
    return next.result;
  };
}
