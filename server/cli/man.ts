import { build } from "../platform/process/version.ts";
import type { Command } from "./framework/command.ts";
import { type ManPageFacts, manPage } from "./framework/man-page.ts";

/** What the program does, in one sentence. */
export const about = "rt-data records the Binance spot order book and proves that the recording is complete.";

const facts: Pick<ManPageFacts, "environment" | "files"> = {
  environment: [
    ["RT_DATA_<SECTION>_<KEY>", "overrides a setting of the config file: RT_DATA_HTTP_PORT is http.port"],
    ["RT_DATA_<SECTION>_<KEY>_FILE", "names a file that holds a secret setting, such as http.password_hash"],
    [
      "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY",
      "the HTTP proxy of all outgoing connections, by the scheme of their address",
    ],
    ["NO_PROXY", "hosts that are reached without a proxy: names with subdomains, addresses, ranges, or *"],
    ["NO_COLOR", "if not empty, the log has no colours"],
  ],
  files: [
    ["./rt-data.toml", "the config file, if --config names no other"],
    ["/etc/rt-data/rt-data.toml", "the config file, if there is none in the working directory"],
    ["./data", "the data folder, if record.data_dir names no other"],
  ],
};

/** `rt-data man`, for a list of commands that includes this command itself. */
export function manFor(commandsOf: () => readonly Command[]): Command {
  return {
    name: "man",
    summary: "print the manual page, for man",
    flags: {},
    examples: [
      ["rt-data man | man -l -", "read it"],
      ["rt-data man > /usr/local/share/man/man1/rt-data.1", "install it"],
    ],
    async run(_flags, { print }) {
      print(manPage(commandsOf(), { ...facts, about, version: build.version, date: build.date }));
      return 0;
    },
  };
}
