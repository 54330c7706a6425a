import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";

const root = join(import.meta.dir, "../..");
const files = [...new Glob("server/**/*.ts").scanSync(root)].filter((file) => !file.startsWith("server/simulator/"));

const removes = /\b(unlink|unlinkSync|rm|rmSync|rmdir|rmdirSync)\(|\.remove\(|\bdelete from\b|\bsessions\.delete\(/;
const readsClock = /\bDate\.now\b|\bnew Date\(\)|\bnowUs\b|\bnowMs\b|\bwallMs\b/;

/** Files that remove something and also read a clock, and why the removal does not depend on the clock. */
const apart: Readonly<Record<string, string>> = {
  "server/cli/token.ts": "removes a token that the operator names; the clock dates new tokens",
  "server/app/data/catalogue-sync.ts":
    "forgets an archive in the catalogue when retention has removed it; the clock dates events",
  "server/catalogue/live-catalogue.ts":
    "forgets what retention has removed, and repaired holes; the clock says since when it is away",
  "server/app/recording/backfill.ts": "removes a hole that was refetched; the clock is the REST books'",
  "server/app/data/uploads.ts": "the bucket is swept by a confirmed time; the clock paces uploads",
  "server/monitor/incidents.ts": "removes mutes; see mutes.ts",
  "server/monitor/mutes.ts": "a mute that ended too early only makes somebody be told",
  "server/telegram/notifier/deliver.ts": "removes notes of messages that were sent",
  "server/telegram/notifier/notifier.ts": "removes notes of messages that were sent",
  "server/app/dataset/bucket-site.ts": "removes objects that were never committed; the clock stamps commits",
  "server/dataset/bucket-day.ts": "removes objects that were never committed; the clock stamps commits",
  "server/dataset/dataset-jobs.ts":
    "empties its work folder; the sweep is handed a ConfirmedTime; the clock stamps commits",
  "server/dataset/write-facts.ts": "removes files of attempts that were not committed; the clock stamps commits",
  "server/upload/sweep-bucket.ts": "is handed the ms of a confirmed time",
  "server/upload/day/upload-day.ts": "removes its own files after its end",
};

test("what deletes does not read a clock: it is handed a ConfirmedTime", () => {
  const both = files.filter((file) => {
    const source = readFileSync(join(root, file), "utf8");
    return removes.test(source) && readsClock.test(source) && apart[file] === undefined;
  });
  expect(both).toEqual([]);
});

test("retention, the bucket's sweep and the merge of past days are handed the confirmed time by its type", () => {
  for (const file of ["archive/retention/retention.ts", "app/data/uploads.ts", "app/ticker.ts"]) {
    const source = readFileSync(join(root, "server", file), "utf8");
    expect([file, /\(\) => ConfirmedTime/.test(source)]).toEqual([file, true]);
  }
});
