import { expect, test } from "bun:test";
import { createRandom } from "../random.ts";
import { createTree } from "./tree.ts";

test("a folder that was removed and made again keeps its synced files at a power loss, as on a real file system", () => {
  // Whatever the power loss keeps of the names that were not synced.
  for (let seed = 0; seed < 50; seed++) {
    const tree = createTree(Date.now, Date.now);
    tree.makeFolders("/live/day");
    tree.remove("/live/day");
    tree.makeFolders("/live/day");
    const inode = tree.create("/live/day/00-00.jsonl");
    tree.write(inode, Buffer.from("a line\n"), 0);
    tree.sync(inode);
    tree.losePower(createRandom(seed));
    expect(tree.files("/").map(({ path, inode }) => `${path} ${inode.data.toString("utf8", 0, inode.size)}`)).toEqual([
      "/live/day/00-00.jsonl a line\n",
    ]);
  }
});

test("a name that was not synced may be lost at a power loss, a synced name is not", () => {
  const remains = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const tree = createTree(Date.now, Date.now);
    tree.makeFolders("/live");
    for (const name of ["a", "b"]) tree.create(`/live/${name}`);
    const kept = tree.find("/live/a");
    if (kept !== null) tree.sync(kept);
    tree.losePower(createRandom(seed));
    remains.add(
      tree
        .files("/live")
        .map(({ path }) => path)
        .join(" "),
    );
  }
  expect([...remains].sort()).toEqual(["/live/a", "/live/a /live/b"]);
});
