import { afterAll, beforeAll, expect, test } from "bun:test";
import { liveBucket } from "../../support/upload/bucket-life.ts";
import { type S3, startFauxS3 } from "../../support/upload/s3.ts";

let s3: S3;
beforeAll(async () => {
  s3 = await startFauxS3();
});
afterAll(() => s3.stop());

/** Few days in the suite; `bun run test:bucket` lives ten, with one seed after another, for as long as it is told. */
const { BUCKET_LIFE_SEED, BUCKET_LIFE_DAYS = "3" } = process.env;
const days = Number(BUCKET_LIFE_DAYS);
const seed = Number(BUCKET_LIFE_SEED ?? Math.floor(Math.random() * 2 ** 31));

test.each([seed])(
  "two recorders and one bucket under cuts, kills, damage and refusals: every row ends in exactly one archive, and no archive leaves a disk before the bucket has it (seed %d)",
  async (seed) => {
    console.info(`again: bun run test:bucket --seed ${seed} --days ${days}`);
    const told = await liveBucket({ seed, days }, s3);
    console.info(JSON.stringify(told));
    expect(told.rows).toBeGreaterThan(1000 * days);
  },
  600_000,
);
