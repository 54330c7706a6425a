import { expect, test } from "bun:test";
import { secretsOf } from "../../../server/config/config.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { createRecentLogs } from "../../../server/platform/log/recent-logs.ts";
import { appConfig } from "../../support/app-config.ts";

test("the latest warnings and errors are kept, bounded and without secrets, whatever level is written", () => {
  const written: string[] = [];
  const config = appConfig({ "telegram.token": "123:SECRET", "upload.secret_key": "" });
  const quiet = createLog({ level: "error", format: "text", color: false }, (line) => written.push(line));
  const { log, newest } = createRecentLogs(quiet, secretsOf(config));
  for (let n = 0; n < 300; n++) log.warn(`warning ${n}`, { url: "https://x/bot123:SECRET/getMe", none: null });
  log.info("not kept");
  log.error("x".repeat(10_000));
  expect(newest()).toHaveLength(200);
  expect(newest()[0]?.text).toBe("warning 101 url=https://x/bot•••/getMe");
  expect(newest().at(-1)).toMatchObject({ level: "error", text: "x".repeat(500) });
  expect(written).toHaveLength(1);
});
