import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../../../server/cli/commands.ts";
import { readFlags } from "../../../server/cli/framework/command.ts";
import { token } from "../../../server/cli/token.ts";
import { idOf } from "../../../server/http/auth/tokens/token-file.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";

/** Runs `rt-data token` with these words in this process; returns what it prints. */
async function told(dataDir: string, ...words: string[]): Promise<string> {
  const lines: string[] = [];
  const terminal = { print: (line: string) => void lines.push(line) } as Parameters<typeof token.run>[1];
  expect(await token.run(readFlags(token, [...words, "--data-dir", dataDir]), terminal)).toBe(0);
  return lines.join("\n");
}

const list = async (dataDir: string) => JSON.parse(await told(dataDir, "list", "--json")) as Record<string, unknown>[];

test("a token is shown once, and stored as a hash that only its owner may read", async () => {
  const dataDir = temporaryFolder();
  const secret = (await told(dataDir, "create", "prometheus", "--scope", "metrics")).split("\n")[0] ?? "";
  expect(secret).toMatch(/^rtd_[\w-]{43}$/);
  const [file = ""] = readdirSync(join(dataDir, "tokens"));
  expect(file).toBe(`${idOf(secret)}.json`);
  const path = join(dataDir, "tokens", file);
  expect(readFileSync(path, "utf8")).not.toContain(secret.slice(4, 20));
  expect([statSync(path).mode & 0o777, statSync(join(dataDir, "tokens")).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(await told(dataDir, "list")).not.toContain(secret);
});

test("the list shows scope, lifetime and last use; a revoked token is gone, and its name is free again", async () => {
  const dataDir = temporaryFolder();
  expect(await told(dataDir, "list")).toContain("no tokens");
  expect(await list(dataDir)).toEqual([]);
  const secret = (await told(dataDir, "create", "notebook", "--scope", "download", "--expires", "90d")).split("\n")[0];
  await told(dataDir, "create", "b", "--scope", "act");
  const created = expect.any(Number);
  const plain = { created_us: created, expires_us: null, is_expired: false, last_use_us: null };
  expect(await list(dataDir)).toEqual([
    { name: "b", scope: "act", lifetime_s: null, ...plain },
    { name: "notebook", scope: "download", lifetime_s: 90 * 86_400, ...plain },
  ]);
  const use = { from_us: Date.parse("2026-11-22T00:00:00Z") * 1000, used_us: 1_764_000_000_000_000, is_expired: false };
  writeFileSync(join(dataDir, "token-uses.json"), JSON.stringify({ tokens: { [idOf(secret ?? "")]: use } }));
  expect(await told(dataDir, "list")).toMatch(
    /notebook +download +\S+ \S+ UTC +2027-02-20 00:00 UTC +2025-11-24 16:00 UTC/,
  );
  expect(await told(dataDir, "revoke", "notebook")).toContain("revoked notebook");
  expect((await list(dataDir)).map(({ name }) => name)).toEqual(["b"]);
  await told(dataDir, "create", "notebook", "--scope", "read");
});

test.each([
  [["create"], "create needs NAME"],
  [["revoke"], "revoke needs NAME"],
  [["create", "x"], "--scope is missing; give metrics, read, download, act"],
  [["create", "x", "--scope", "reed"], '--scope reed is not accepted (did you mean "read"?)'],
  [["create", "../x", "--scope", "read"], 'the name "../x" is not accepted'],
  [["create", "x", "--scope", "read", "--expires", "soon"], "--expires soon is not accepted"],
  [["create", "x", "y", "--scope", "read"], 'unexpected word "y"'],
  [["list", "x"], 'unexpected word "x"'],
  [["revoke", "grafna"], 'there is no token grafna (did you mean "grafana"?); tokens: grafana'],
  [["create", "grafana", "--scope", "read"], "there is a token grafana already"],
])("%j is refused with what to do", async (words, problem) => {
  const dataDir = temporaryFolder();
  await told(dataDir, "create", "grafana", "--scope", "metrics");
  await expect(told(dataDir, ...words)).rejects.toThrow(problem);
  expect((await list(dataDir)).map(({ name }) => name)).toEqual(["grafana"]);
});

test("a missing data folder is said, not created; on a pipe only the token is printed", async () => {
  const { code, errors } = await run(["token", "create", "x", "--scope", "read"]);
  expect([code, errors]).toEqual([2, expect.stringContaining("the data folder ./data does not exist")]);
  const dataDir = temporaryFolder();
  const { output } = await run(["token", "create", "x", "--scope", "read", "--data-dir", dataDir]);
  expect(output).toMatch(/^rtd_[\w-]{43}\n$/);
  expect(commands.some(({ name }) => name === "token")).toBe(true);
});
