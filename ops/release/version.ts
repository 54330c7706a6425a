import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };

/** What git knows of a checkout. */
export type SourceVersion = {
  /** SemVer: the tag's (`v0.2.0` → `0.2.0`), or after the last tag: `0.2.0+12.g1a2b3c4`; `.dirty` if files were changed. */
  readonly version: string;
  /** The whole hash, or "unknown" outside git. */
  readonly commit: string;
  /** Time of the commit, s since the epoch; 0 outside git. A build must not depend on its time. */
  readonly committedAt: number;
};

/** The version of the checkout in `root`; outside git it is the package's. */
export function sourceVersion(root: string = join(import.meta.dir, "../..")): SourceVersion {
  const commit = git(root, "rev-parse", "HEAD");
  if (commit === null) return { version: manifest.version, commit: "unknown", committedAt: 0 };
  const isDirty = git(root, "status", "--porcelain", "--untracked-files=no") !== "";
  const version = versionOf(
    git(root, "describe", "--tags", "--long", "--abbrev=7", "--match=v[0-9]*"),
    commit,
    isDirty,
  );
  return { version, commit, committedAt: Number(git(root, "log", "-1", "--format=%ct")) };
}

/** The version that `git describe --long` (`v0.2.0-12-g1a2b3c4`, null without a tag) stands for. */
export function versionOf(described: string | null, commit: string, isDirty: boolean): string {
  const [, tag, count, short] = /^v(\d.*)-(\d+)-(g[0-9a-f]+)$/.exec(described ?? "") ?? [];
  const parts = tag === undefined ? [`g${commit.slice(0, 7)}`] : count === "0" ? [] : [count, short];
  if (isDirty) parts.push("dirty");
  const base = tag ?? manifest.version;
  return parts.length === 0 ? base : `${base}${base.includes("+") ? "." : "+"}${parts.join(".")}`;
}

function git(root: string, ...words: readonly string[]): string | null {
  try {
    const { success, stdout } = Bun.spawnSync(["git", "-C", root, ...words], { stderr: "ignore" });
    return success ? stdout.toString().trim() : null;
  } catch {
    return null;
  }
}
