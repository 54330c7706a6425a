import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../folder.ts";

const library = (() => {
  const folders = existsSync("/usr/lib") ? readdirSync("/usr/lib").map((name) => join("/usr/lib", name)) : [];
  const paths = folders.map((folder) => join(folder, "faketime/libfaketimeMT.so.1"));
  return paths.find((path) => existsSync(path)) ?? null;
})();

/** What a test that sets a program's clock adds to its title where libfaketime is not installed, otherwise "". */
export const faketimeMissing = library === null ? " (skipped: faketime is not installed)" : "";

/** A wall clock for programs, apart from the machine's: `+60d`, `-3600`, `@1970-01-01 00:00:10`. */
export type FakeClock = {
  /** The environment of a program that lives by this clock; its monotonic clock stays true. */
  readonly env: Record<string, string>;
  /** Sets the clock of all of them at once. */
  set(offset: string): void;
};

/** A clock that begins like this. */
export function fakeClock(offset = "+0"): FakeClock {
  const file = join(temporaryFolder(), "clock");
  const set = (next: string) => {
    // libfaketime ends a program that finds the file empty.
    writeFileSync(`${file}.new`, `${next}\n`);
    renameSync(`${file}.new`, file);
  };
  set(offset);
  const env = {
    LD_PRELOAD: library ?? "",
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    DONT_FAKE_MONOTONIC: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  return { env, set };
}
