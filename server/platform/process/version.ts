import manifest from "../../../package.json" with { type: "json" };

/** What this program was made of. */
export type Build = {
  /** SemVer; `0.1.0+g1a2b3c4` between releases. */
  readonly version: string;
  /** The commit, or "source" where it runs from a checkout. */
  readonly commit: string;
  readonly bun: string;
  /** What it was compiled for: `linux-x64`, `linux-x64-musl`; from a checkout, this machine. */
  readonly target: string;
};

/** Put in place by ops/build.ts. */
declare const RT_DATA_BUILD: Pick<Build, "version" | "commit" | "target"> | undefined;

/** What this program was made of. */
export const build: Build = {
  ...(typeof RT_DATA_BUILD === "undefined"
    ? { version: manifest.version, commit: "source", target: `${process.platform}-${process.arch}` }
    : RT_DATA_BUILD),
  bun: process.versions.bun ?? "",
};

/** Version of this program. */
export const version: string = build.version;
