import { expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";

const root = join(import.meta.dir, "../..");
const timings = join(root, "test/timings.json");

/** A file without a timing starts late, and a slow one then runs alone at the end: minutes of one idle core. */
test("every slow test file has a timing, and no timing is of a file that is gone", async () => {
  const { files } = (await Bun.file(timings).json()) as { files: Record<string, number> };
  const all = [...new Glob("test/**/*.test.ts").scanSync(root)];
  expect(Object.keys(files).filter((file) => !all.includes(file))).toEqual([]);
  const slow = all.filter((file) => /^test\/(program|browser|compat|packaging|simulation)\//.test(file));
  const hint = "add it to test/timings.json in ms: bun test FILE --timings=test/timings.json --update-timings";
  for (const file of slow) expect([file, file in files ? "" : hint]).toEqual([file, ""]);
});
