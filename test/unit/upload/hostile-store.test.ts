import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createObjectStore } from "../../../server/upload/store/object-store.ts";
import { type HostileKind, startHostileServer } from "../../support/network/hostile-server.ts";
import { until } from "../../support/wait.ts";

type Told = { ended: Record<string, string>; slowestMs: number; startMb: number; peakMb: number };

/** Runs the client in a process of its own, whose memory is its alone. */
async function ask(endpoint: string, longestMs: number): Promise<{ told: Told; end(): Promise<void> }> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../../support/upload/hostile-client.ts"), endpoint, String(longestMs)],
    {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const reader = child.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the client has ended: ${text}`);
    text += Buffer.from(value).toString();
  }
  return {
    told: JSON.parse(text) as Told,
    async end() {
      child.stdin.write("\n");
      child.stdin.end();
      await child.exited;
    },
  };
}

/** Answers that end by their size, not by the clock of a busy machine. */
const pouring: readonly HostileKind[] = ["endless-body", "endless-chunks", "announced-giant"];
const others: readonly HostileKind[] = [
  ...(["endless-gzip", "gzip-bomb", "endless-header", "endless-headers", "redirect-loop", "unread-request"] as const),
  ...(["silent", "stalled-headers", "stalled-body", "drip-headers", "drip-body"] as const),
];

describe("every request to a hostile store ends soon, in little memory, and leaves no connection open", () => {
  const endure = async (kind: HostileKind) => {
    const server = await startHostileServer(kind);
    const { told, end } = await ask(`http://127.0.0.1:${server.port}`, pouring.includes(kind) ? 20_000 : 200);
    await until(() => server.open() <= 1, "every connection to be closed except the reused connection", 30_000);
    await end();
    server.stop();
    console.info(`${kind}: ${told.startMb} MB before, ${told.peakMb} MB at most, ${told.slowestMs} ms at most`);
    // An answer of 32 MiB is the longest that is taken: as pieces, as text of two bytes a character, and in between.
    expect(told.peakMb - told.startMb).toBeLessThan(300);
    const { stat: _, ...ends } = told.ended;
    for (const [name, code] of Object.entries(ends))
      expect([kind, name, code]).toEqual([kind, name, expect.stringMatching(ending(kind))]);
  };
  const ending = (kind: HostileKind) =>
    pouring.includes(kind)
      ? /^TooLarge$/
      : /^(?:TooLarge|Timeout|Mismatch|Invalid\w+|HTTP 302|Malformed_HTTP_Response|ResponseHeadersTooLarge|done)$/;

  test.each(pouring)("%s", endure);
  test("stalled, dripping and malformed answers, and a store that does not read", async () => {
    await Promise.all(others.map(endure));
  });
});

describe("listing stops for a list without end", () => {
  const page = (keys: readonly string[], token: string | null) =>
    new Response(
      `<ListBucketResult><IsTruncated>${token !== null}</IsTruncated>${token === null ? "" : `<NextContinuationToken>${token}</NextContinuationToken>`}${keys
        .map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`)
        .join("")}</ListBucketResult>`,
    );
  let asked = 0;
  const list = async (answer: () => Response) => {
    asked = 0;
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch() {
        asked++;
        return answer();
      },
    });
    const access = { bucket: "b", region: "", accessKey: "a", secretKey: "s" };
    const endpoint = `http://127.0.0.1:${server.port}`;
    const store = createObjectStore({ ...access, endpoint }, new AbortController().signal);
    const keys: string[] = [];
    try {
      for await (const { key } of store.list("")) keys.push(key);
      return { keys, code: null };
    } catch (error) {
      return { keys, code: (error as { code: string }).code };
    } finally {
      server.stop(true);
    }
  };

  test("the same token again and again", async () => {
    expect(await list(() => page(["a", "b"], "again"))).toEqual({ keys: ["a", "b"], code: "EndlessList" });
    expect(asked).toBeLessThanOrEqual(2);
  });
  test("a new token each time, and the same page", async () => {
    expect((await list(() => page(["a", "b"], `t${asked}`))).code).toBe("EndlessList");
    expect(asked).toBe(2);
  });
  test("a new token each time, and no page", async () => {
    expect((await list(() => page([], `t${asked}`))).code).toBe("EndlessList");
    expect(asked).toBeLessThanOrEqual(102);
  });
  test("tokens that go round in a circle", async () => {
    expect((await list(() => page([`k${asked}`], `t${asked % 3}`))).code).toBe("EndlessList");
    expect(asked).toBeLessThanOrEqual(4);
  });
  test("a list that ends is read to its end", async () => {
    const found = await list(() => page([`k${asked}`], asked < 5 ? `t${asked}` : null));
    expect(found).toEqual({ keys: ["k1", "k2", "k3", "k4", "k5"], code: null });
  });
});
