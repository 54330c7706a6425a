import { readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { unitOf } from "../../server/cli/ops/ops-unit.ts";
import { type Config, loadConfig } from "../../server/config/config.ts";
import type { DebTexts } from "./deb.ts";
import type { SourceVersion } from "./version.ts";

const root = join(import.meta.dir, "../..");

/** Returns the texts of a Debian package, as the program of this checkout prints them. `thirdParty`: the licences of others. */
export function debTexts({ version }: SourceVersion, thirdParty: string): DebTexts {
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const printed = (...words: string[]) => {
    const main = join(root, "server/main.ts");
    const { success, stdout, stderr } = Bun.spawnSync([process.execPath, main, ...words], { env: {}, cwd: "/" });
    if (!success) throw new Error(`rt-data ${words.join(" ")}: ${stderr}`);
    return stdout.toString();
  };
  return {
    unit: unitOf(defaultConfig(), { user: "rt-data", executable: "/usr/lib/rt-data/rt-data" }),
    config: printed("ops", "config"),
    // From source the page tells the package's version.
    man: printed("man").replaceAll(`version ${manifest.version}`, `version ${version}`),
    completions: {
      bash: printed("completion", "bash"),
      zsh: printed("completion", "zsh"),
      fish: printed("completion", "fish"),
    },
    install: read("ops/install.sh"),
    changelog: read("CHANGELOG.md"),
    license: read("LICENSE"),
    thirdParty,
  };
}

/** The defaults, whatever configuration this machine has. */
export function defaultConfig(): Config {
  const loaded = loadConfig("/dev/null", {}, {});
  if (!loaded.ok) throw new Error("the default configuration is not valid");
  return { ...loaded.config, file: null };
}
