import { expect, test } from "bun:test";
import { rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";
import { at, diff, type Row, rows, writeArchive, writeSegments } from "../../support/simulator/recorded-folder.ts";

test("book prints the book of an instant, as text and JSON, and says why there is no book and what there is", async () => {
  const folder = temporaryFolder();
  const start = at("12:00:00");
  const content = rows(start, 600, 1000, (n) => diff(n + 1, n));
  writeArchive(folder, "depth", [...content.slice(0, 300), ...content.slice(310)]);
  const restBook: Row = [
    start + 500,
    '{"lastUpdateId":1,"bids":[["9.00000000","2.50000000"]],"asks":[["12.00000000","1.00000000"]]}',
  ];
  writeSegments(folder, "depthSnapshot", [restBook]);
  const book = (...words: string[]) => run(["book", "--data-dir", folder, "--symbol", "btcusdt", ...words]);

  const shown = await book("--at", "2026-11-22T12:02:00.250", "--depth", "1");
  expect(shown.output.replaceAll(/ +/g, " ")).toBe(
    `BTCUSDT at 2026-11-22T12:02:00.250Z
rebuilt from the REST book of 2026-11-22T12:00:00.000Z and the diffs since; update id 121, 250 ms old

 BID SIZE BID ASK ASK SIZE
121.00000000 11.00000000 12.00000000 1.00000000
`,
  );
  const json = await book("--at", "2026-11-22T12:02:00.250", "--json");
  expect(JSON.parse(json.output)).toMatchObject({
    source: "depth",
    last_update_id: 121,
    bids: [
      ["11.00000000", "121.00000000"],
      ["9.00000000", "2.50000000"],
    ],
  });
  const none = await book("--at", "2026-11-22T12:06:00");
  expect(none.output).toBe(`BTCUSDT at 2026-11-22T12:06:00.000Z: no book
update ids are missing around this instant, and no REST book had come since
the nearest book before it: depth of 2026-11-22T12:04:59.000Z, 61.0 s earlier
`);
  rmSync(join(folder, "live", "stream=depthSnapshot"), { recursive: true });
  const path = writeArchive(folder, "depth20", [[start, String(restBook[1])]]);
  truncateSync(path, 20);
  const damaged = await book("--at", "2026-11-22T12:00:10");
  expect([damaged.code, damaged.errors.split(path).length]).toEqual([1, 2]);
  const wrong = await run(["book", "--data-dir", folder, "--at", "noon", "--symbol", "BTCUSD"]);
  expect(wrong.errors).toContain('--at "noon" is not accepted');
  expect([shown.code, json.code, none.code, wrong.code]).toEqual([0, 0, 1, 2]);
  rmSync(folder, { recursive: true, force: true });
});
