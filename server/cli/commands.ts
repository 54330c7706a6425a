import { check } from "./check/check.ts";
import { completionFor } from "./completion.ts";
import { book } from "./data/book.ts";
import { cat } from "./data/cat.ts";
import { dataset } from "./data/dataset.ts";
import { listGaps } from "./data/gaps.ts";
import { ls } from "./data/ls.ts";
import { verify } from "./data/verify.ts";
import { exportCommand } from "./export/export.ts";
import type { Command } from "./framework/command.ts";
import { health } from "./health.ts";
import { manFor } from "./man.ts";
import { ops } from "./ops/ops.ts";
import { password } from "./password.ts";
import { record } from "./record/record.ts";
import { upgrade } from "./record/upgrade.ts";
import { demo } from "./replay/demo.ts";
import { replay } from "./replay/replay.ts";
import { retention } from "./retention.ts";
import { showConfig } from "./show-config.ts";
import { token } from "./token.ts";
import { versionCommand } from "./version.ts";

/** `rt-data completion` */
export const completion: Command = completionFor(() => commands);

/** `rt-data man` */
export const man: Command = manFor(() => commands);

/** Every command, in the order of the help. A house test finds commands that are missing here. */
export const commands: readonly Command[] = [
  record,
  demo,
  replay,
  ls,
  cat,
  book,
  exportCommand,
  listGaps,
  verify,
  retention,
  dataset,
  check,
  health,
  showConfig,
  password,
  token,
  upgrade,
  ops,
  completion,
  man,
  versionCommand,
];

/** Words that other programs use for our commands. */
export const otherWords: Readonly<Record<string, string>> = {
  start: "record",
  run: "record",
  list: "ls",
  status: "ls",
  show: "cat",
  orderbook: "book",
  convert: "export",
  holes: "gaps",
  validate: "verify",
  doctor: "check",
  settings: "config",
  healthcheck: "health",
  tokens: "token",
  manual: "man",
  prune: "retention",
  update: "upgrade",
  install: "ops",
};
