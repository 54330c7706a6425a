import { join } from "node:path";
import { assetsDir } from "../http/routes/page.ts";
import { OperatorError } from "../platform/errors.ts";
import { readFileSync } from "../platform/files/files.ts";
import { build } from "../platform/process/version.ts";
import type { Command } from "./framework/command.ts";

/** `rt-data version` */
export const versionCommand: Command = {
  name: "version",
  summary: "print the version, and what it was built of",
  flags: {
    json: { value: null, help: "as JSON" },
    licenses: { value: null, help: "the licences of everything that the executable is made of" },
  },
  examples: [
    ["rt-data version", "version, commit, Bun's version, target"],
    ["rt-data version --licenses | less", "who wrote what is in it"],
  ],
  async run(flags, { print }) {
    if (flags.licenses !== undefined) print(readLicenses().trimEnd());
    else if (flags.json !== undefined) print(JSON.stringify(build));
    else {
      print(`rt-data ${build.version}`);
      for (const name of ["commit", "bun", "target"] as const) print(`${name.padEnd(7)} ${build[name]}`);
    }
    return 0;
  },
};

function readLicenses(): string {
  try {
    return readFileSync(join(assetsDir, "static/licenses.txt"), "utf8");
  } catch {
    throw new OperatorError("the licences are put together by the build; run: bun run build");
  }
}
