import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { recordedFolder } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";

const cwd = temporaryFolder();
writeFileSync(join(cwd, "file"), "");
symlinkSync("loop", join(cwd, "loop"));
symlinkSync("absent", join(cwd, "nowhere"));
mkdirSync(join(cwd, "folder"));
let dataDir = "";
beforeAll(async () => {
  dataDir = await recordedFolder();
});

/** A text of the system, which names neither the operation nor the remedy. */
const raw = /\bE[A-Z]{3,}: /;

test.each([
  [["ls", "--data-dir", "file"], "file is a file, not a folder; give a folder by --data-dir"],
  [["verify", "--data-dir", "file/below"], "a part of the path is a file, not a folder (ENOTDIR); give a folder"],
  [["cat", "--data-dir", "loop"], "the symbolic links lead in a circle (ELOOP); give a folder"],
  [["ls", "--config", "folder"], "folder: cannot be read: it is a folder (EISDIR)"],
  [["retention", "--config", "loop"], "loop: cannot be read: the symbolic links lead in a circle (ELOOP)"],
  [["record", "--data-dir", "file"], "file: it is not a folder (EEXIST). Choose another folder"],
  [["demo", "--port", "0", "--data-dir", "file/below"], "not a folder (ENOTDIR). Choose another folder"],
  [["replay", "--data", "absent"], "cannot play absent: it does not exist (ENOENT). Give a file or folder that exists"],
  [["replay", "--port", "0", "--faults", "folder"], "cannot read the faults of folder: it is a folder (EISDIR)"],
])("rt-data %j explains in words why the path is wrong", async (words, expected) => {
  const { code, output, errors } = await run(words, { cwd });
  expect({ code, output, errors }).toEqual({ code: 2, output: "", errors: expect.stringContaining(expected) });
  expect(errors).not.toMatch(raw);
});

test("check names a path that cannot be a data folder, instead of promising to create it", async () => {
  for (const name of ["file", "file/below", "loop", "nowhere"]) {
    const { code, output } = await run(["check", "--only", "data", "--data-dir", name], { cwd });
    expect([name, code, output]).toEqual([name, 1, expect.stringContaining("✗ data.folder")]);
    expect(output).not.toMatch(raw);
  }
});

test("export names in words the target that it cannot write", async () => {
  const words = ["export", "--data-dir", dataDir, "--stream", "depth20", "--format", "csv"];
  for (const [out, expected] of [
    ["file/x.csv", "cannot write file/x.csv: a part of the path is a file, not a folder (ENOTDIR)"],
    ["loop/x.csv", "cannot write loop/x.csv: the symbolic links lead in a circle (ELOOP)"],
    ["/dev/full", "cannot write /dev/full: the disk is full (ENOSPC); free some space"],
  ] as const) {
    const { output, errors } = await run([...words, "--out", out], { cwd });
    expect([output, errors]).toEqual(["", expect.stringContaining(expected)]);
    expect(errors).not.toMatch(raw);
  }
});
