import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FileError, OperatorError } from "../../../server/platform/errors.ts";
import { explain, reasonOf } from "../../../server/platform/system-errors.ts";
import { temporaryFolder } from "../../support/folder.ts";

function errorOf(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it did not fail");
}

const folder = temporaryFolder();
writeFileSync(join(folder, "file"), "");
symlinkSync("loop", join(folder, "loop"));

test("a bare error of the system becomes a sentence: operation, path, reason and remedy", () => {
  const absent = join(folder, "absent");
  expect(explain(errorOf(() => readFileSync(absent)))).toBe(
    `cannot open ${absent}: it does not exist (ENOENT); check the path`,
  );
  expect(explain(errorOf(() => readdirSync(join(folder, "file"))))).toMatch(
    /^cannot list .*\/file: it is not a folder \(ENOTDIR\); check the path$/,
  );
  expect(explain(errorOf(() => readFileSync(join(folder, "loop"))))).toContain(
    "/loop: the symbolic links lead in a circle (ELOOP); correct the links",
  );
  const failed = new FileError(
    "rename",
    "/srv/a",
    errorOf(() => mkdirSync(folder)),
  );
  expect(explain(failed)).toBe("cannot rename /srv/a: it exists already (EEXIST); rename it, or give another path");
});

test("within a message only the text of the system is replaced; an advice that follows stays the only advice", () => {
  const path = join(folder, "file", "below");
  const cause = errorOf(() => readFileSync(path));
  const wrap = (text: string) => new OperatorError(text, { cause });
  expect(explain(wrap(`cannot play ${path}: ${cause.message}. Give a folder`))).toBe(
    `cannot play ${path}: a part of the path is a file, not a folder (ENOTDIR). Give a folder`,
  );
  expect(explain(wrap(`cannot play ${path}: ${cause.message}`))).toBe(
    `cannot play ${path}: a part of the path is a file, not a folder (ENOTDIR); check the path`,
  );
  // A message about another path, such as the folder above, names the path that failed.
  expect(explain(wrap(`cannot list the folder: ${cause.message}`))).toContain(`a part of the path ${path} is a file`);
  expect(explain(new Error("outer: inner", { cause: wrap("inner") }))).toBe("outer: inner");
});

test("other errors keep their message", () => {
  expect(explain(new Error("it is not JSON"))).toBe("it is not JSON");
  expect(explain("a text")).toBe("a text");
  const odd = Object.assign(new Error("database is locked"), { code: "SQLITE_BUSY" });
  expect([explain(odd), reasonOf(odd)]).toEqual(["database is locked", "database is locked"]);
  const ours = Object.assign(new Error("127.0.0.1:8000 is taken; set http.port"), { code: "EADDRINUSE" });
  expect(explain(ours)).toBe("127.0.0.1:8000 is taken; set http.port");
});

test("the reason alone has neither path nor advice", () => {
  const cause = errorOf(() => readFileSync(folder));
  expect(reasonOf(cause)).toBe("it is a folder (EISDIR)");
  expect(reasonOf(new FileError("read", folder, cause))).toBe("it is a folder (EISDIR)");
});
