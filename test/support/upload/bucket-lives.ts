/**
 * Lives of a bucket, one after another: `bun run test:bucket [--minutes 60] [--days 10] [--seed N]`. Ends with 1 at the first life that
 * breaks a rule, and prints its seed. With a seed only that life runs.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { minutes: { type: "string" }, days: { type: "string" }, seed: { type: "string" } },
});
const endMs = Date.now() + Number(values.minutes ?? "60") * 60_000;
for (let lives = 1; ; lives++) {
  const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
  const startedMs = Date.now();
  const child = Bun.spawn(
    [process.execPath, "test", "--timeout=600000", join(import.meta.dir, "../../unit/upload/bucket-life.test.ts")],
    {
      env: { ...process.env, BUCKET_LIFE_SEED: seed, BUCKET_LIFE_DAYS: values.days ?? "10" },
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  const told = /^\{"kind".*$/m.exec(output + errors)?.[0] ?? "";
  console.log(
    `${lives}. seed ${seed}: ${Math.round((Date.now() - startedMs) / 1000)} s, ${code === 0 ? "all held" : "RED"} ${told}`,
  );
  if (code !== 0) {
    console.error(errors.slice(-12_000));
    process.exit(1);
  }
  if (values.seed !== undefined || Date.now() > endMs) break;
}
