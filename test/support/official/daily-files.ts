import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dateOf } from "../../../server/domain/day.ts";
import { temporaryFolder } from "../folder.ts";

/** A recorded aggTrade, parsed. */
export type Trade = { a: number; p: string; q: string; f: number; l: number; T: number; m: boolean; M: boolean };

/** How a file is written: Binance changed unit, header and line ends over the years. */
export type FileForm = { readonly unit?: "ms" | "us"; readonly header?: boolean; readonly end?: "\n" | "\r\n" };

/** Parses lines as stored. */
export function tradesOf(lines: string): Trade[] {
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The rows of a day's file of aggTrades, by the time of the trade. */
export function rowsOf(trades: readonly Trade[], date: string, { unit = "us" }: FileForm = {}): string[] {
  const word = (value: boolean) => (value ? "True" : "False");
  return trades
    .filter(({ T }) => dateOf(T * 1000) === date)
    .map(({ a, p, q, f, l, T, m, M }) =>
      [a, p, q, f, l, unit === "us" ? T * 1000 + (a % 1000) : T, word(m), word(M)].join(","),
    );
}

/** A text in the form of Binance's files. */
export function csvOf(rows: readonly string[], { header = false, end = "\n" }: FileForm = {}): string {
  const names = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker,is_best_match";
  return [...(header ? [names] : []), ...rows].map((row) => `${row}${end}`).join("");
}

/** Zips texts, each as the only file of its archive, by Python's zipfile. */
export function zipAll(texts: Readonly<Record<string, string>>): Record<string, Buffer<ArrayBuffer>> {
  const folder = temporaryFolder();
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, `${name}.csv`), text);
  const script =
    "import sys,zipfile\nfor n in sys.argv[1:]:\n z=zipfile.ZipFile(n+'.zip','w',zipfile.ZIP_DEFLATED); z.write(n+'.csv','day.csv'); z.close()";
  const done = Bun.spawnSync(["python3", "-c", script, ...Object.keys(texts)], { cwd: folder });
  if (done.exitCode !== 0) throw new Error(`python3 could not zip: ${done.stderr}`);
  return Object.fromEntries(Object.keys(texts).map((name) => [name, readFileSync(join(folder, `${name}.zip`))]));
}

/** Why zips cannot be made here; empty if they can. */
export const pythonMissing = Bun.which("python3") === null ? " (skipped: no python3 here)" : "";

/** A server of daily files, by path. A value may change from request to request. */
export function serveFiles(answer: (path: string) => Uint8Array<ArrayBuffer> | string | null) {
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const path = decodeURIComponent(new URL(request.url).pathname);
      asked.push(path);
      const body = answer(path);
      return body === null ? new Response("NoSuchKey", { status: 404 }) : new Response(body);
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, asked, stop: () => server.stop(true) };
}

export function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
