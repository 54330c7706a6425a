import { afterAll, beforeAll, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { boundedFetch, type FetchBounds } from "../../../server/platform/fetch/bounded-fetch.ts";
import { type HostileKind, hostileKinds, startHostileServer } from "../../support/network/hostile-server.ts";
import { until } from "../../support/wait.ts";

let server: Awaited<ReturnType<typeof startHostileServer>>;
beforeAll(async () => {
  server = await startHostileServer();
});
afterAll(() => server.stop());

/** Healthy connections that wait in the pool for the next request. */
const idle = 4;

const bounds: FetchBounds = { timeoutMs: 400, maxBytes: 1024 * 1024 };
const longBody = "y".repeat(64 * 1024 * 1024);

async function outcomeOf(kind: HostileKind, more: Partial<FetchBounds> = {}, init: RequestInit = {}): Promise<string> {
  const request = kind === "unread-request" ? { method: "POST", body: longBody } : init;
  try {
    const answer = await boundedFetch(`${server.url(kind)}/`, request, { ...bounds, ...more });
    return String(answer.status);
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

/** Expected outcome of each kind of hostile answer. Kinds that are not listed end by the deadline. */
const expected: Partial<Record<HostileKind, RegExp>> = {
  "endless-body": /^AnswerTooLong$/,
  "endless-chunks": /^AnswerTooLong$/,
  // The runtime limits headers itself.
  "endless-headers": /^TypeError|^Error/,
  "endless-header": /^TypeError|^Error/,
  "endless-gzip": /^AnswerTooLong$/,
  "gzip-bomb": /^AnswerTooLong$/,
  "brotli-bomb": /^AnswerTooLong$/,
  "false-gzip": /^AnswerEncoding$/,
  "announced-giant": /^AnswerTooLong$/,
  "redirect-loop": /^302$/,
};

test.each(hostileKinds)(
  "a request to a server with %s ends in time, in bounded memory, and leaves no connection",
  async (kind) => {
    // What ends by its own size is not to end by the clock of a busy machine.
    const timeoutMs = kind in expected ? 10_000 : bounds.timeoutMs;
    await outcomeOf(kind, { timeoutMs });
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 10);
    const began = performance.now();
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => outcomeOf(kind, { timeoutMs })));
    clearInterval(watch);
    const ms = performance.now() - began;
    const grown = (peak - before) / 1e6;
    console.log(
      `${kind.padEnd(16)} ${String(outcomes[0]).padEnd(14)} ${ms.toFixed(0)} ms, four at once, memory +${grown.toFixed(1)} MB`,
    );
    for (const outcome of outcomes) expect(outcome).toMatch(expected[kind] ?? /^TimeoutError$/);
    expect(ms).toBeLessThan(timeoutMs + 3000);
    expect(grown).toBeLessThan(64);
    await until(() => server.open() <= idle, "the connections to be closed");
  },
);

test("the deadline also covers followed redirects", async () => {
  expect(await outcomeOf("redirect-loop", {}, { redirect: "follow" })).toMatch(/Error/);
});

test("if only the status is requested, an endless body is cut off and the status counts", async () => {
  for (const kind of ["endless-body", "endless-chunks", "drip-body", "stalled-body", "gzip-bomb"] as const)
    expect(await outcomeOf(kind, { statusOnly: true, timeoutMs: 5000 })).toBe("200");
  await until(() => server.open() <= idle, "the connections to be closed");
});

test("a sink takes a body of any length without holding it, and ends a transfer that stalls", async () => {
  let bytes = 0;
  const sink = (part: Uint8Array) => {
    bytes += part.length;
  };
  expect(await outcomeOf("endless-body", { sink, maxBytes: 50_000_000, timeoutMs: 20_000 })).toBe("AnswerTooLong");
  expect(bytes).toBeGreaterThan(45_000_000);
  expect(await outcomeOf("stalled-body", { sink, idleMs: 200, timeoutMs: 60_000 })).toBe("TimeoutError");
  expect(await outcomeOf("gzip-bomb", { sink })).toBe("AnswerEncoding");
});

test("an abort by the caller ends the request with the caller's reason", async () => {
  const ending = new AbortController();
  const asked = boundedFetch(
    `${server.url("drip-body")}/`,
    { signal: ending.signal },
    { ...bounds, timeoutMs: 60_000 },
  );
  ending.abort(new Error("the recorder stops"));
  expect(asked).rejects.toThrow("the recorder stops");
  await asked.catch(() => {});
  await until(() => server.open() <= idle, "the connections to be closed");
});

test("an honest answer arrives complete: plain, compressed, empty, and exactly as long as allowed", async () => {
  const text = "z".repeat(1024 * 1024);
  using honest = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch({ url }) {
      if (url.endsWith("/empty")) return new Response(null, { status: 204 });
      if (!url.endsWith("/gzip")) return new Response(text);
      return new Response(gzipSync(text), { headers: { "content-encoding": "gzip" } });
    },
  });
  for (const path of ["plain", "gzip"])
    expect((await boundedFetch(`${honest.url}${path}`, {}, bounds)).text() === text).toBe(true);
  expect((await boundedFetch(`${honest.url}empty`, {}, bounds)).status).toBe(204);
});
