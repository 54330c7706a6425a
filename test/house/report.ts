/** `bun test/house/report.ts`: the tree in figures: files of each folder, arrows between rooms, circles, names exported twice. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { circleIn, importsOf, roomOf, root, serverFiles, webFiles } from "./graph.ts";

const folders = Map.groupBy([...serverFiles, ...webFiles], (file) => file.slice(0, file.lastIndexOf("/")));
for (const [folder, files] of [...folders].sort()) console.log(`${String(files.length).padStart(4)} ${folder}`);

const arrows = serverFiles
  .flatMap(importsOf)
  .filter(({ to }) => to.startsWith("server/"))
  .map(({ from, to }) => [roomOf(from, "server"), roomOf(to, "server")])
  .filter(([from, to]) => from !== to);
console.log(`\nrooms of server/: ${new Set(serverFiles.map((file) => roomOf(file, "server"))).size}`);
console.log(`arrows between rooms: ${new Set(arrows.map((arrow) => arrow.join(" → "))).size}`);
console.log(`circles: ${circleIn([...serverFiles, ...webFiles]) ?? "none"}`);

const exported = serverFiles.flatMap((file) => {
  const source = readFileSync(join(root, file), "utf8");
  const names = source.matchAll(/^export (?:async )?(?:function\*?|const|type|class|interface) (\w+)/gm);
  return [...names].map(([, name = ""]) => ({ name, file }));
});
const twice = [...Map.groupBy(exported, ({ name }) => name)].filter(([, places]) => places.length > 1);
console.log(`names exported from several files: ${twice.length}`);
for (const [name, places] of twice) console.log(`  ${name}: ${places.map(({ file }) => file).join(", ")}`);
const thrice = [...Map.groupBy(serverFiles, (file) => basename(file))].filter(([, files]) => files.length > 2);
console.log(`file names that stand three times: ${thrice.map(([name]) => name).join(", ") || "none"}`);
