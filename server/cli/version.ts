import { join } from "node:path";
import { assetsDir } from "../http/routes/page.ts";
import { OperatorError } from "../platform/errors.ts";
import { readFileSync } from "../platform/files/files.ts";
import { build } from "../platform/process/version.ts";
import type { Command } from "./framework/command.ts";

/** `rt-data version` */
export const versionCommand: Command = {
  name: "version",
  summary: "print version and build",
  flags: {
    json: { value: null, help: "as JSON" },
    licenses: { value: null, help: "print the licences of all parts of the executable" },
  },
  examples: [
    ["rt-data version", "version, commit, Bun's version, target"],
    ["rt-data version --licenses | less", "read the licences"],
  ],
  async run(flags, { print }) {
    if (flags.licenses !== undefined) print(readLicenses().trimEnd());
    else if (flags.json !== undefined) print(JSON.stringify(build));
    else {
      print(`rt-data ${build.version}`);
      for (const name of ["commit", "date", "bun", "target"] as const) print(`${name.padEnd(7)} ${build[name]}`);
    }
    return 0;
  },
};

function readLicenses(): string {
  try {
    return readFileSync(join(assetsDir, "static/licenses.txt"), "utf8");
  } catch {
    throw new OperatorError("the file of licences is missing; the build makes it: bun run build");
  }
}
