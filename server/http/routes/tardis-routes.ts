import { Elysia, t } from "elysia";
import { errorBody, respond } from "../core/errors.ts";
import { instantOf, QueryError, symbolOf } from "../core/request-params.ts";
import { securityHeaders } from "../core/security-headers.ts";

/** A channel and its symbols in upper case; null: every recorded symbol. */
export type RawFilter = { readonly channel: string; readonly symbols: readonly string[] | null };

/** A minute of the recording. `isFirst`: the first minute of a range, which begins with the rebuilt books. */
export type RawRequest = { readonly fromUs: number; readonly isFirst: boolean; readonly filters: readonly RawFilter[] };

export type RawAnswer =
  /** The lines, compressed by gzip. */
  | { readonly kind: "minute"; readonly gzip: Uint8Array<ArrayBuffer> }
  | { readonly kind: "damaged" | "large" | "busy" | "failed" };

export type RawFeed = {
  /** The channels that a client may ask for. */
  readonly channels: readonly string[];
  minute(request: RawRequest): Promise<RawAnswer>;
  /** The recorded symbols, and the date from which each is recorded. */
  symbols(): readonly { readonly symbol: string; readonly since: string }[];
  /** Ends the work on minutes that are asked for; they fail. Idempotent, and the feed can be used again. */
  stop(): Promise<void>;
};

const minuteUs = 60_000_000;
/** After the end of a minute, so much time passes until all its records are in the files, µs. */
const settledUs = 15_000_000;
/** Seconds for which a request may wait for its turn: the longest that Bun allows. */
const patienceS = 255;

const refusals = {
  damaged: [400, "source_damaged", "A source is damaged, so its records are withheld; the recorder's log names it."],
  large: [400, "too_large", "This minute is too large; ask for fewer symbols or channels."],
  busy: [503, "busy", "Too many requests wait for their turn; try again."],
  failed: [503, "unavailable", "The minute could not be read; the recorder's log says why."],
} as const;

/** Serves the recording to programs that read Tardis' raw data. `feed`: null if there is no recording. */
export function createTardisRoutes(feed: RawFeed | null) {
  const absent = () => respond(404, errorBody("not_found", "Recorded data is not served here."));
  return new Elysia({ name: "tardis-api", prefix: "/tardis/v1" })
    .get(
      "/data-feeds/binance",
      async ({ query, request, server }) => {
        if (feed === null) return absent();
        const minute = rawRequest(query, feed.channels);
        server?.timeout(request, patienceS);
        const answer = await feed.minute(minute);
        if (answer.kind !== "minute") {
          const [status, code, message] = refusals[answer.kind];
          return respond(status, errorBody(code, message));
        }
        const headers = {
          "content-type": "application/x-json-stream",
          "content-encoding": "gzip",
          "x-slice-size": "1",
        };
        return new Response(answer.gzip, { headers: { ...securityHeaders, "cache-control": "no-store", ...headers } });
      },
      {
        query: t.Object({
          from: t.Optional(t.String({ description: "UTC time of the range's start" })),
          offset: t.Optional(t.String({ description: "minutes from there (default 0)" })),
          filters: t.Optional(t.String({ description: '[{"channel":"trade","symbols":["btcusdt"]}] (default all)' })),
          compression: t.Optional(t.String({ description: "ignored; the answer is gzip" })),
          sliceSize: t.Optional(t.String({ description: "ignored; an answer is one minute" })),
        }),
        detail: {
          tags: ["tardis"],
          summary: "A minute of raw messages, in the form of Tardis' API",
          description: "Lines `time message` in order of receipt; an empty line is a gap.",
        },
      },
    )
    .get("/exchanges/binance", () => (feed === null ? absent() : exchangeOf(feed)), {
      detail: { tags: ["tardis"], summary: "Recorded channels and symbols, in the form of Tardis' API" },
    });
}

type Query = { readonly from?: string; readonly offset?: string; readonly filters?: string };

function rawRequest({ from, offset = "0", filters }: Query, channels: readonly string[]): RawRequest {
  const startUs = instantOf("from", from);
  if (startUs === null) throw new QueryError("from is missing; give a UTC time such as 2026-11-22T00:00:00.000Z.");
  if (!/^\d{1,8}$/.test(offset)) throw new QueryError(`offset "${offset}" is not accepted; give whole minutes.`);
  const fromUs = startUs - (startUs % minuteUs) + Number(offset) * minuteUs;
  if (fromUs + minuteUs + settledUs > Date.now() * 1000)
    throw new QueryError("This minute is not over; ask again when it is over for 15 seconds.");
  return { fromUs, isFirst: Number(offset) === 0, filters: filtersOf(filters, channels) };
}

function filtersOf(text: string | undefined, channels: readonly string[]): RawFilter[] {
  const problem = new QueryError(
    `filters are not accepted; give a list like [{"channel":"trade","symbols":["btcusdt"]}] with channels of ${channels.join(", ")}.`,
  );
  if (text === undefined) return channels.map((channel) => ({ channel, symbols: null }));
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw problem;
  }
  if (!Array.isArray(list) || list.length > 100) throw problem;
  return list.map((filter: unknown) => {
    const { channel, symbols } = (filter ?? {}) as { channel?: unknown; symbols?: unknown };
    const known = channels.find((name) => name === channel);
    if (known === undefined) throw problem;
    if (symbols === undefined || symbols === null || (Array.isArray(symbols) && symbols.length === 0))
      return { channel: known, symbols: null };
    if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === "string")) throw problem;
    return { channel: known, symbols: [...new Set(symbols.map(symbolOf))] };
  });
}

function exchangeOf(feed: RawFeed) {
  const symbols = feed.symbols();
  const since = symbols.map((entry) => entry.since).sort()[0];
  return {
    ...{ id: "binance", name: "Binance Spot", enabled: true, delisted: false, supportsDatasets: false },
    ...(since === undefined ? {} : { availableSince: `${since}T00:00:00.000Z` }),
    availableChannels: feed.channels,
    availableSymbols: symbols.map((entry) => ({
      ...{ id: entry.symbol.toLowerCase(), type: "spot", availableSince: `${entry.since}T00:00:00.000Z` },
    })),
    incidentReports: [],
  };
}
