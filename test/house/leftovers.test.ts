import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";

const root = join(import.meta.dir, "../..");

test("a run of several test files leaves the temporary folder empty", () => {
  const folder = temporaryFolder();
  // Some of the tests start a program as another user, who has to reach its folder.
  chmodSync(folder, 0o755);
  const tmp = join(folder, "tmp");
  mkdirSync(tmp);
  const files = ["catalogue/history", "storage/data-folder", "http/history-routes"].map(
    (name) => `./test/unit/${name}.test.ts`,
  );
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, "test", ...files], {
    ...{ cwd: root, stdout: "ignore", stderr: "pipe" },
    env: { ...process.env, TMPDIR: tmp },
  });
  expect([exitCode, stderr.toString()]).toEqual([0, expect.stringContaining("across 3 files")]);
  expect(readdirSync(tmp)).toEqual([]);
});
