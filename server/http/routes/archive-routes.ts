import { basename } from "node:path";
import { Elysia, t } from "elysia";
import type { History } from "../../domain/queries.ts";
import { errorBody } from "../core/errors.ts";
import { dateOfText, dayOf, limitOf, optional, streamOf, symbolOf } from "../core/request-params.ts";
import { sendFile } from "./archive-file.ts";
import { sendDay } from "./archive-tar.ts";

const text = (description: string) => t.Optional(t.String({ description }));
const pathDay = t.Object({ stream: t.String(), symbol: t.String(), date: t.String({ description: "UTC date" }) });
const tags = ["archives"];

/** Serves archived days: the list, the files and their verification. */
export function createArchiveRoutes(history: History) {
  return new Elysia({ name: "archive-api", prefix: "/api" })
    .get(
      "/archives",
      ({ query, set }) => {
        set.headers["cache-control"] = "no-store";
        const filter = {
          stream: optional(query.stream, streamOf),
          symbol: optional(query.symbol, symbolOf),
          date: optional(query.date, (date) => dateOfText("date", date)),
        };
        return history.archives(filter, limitOf(query.limit, 100, 1000), query.after ?? null);
      },
      {
        query: t.Object({
          stream: text("depth20, aggTrade, …"),
          symbol: text("BTCUSDT"),
          date: text("UTC date"),
          limit: text("items a page, 1 to 1000 (default 100)"),
          after: text("`next` of the page before"),
        }),
        detail: { tags, summary: "Archived days, newest first", description: "From the manifests." },
      },
    )
    .get(
      "/archives/days",
      ({ query, set }) => {
        set.headers["cache-control"] = "no-store";
        return history.archiveDates(limitOf(query.limit, 31, 366), query.after ?? null);
      },
      {
        query: t.Object({
          limit: text("days a page, 1 to 366 (default 31)"),
          after: text("`next` of the page before"),
        }),
        detail: { tags, summary: "Archives by UTC day, newest first, and the sum over all days" },
      },
    )
    .get("/archives/days/:date/tar", ({ params }) => sendDay(dateOfText("date", params.date), history), {
      params: t.Object({ date: t.String({ description: "UTC date" }) }),
      detail: { tags, summary: "All archives and manifests of a UTC day as one tar file" },
    })
    .get(
      "/archives/:stream/:symbol/:date/file",
      ({ params, request }) => {
        const day = dayOf(params);
        const path = history.files(day).archive;
        const etag = history.archive(day)?.sha256 ?? null;
        return sendFile(request, { path, name: basename(path), type: "application/zstd", etag });
      },
      { params: pathDay, detail: { tags, summary: "The archive; Range, ETag (its SHA-256) and HEAD" } },
    )
    .get(
      "/archives/:stream/:symbol/:date/manifest",
      ({ params, request }) => {
        const path = history.files(dayOf(params)).manifest;
        return sendFile(request, { path, name: basename(path), type: "application/json", etag: null });
      },
      { params: pathDay, detail: { tags, summary: "The archive's manifest" } },
    )
    .get(
      "/verify",
      ({ set }) => {
        set.headers["cache-control"] = "no-store";
        return history.verification();
      },
      { detail: { tags, summary: "The running check and its progress, or the result of the last check" } },
    )
    .post(
      "/verify/:stream/:symbol/:date",
      ({ params, status }) => {
        const started = history.verify(dayOf(params));
        if (started === "no_archive")
          return status(404, errorBody("no_archive", "There is no archive of this stream, symbol and date."));
        if (started === "busy")
          return status(409, errorBody("verify_running", "Another archive is being checked; wait until it is done."));
        return status(202, history.verification());
      },
      { params: pathDay, detail: { tags, summary: "Check an archive against its manifest; one at a time" } },
    );
}
