import type { Config } from "../../config/config.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { messageOf, OperatorError } from "../../platform/errors.ts";
import type { Command, Flags, Terminal } from "../framework/command.ts";
import { configOf, settingFlags } from "../framework/config-flags.ts";
import { checkDisk } from "./check-disk.ts";
import { checkExchange } from "./check-exchange.ts";
import { checkData } from "./check-machine.ts";
import { askReady, checkServer } from "./check-server.ts";
import { checkAlerts, checkTelegram, checkUpload } from "./check-services.ts";
import { helloTelegram } from "./check-telegram.ts";
import { type CheckFinding, failed, ok, type Probe } from "./finding.ts";

/** Groups of checks, in the order in which they are told. The clock is looked at with the exchange, whose clock it is held against. */
const probes: Readonly<Record<string, Probe>> = {
  config: async ({ file }) => [
    ok("config.file", file ?? "none; every setting has its default, or comes from the environment"),
  ],
  data: checkData,
  disk: checkDisk,
  exchange: checkExchange,
  http: checkServer,
  upload: checkUpload,
  alerts: checkAlerts,
  telegram: checkTelegram,
};

const { "log-level": _, ...flagsOfSettings } = settingFlags;

/** `rt-data check` */
export const check: Command = {
  name: "check",
  summary: "check everything that recording needs, and say what to do about each failure",
  flags: {
    ...flagsOfSettings,
    only: { value: "A,B,…", help: `of ${Object.keys(probes).join(", ")}` },
    ready: { value: "SECONDS", help: "instead: wait until the recorder on http.port says that data flows" },
    timeout: { value: "SECONDS", help: "how long any one question may take (default 10)" },
    telegram: { value: null, help: "instead: prove the bot's token, and print the chat id of whoever writes to it" },
    json: { value: null, help: "what was found as JSON" },
  },
  examples: [
    ["rt-data check", "everything; a recorder may be running"],
    ["rt-data check --only config --config new.toml", "is this file valid?"],
    ["rt-data check --telegram", "write to the bot, read the id for telegram.chats here"],
    ["rt-data check --ready 60", "exit code 0 as soon as data flows, 1 if it does not within a minute"],
  ],
  notes: ["Exit codes: 0 all is well (or only warnings), 1 something failed, 2 the config or a flag is wrong."],
  async run(flags, terminal) {
    const chosen = groupsOf(flags.only);
    const patience = { ms: secondsOf(flags, "timeout", 10) * 1000, signal: terminal.stop };
    let config: Config;
    try {
      config = configOf(flags);
    } catch (error) {
      if (!(error instanceof OperatorError) || flags.json === undefined) throw error;
      terminal.print(JSON.stringify([failed("config.file", messageOf(error), "correct it")]));
      return 2;
    }
    if (flags.telegram !== undefined) {
      const { token, chats, api_root: apiRoot } = config.telegram;
      return helloTelegram({ token, chats, apiRoot }, terminal);
    }
    if (flags.ready !== undefined) return waitUntilReady(config, flags, terminal);
    // All at once, told in order.
    const running = chosen.map((group) => (probes[group] as Probe)(config, patience));
    const findings: CheckFinding[] = [];
    for (const group of running) {
      const found = await group;
      findings.push(...found);
      if (flags.json === undefined) for (const line of found.flatMap(findingLines)) terminal.print(line);
    }
    terminal.print(flags.json === undefined ? summaryOf(findings) : JSON.stringify(findings));
    return findings.some(({ state }) => state === "failed") ? 1 : 0;
  },
};

function groupsOf(only: string | undefined): readonly string[] {
  const all = Object.keys(probes);
  if (only === undefined) return all;
  const words = only.split(",").map((word) => word.trim());
  const wrong = words.find((word) => !all.includes(word));
  if (wrong === undefined) return all.filter((group) => words.includes(group));
  throw new OperatorError(`--only "${wrong}"${didYouMean(wrong, all)}: there are ${all.join(", ")}`);
}

/** How often a recorder that is starting is asked, ms. */
const askEveryMs = 250;

async function waitUntilReady(config: Config, flags: Flags, terminal: Terminal): Promise<number> {
  const seconds = secondsOf(flags, "ready", 0);
  if (config.http.port === 0) throw new OperatorError("http.port is 0, any free one: nobody can know where to ask");
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const found = await askReady(config.http);
    const isOver = performance.now() >= end || terminal.stop.aborted;
    if (found?.ready || isOver) {
      const why = found === null ? `nobody answers on port ${config.http.port}` : found.reasons.join("; ");
      if (flags.json !== undefined) terminal.print(JSON.stringify(found ?? { ready: false, reasons: [why] }));
      else terminal.print(found?.ready ? "ready: data flows" : `not ready within ${seconds} s: ${why}`);
      return found?.ready ? 0 : 1;
    }
    await Bun.sleep(askEveryMs);
  }
}

function secondsOf(flags: Flags, name: "ready" | "timeout", fallback: number): number {
  const word = flags[name];
  if (word === undefined) return fallback;
  const seconds = Number(word);
  if (word.trim() !== "" && seconds >= 0 && seconds <= 86_400) return seconds;
  throw new OperatorError(`--${name} ${JSON.stringify(word)}: give seconds, from 0 to 86400`);
}

const marks: Readonly<Record<CheckFinding["state"], string>> = { ok: "✓", warning: "!", failed: "✗", skipped: "-" };

/** Names are short enough for this. */
const width = 20;

/** A finding for people: a line, and one more with what to do. */
export function findingLines({ check, state, detail, advice }: CheckFinding): readonly string[] {
  const line = `${marks[state]} ${check.padEnd(width)} ${detail}`;
  return advice === undefined ? [line] : [line, `${" ".repeat(width + 2)} → ${advice}`];
}

/** "2 failed, 1 warning, 12 well" */
export function summaryOf(findings: readonly CheckFinding[]): string {
  const count = (state: CheckFinding["state"]) => findings.filter((finding) => finding.state === state).length;
  const [failures, warnings] = [count("failed"), count("warning")];
  const what = failures > 0 ? `${failures} failed` : "nothing failed";
  return `\n${what}${warnings > 0 ? `, ${warnings} to look at` : ""}, ${count("ok")} well`;
}
