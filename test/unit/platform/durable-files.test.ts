import { afterEach, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "../../../server/platform/files/durable-files.ts";
import { replaceFiles, systemFiles } from "../../../server/platform/files/files.ts";
import { temporaryFolder } from "../../support/folder.ts";

afterEach(() => replaceFiles(systemFiles));

test("a failed write leaves no file behind", () => {
  const folder = temporaryFolder();
  replaceFiles({
    ...systemFiles,
    fsyncSync: () => {
      throw new Error("ENOSPC");
    },
  });
  expect(() => writeDurably(join(folder, "a"), "text")).toThrow("ENOSPC");
  expect(readdirSync(folder)).toEqual([]);
});
