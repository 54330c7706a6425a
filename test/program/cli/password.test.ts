import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../../server/config/config.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData } from "../../support/program.ts";
import { until } from "../../support/wait.ts";

/** Runs the command with this input from a pipe. */
async function piped(input: string) {
  const words = [...rtData, "password"];
  const child = Bun.spawn(words, { stdin: new Blob([input]), stdout: "pipe", stderr: "pipe", env: {} });
  const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, output, errors };
}

const noScript = Bun.which("script") === null ? " (skipped: no script command)" : "";

/** Runs it on a terminal; each answer is typed once the question that it belongs to has been asked. */
async function typed(...answers: readonly (readonly [question: string, keys: string])[]) {
  const command = [...rtData, "password"].map((word) => `'${word}'`).join(" ");
  const child = Bun.spawn(["script", "-qec", command, "/dev/null"], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  let shown = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) shown += decoder.decode(chunk, { stream: true });
  })();
  for (const [question, keys] of answers) {
    await until(() => shown.includes(question), question);
    child.stdin.write(keys);
    child.stdin.flush();
  }
  const code = await child.exited;
  await reading;
  return { code, shown: shown.replaceAll("\r", "") };
}

test("a password from a pipe gives a hash that the config accepts and that only this password matches", async () => {
  const { code, output, errors } = await piped("correct horse\n");
  expect([code, errors]).toEqual([0, ""]);
  const hash = output.trim();
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=3,p=1\$/);
  expect(await Bun.password.verify("correct horse", hash)).toBe(true);
  expect(await Bun.password.verify("correct hors", hash)).toBe(false);
  const file = join(temporaryFolder(), "rt-data.toml");
  writeFileSync(file, `[http]\nhost = "0.0.0.0"\npassword_hash = '${hash}'\n`);
  const loaded = loadConfig(file, {}, {});
  expect(loaded.ok && loaded.config.http.password_hash).toBe(hash);
});

test("a password that is too short, too long or missing is refused with the reason", async () => {
  for (const [input, hint] of [
    ["short\n", "at least 8 characters"],
    [`${"x".repeat(257)}\n`, "at most 256 characters"],
    ["\n", "must contain the password on a single line"],
    ["two lines\nof it\n", "must contain the password on a single line"],
  ] as const) {
    const { code, output, errors } = await piped(input);
    expect([code, output]).toEqual([2, ""]);
    expect(errors).toContain(hint);
    expect(errors).not.toContain("two lines");
  }
});

test.skipIf(noScript !== "")(
  `on a terminal it asks twice without echo, and prints the lines for the config${noScript}`,
  async () => {
    const good = await typed(["New password: ", "correct horsx\x7fe\r"], ["Once more:", "correct horse\r"]);
    expect(good.code).toBe(0);
    expect(good.shown).not.toMatch(/correct|horse/);
    const hash = /\[http\]\npassword_hash = '(\$argon2id[^']+)'\n/.exec(good.shown)?.[1] ?? "";
    expect(await Bun.password.verify("correct horse", hash)).toBe(true);
    const other = await typed(["New password: ", "correct horse\r"], ["Once more:", "correct house\r"]);
    expect(other.code).toBe(2);
    expect(other.shown).toContain("the two passwords differ");
    const short = await typed(["New password: ", "short\r"]);
    expect([short.code, short.shown.includes("at least 8 characters")]).toEqual([2, true]);
    expect((await typed(["New password: ", "corr\x03"])).code).toBe(130);
  },
);
